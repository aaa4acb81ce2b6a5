package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

const clientSecret = "s3cr3t-of-the-app"

// service is the real service for a test: the sign-in of a tenant and Graph, behind one transport.
type service struct{ *vpptokentest.Server }

func newService(t *testing.T) (service, context.Context) {
	t.Helper()
	s := service{vpptokentest.NewServer(vpptokentest.WithSyncDuration(0))}
	t.Cleanup(s.Close)
	s.Add(embeddedToken(time.Now()))
	return s, context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: s})
}

func (s service) RoundTrip(r *http.Request) (*http.Response, error) {
	switch r.URL.Host {
	case "login.microsoftonline.com":
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

func contentText(organization string, expires time.Time) string {
	text := fmt.Sprintf(`{"token":"bm8=","expDate":%q,"orgName":%q}`, expires.UTC().Format("2006-01-02T15:04:05-0700"), organization)
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// renew runs the program on the service, and looks for everything secret that it has had in its hands.
func (s service) renew(ctx context.Context, t *testing.T, content string, args ...string) result {
	t.Helper()
	args = append([]string{
		"-tenant", "contoso.example", "-client-id", "app", "-id", embeddedToken(time.Now()).ID,
		"-token-file", contentFile(t, "sToken_for_Nordwind.vpptoken", content+"\n"),
	}, args...)
	r := runWith(ctx, map[string]string{cli.SecretVariable: clientSecret}, args...)
	bearer, err := s.TokenSource().Token()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{clientSecret, bearer.AccessToken, content, "bm8="} {
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("the output holds the secret %q", secret)
		}
	}
	return r
}

func (s service) methods() string {
	var methods []string
	for _, q := range s.Requests() {
		methods = append(methods, q.Method)
	}
	return strings.Join(methods, " ")
}

func TestRealService(t *testing.T) {
	t.Parallel()
	s, ctx := newService(t)
	content := contentText(organization, time.Now().AddDate(1, 0, 0))
	r := s.renew(ctx, t, content)
	want(t, r, cli.ExitOK)
	holds(t, r, `Nothing was changed. -yes carries it out.`)
	if got := s.methods(); got != "GET" || strings.Contains(r.stdout, "embedded") {
		t.Errorf("the plan sent %s:\n%s", got, r.stdout)
	}

	r = s.renew(ctx, t, content, "-yes")
	want(t, r, cli.ExitOK)
	holds(t, r, `Verified: .*`)
	if diff := cmp.Diff("GET GET PATCH GET POST GET", s.methods()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	for _, q := range s.Requests() {
		if q.Method == http.MethodPatch && q.Body != `{"token":"`+content+`"}` {
			t.Errorf("another body arrived: %d bytes", len(q.Body))
		}
	}

	r = s.renew(ctx, t, content, "-yes") // once more: nothing to upload
	want(t, r, cli.ExitOK)
	holds(t, r, `Plan: the service has this file already: upload nothing, .*`, `Verified: .*`)
	if got := strings.Count(s.methods(), "PATCH"); got != 1 {
		t.Errorf("%d uploads", got)
	}
}

func TestNotVerified(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		prime  func(s service, id string)
		args   []string
		stdout []string
		stderr []string
	}{
		{
			"the sync fails", func(s service, id string) { s.NextSync(id, vpptokentest.SyncFails) }, nil,
			[]string{`Not verified:`, `- Intune could not sync the token with Apple: .*`, `status +completed +failed`},
			[]string{"error: " + renew.ErrNotVerified.Error() + ": vpptoken: waitSync: "},
		},
		{
			"a duplicate", func(s service, id string) { s.NextSync(id, vpptokentest.SyncFindsDuplicate) }, nil,
			[]string{`Not verified:`, `state +valid +duplicateLocationId`},
			[]string{"error: " + renew.ErrNotVerified.Error()},
		},
		{
			"the sync never ends", func(s service, id string) { s.NextSync(id, vpptokentest.SyncNeverEnds) },
			[]string{"-timeout", "500ms"},
			[]string{`Not verified:`, `- It is not known how the sync ended, because the time was up: .*`},
			[]string{"the sync is still running"},
		},
		{
			"the upload is refused", func(s service, _ string) { s.Fail(vpptokentest.Fault{}, vpptokentest.Fault{Status: 409}) }, nil,
			nil,
			[]string{"error: uploading the file: vpptoken: update: 409 Conflict"},
		},
		{
			"the sync is refused", func(s service, _ string) {
				s.Fail(vpptokentest.Fault{}, vpptokentest.Fault{}, vpptokentest.Fault{}, vpptokentest.Fault{Status: 409})
			}, nil,
			nil,
			[]string{"error: the file is there, but the sync could not be started, run it again: vpptoken: ", "409 Conflict"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, ctx := newService(t)
			tt.prime(s, embeddedToken(time.Now()).ID)
			r := s.renew(ctx, t, contentText(organization, time.Now().AddDate(1, 0, 0)), append(tt.args, "-yes")...)
			want(t, r, cli.ExitFailed, tt.stderr...)
			holds(t, r, tt.stdout...)
			if strings.Contains(r.stdout, "\nVerified") || tt.stdout == nil && strings.Contains(r.stdout, "erified") || s.UnusedFaults() != 0 {
				t.Errorf("stdout:\n%s", r.stdout)
			}
		})
	}
}

func TestNotVerifiedAsJSON(t *testing.T) {
	t.Parallel()
	s, ctx := newService(t)
	s.NextSync(embeddedToken(time.Now()).ID, vpptokentest.SyncFails)
	r := s.renew(ctx, t, contentText(organization, time.Now().AddDate(1, 0, 0)), "-yes", "-json")
	want(t, r, cli.ExitFailed, renew.ErrNotVerified.Error())
	r.code = cli.ExitOK
	if report := only[renew.Report](t, r); report.Verified || len(report.Reasons) == 0 {
		t.Errorf("report %+v", report)
	}
}

// moving returns what a terminal gets while a sync is asked for and waited for, in a time that is not the real one.
func moving(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		p := newProgress(&out, true)
		p.end() // before anything began
		p.step(renew.StepSync)
		time.Sleep(150 * time.Millisecond)
		p.step(renew.StepVerify)
		time.Sleep(time.Second)
		p.poll(&vpptoken.VPPToken{LastSyncStatus: "in\x1b[2JProgress"})
		time.Sleep(1050 * time.Millisecond)
		p.end()
		p.end()
	})
	return out.String()
}
