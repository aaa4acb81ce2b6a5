package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

const otherSecret = "s3cr3t-of-the-other-app"

// service is the real service for a test: the sign-in and Graph of several tenants, behind one
// transport.
type service struct {
	tenants map[string]*vpptokentest.Server // by name
	bearers map[string]*vpptokentest.Server // by what the sign-in gave out
	secrets map[string]string               // by name: clitest.ClientSecret when there is none
}

func newService(t *testing.T, names ...string) (*service, context.Context) {
	t.Helper()
	s := &service{map[string]*vpptokentest.Server{}, map[string]*vpptokentest.Server{}, map[string]string{}}
	for _, name := range names {
		srv := vpptokentest.NewServer()
		t.Cleanup(srv.Close)
		s.tenants[name], s.bearers["Bearer "+clitest.Bearer(t, srv)] = srv, srv
	}
	return s, clitest.Through(t.Context(), s)
}

// add puts a healthy token into a tenant, changed by change.
func (s *service) add(tenant string, change func(*vpptoken.VPPToken)) {
	token := vpptoken.VPPToken{
		DisplayName: "Oslo", ExpirationDateTime: time.Now().Add(200*24*time.Hour + time.Hour),
		LastSyncDateTime: time.Now(),
	}
	if change != nil {
		change(&token)
	}
	s.tenants[tenant].Add(token)
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	srv := s.bearers[r.Header.Get("Authorization")]
	switch {
	case strings.HasPrefix(r.URL.Host, "login."):
		return s.signIn(r)
	case !strings.HasPrefix(r.URL.Host, "graph.") || srv == nil:
		return nil, errors.New("not a host of the service, or no bearer of a tenant: " + r.URL.Host)
	}
	return clitest.Forward(r, srv)
}

func (s *service) signIn(r *http.Request) (*http.Response, error) {
	form, err := clitest.Form(r)
	if err != nil {
		return nil, err
	}
	name := strings.Split(r.URL.Path, "/")[1]
	secret := clitest.ClientSecret
	if other, ok := s.secrets[name]; ok {
		secret = other
	}
	if srv := s.tenants[name]; srv != nil && form.Get("client_secret") == secret {
		return clitest.SignIn(r, srv)
	}
	return clitest.Answer(r, http.StatusUnauthorized,
		`{"error":"invalid_client","error_description":"AADSTS7000215: `+form.Get("client_secret")+`"}`), nil
}

var withSecret = map[string]string{cli.SecretVariable: clitest.ClientSecret, "OTHER_SECRET": otherSecret}

// check looks at the exit code and for everything secret that the run has had in its hands; stderr
// stays empty.
func (s *service) check(t *testing.T, r clitest.Result, code int) {
	t.Helper()
	clitest.Want(t, r, code, "")
	secrets := []string{clitest.ClientSecret, otherSecret}
	for _, srv := range s.tenants {
		secrets = append(secrets, clitest.Bearer(t, srv))
	}
	clitest.NoSecrets(t, r, secrets...)
}
