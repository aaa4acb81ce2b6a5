package clitest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// ClientSecret is the client secret of the application that signs in.
const ClientSecret = "s3cr3t-of-the-app"

// Service is the real service for a test: the sign-in of one tenant and Graph, behind one
// transport. Both are of the global cloud.
type Service struct{ *vpptokentest.Server }

// NewService returns a service that holds tokens and carries out a sync at once. It ends with the
// test.
func NewService(t *testing.T, tokens ...vpptoken.VPPToken) Service {
	t.Helper()
	s := Service{vpptokentest.NewServer(vpptokentest.WithSyncDuration(0))}
	t.Cleanup(s.Close)
	for _, token := range tokens {
		s.Add(token)
	}
	return s
}

// Run runs p on the service with the flags that point there and then args. p must not write the
// client secret or the access token.
func (s Service) Run(t *testing.T, p cli.Program, args ...string) Result {
	t.Helper()
	args = append([]string{"-tenant", "contoso.example", "-client-id", "app"}, args...)
	r := Run(Through(t.Context(), s), p, map[string]string{cli.SecretVariable: ClientSecret}, args...)
	NoSecrets(t, r, ClientSecret, Bearer(t, s.Server))
	return r
}

// RoundTrip answers a sign-in with the client secret, and lets the server answer what is for Graph.
func (s Service) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.URL.Host {
	case "login.microsoftonline.com":
		form, err := Form(r)
		if err != nil {
			return nil, err
		}
		if form.Get("client_secret") != ClientSecret {
			return nil, errors.New("a sign-in without the client secret")
		}
		return SignIn(r, s.Server)
	case "graph.microsoft.com":
		return Forward(r, s.Server)
	}
	return nil, errors.New("not a host of the service: " + r.URL.Host)
}

// Form reads the form that r sends, which is empty without a body.
func Form(r *http.Request) (url.Values, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return url.ParseQuery(string(body))
}

// SignIn answers r with the access token of srv.
func SignIn(r *http.Request, srv *vpptokentest.Server) (*http.Response, error) {
	token, err := srv.TokenSource().Token()
	if err != nil {
		return nil, err
	}
	return Answer(r, http.StatusOK,
		fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, token.AccessToken)), nil
}

// Bearer returns the access token of srv, which is a secret.
func Bearer(t *testing.T, srv *vpptokentest.Server) string {
	t.Helper()
	token, err := srv.TokenSource().Token()
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}
