package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

const (
	clientSecret = "s3cr3t-of-the-app"
	otherSecret  = "s3cr3t-of-the-other-app"
)

// service is the real service for a test: the sign-in and Graph of several tenants, behind one transport.
type service struct {
	tenants map[string]*vpptokentest.Server // by name
	bearers map[string]*vpptokentest.Server // by what the sign-in gave out
	secrets map[string]string               // by name: clientSecret when there is none
}

func newService(t *testing.T, names ...string) (*service, context.Context) {
	t.Helper()
	s := &service{map[string]*vpptokentest.Server{}, map[string]*vpptokentest.Server{}, map[string]string{}}
	for _, name := range names {
		srv := vpptokentest.NewServer()
		t.Cleanup(srv.Close)
		s.tenants[name], s.bearers["Bearer "+bearer(t, srv)] = srv, srv
	}
	return s, context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: s})
}

func bearer(t *testing.T, srv *vpptokentest.Server) string {
	t.Helper()
	token, err := srv.TokenSource().Token()
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

// add puts a healthy token into a tenant, changed by change.
func (s *service) add(tenant string, change func(*vpptoken.VPPToken)) {
	token := vpptoken.VPPToken{DisplayName: "Oslo", ExpirationDateTime: time.Now().Add(200*24*time.Hour + time.Hour), LastSyncDateTime: time.Now()}
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
	root, err := url.Parse(srv.URL())
	if err != nil {
		return nil, err
	}
	host := r.URL.Host
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = root.Scheme, root.Host, ""
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	body = bytes.ReplaceAll(body, []byte(srv.URL()), []byte("https://"+host)) // in the links to the next page
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer.Header.Del("Content-Length")
	return answer, nil
}

func (s *service) signIn(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	name := strings.Split(r.URL.Path, "/")[1]
	answer := http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r}
	secret := clientSecret
	if other, ok := s.secrets[name]; ok {
		secret = other
	}
	srv := s.tenants[name]
	text := `{"error":"invalid_client","error_description":"AADSTS7000215: ` + form.Get("client_secret") + `"}`
	if srv == nil || form.Get("client_secret") != secret {
		answer.StatusCode = http.StatusUnauthorized
	} else {
		token, err := srv.TokenSource().Token()
		if err != nil {
			return nil, err
		}
		text = fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, token.AccessToken)
	}
	answer.Body = io.NopCloser(strings.NewReader(text))
	return &answer, nil
}

type result struct {
	code           int
	stdout, stderr string
}

var withSecret = map[string]string{cli.SecretVariable: clientSecret, "OTHER_SECRET": otherSecret}

func runWith(ctx context.Context, env map[string]string, args ...string) result {
	var out, errs bytes.Buffer
	code := run(ctx, args, func(name string) string { return env[name] }, &out, &errs)
	return result{code, out.String(), errs.String()}
}

// check looks at the exit code and for everything secret that the run has had in its hands; stderr stays empty.
func (s *service) check(t *testing.T, r result, code int) {
	t.Helper()
	want(t, r, code, "")
	secrets := []string{clientSecret, otherSecret}
	for _, srv := range s.tenants {
		secrets = append(secrets, bearer(t, srv))
	}
	for _, secret := range secrets {
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("the output holds the secret %q", secret)
		}
	}
}

func want(t *testing.T, r result, code int, stderr string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d; stderr: %s", r.code, code, r.stderr)
	}
	if stderr == "" && r.stderr != "" || !strings.Contains(r.stderr, stderr) {
		t.Errorf("stderr = %q, want it to hold %q", r.stderr, stderr)
	}
}
