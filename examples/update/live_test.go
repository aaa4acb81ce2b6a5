package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// live are the flags of the real service, which the tests replace by a transport.
var live = []string{"-tenant", "contoso.example", "-client-id", "11111111-2222-3333-4444-555555555555", "-id", id}

// service is the real service for a test: the sign-in of a tenant and Graph, behind one transport.
type service struct {
	*vpptokentest.Server
	t *testing.T
}

func newService(t *testing.T) (service, context.Context) {
	t.Helper()
	s := service{vpptokentest.NewServer(), t}
	t.Cleanup(s.Close)
	token := embeddedToken()
	s.Add(token)
	return s, context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: s})
}

const clientSecret = "s3cr3t-of-the-app"

func (s service) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.URL.Host {
	case "login.microsoftonline.com":
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), "client_secret="+clientSecret) {
			s.t.Errorf("sign-in without the secret: %v", err)
		}
		bearer, err := s.TokenSource().Token()
		if err != nil {
			return nil, err
		}
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
			Body: io.NopCloser(strings.NewReader(fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, bearer.AccessToken))),
		}, nil
	case "graph.microsoft.com":
		root, err := url.Parse(s.URL())
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host = root.Scheme, root.Host
		return http.DefaultTransport.RoundTrip(r)
	}
	return nil, errors.New("not a host of the service: " + r.URL.Host)
}

// noSecrets looks for everything secret that the run has had in its hands.
func noSecrets(t *testing.T, s service, r result) {
	t.Helper()
	bearer, err := s.TokenSource().Token()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{clientSecret, bearer.AccessToken, contentText} {
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("the output holds the secret %q", secret)
		}
	}
}

// contentText is the file of Nordwind AS: {"expDate":"2028-03-01T12:00:00+0000","token":"bm8=","orgName":"Nordwind AS"}.
const contentText = "eyJleHBEYXRlIjoiMjAyOC0wMy0wMVQxMjowMDowMCswMDAwIiwidG9rZW4iOiJibTg9Iiwib3JnTmFtZSI6Ik5vcmR3aW5kIEFTIn0="

func TestRealService(t *testing.T) {
	t.Parallel()
	s, ctx := newService(t)
	file := t.TempDir() + "/sToken_for_Oslo.vpptoken"
	if err := os.WriteFile(file, []byte(contentText+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := runWith(ctx, map[string]string{cli.SecretVariable: clientSecret}, append(live, "-display-name", "Field iPads", "-country", "no", "-token-file", file)...)
	want(t, r, cli.ExitOK, "")
	noSecrets(t, s, r)
	if got, want := r.sent(t), `{"token":"REDACTED","countryOrRegion":"no","displayName":"Field iPads"}`; got != want {
		t.Errorf("shown %s, want %s", got, want)
	}
	var methods []string
	for _, q := range s.Requests() {
		methods = append(methods, q.Method)
		if q.Method == http.MethodPatch && q.Body != `{"token":"`+contentText+`","countryOrRegion":"no","displayName":"Field iPads"}` {
			t.Errorf("another body arrived: %d bytes", len(q.Body))
		}
	}
	if diff := cmp.Diff([]string{"GET", "PATCH", "GET"}, methods); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if got := r.row("displayName"); got != "* displayName Field Field iPads" {
		t.Errorf("row %q", got)
	}
	if r.row("lastModifiedDateTime") == "" || r.row("countryOrRegion") != "" || r.row("id") != "" {
		t.Errorf("shown is not what differs, and that only:\n%s", r.stdout)
	}
	if !strings.Contains(r.stdout, "PATCH https://graph.microsoft.com/beta/deviceAppManagement/vppTokens/"+id+"\n") {
		t.Errorf("no request line:\n%s", r.stdout)
	}
}

func TestRealServiceFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		faults []vpptokentest.Fault
		stderr string
		sent   bool
	}{
		{"before", []vpptokentest.Fault{{Status: 403}}, "error: vpptoken: get: 403 Forbidden", false},
		{"update", []vpptokentest.Fault{{}, {Status: 409}}, "error: vpptoken: update: 409 Conflict", true},
		{"after", []vpptokentest.Fault{{}, {}, {Status: 403}}, "error: the update was carried out, but reading the token afterwards failed: vpptoken: get: 403", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, ctx := newService(t)
			s.Fail(tt.faults...)
			r := runWith(ctx, map[string]string{cli.SecretVariable: clientSecret}, append(live, "-country", "se")...)
			want(t, r, cli.ExitFailed, tt.stderr)
			noSecrets(t, s, r)
			if s.UnusedFaults() != 0 {
				t.Error("not every fault was met")
			}
			if strings.Contains(r.stdout, `"countryOrRegion": "se"`) != tt.sent {
				t.Errorf("stdout:\n%s", r.stdout)
			}
		})
	}
}
