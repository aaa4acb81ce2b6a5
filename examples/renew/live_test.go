package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// service is the real service with the token of the embedded Graph.
type service struct{ clitest.Service }

func newService(t *testing.T) service {
	t.Helper()
	return service{clitest.NewService(t, embeddedToken(time.Now()))}
}

// renew runs the program on the service, and looks for everything secret that it has had in its
// hands.
func (s service) renew(t *testing.T, content string, args ...string) clitest.Result {
	t.Helper()
	file := clitest.File(t, "sToken_for_Nordwind.vpptoken", content+"\n")
	r := s.Run(t, run, append([]string{"-id", embeddedToken(time.Now()).ID, "-token-file", file}, args...)...)
	clitest.NoSecrets(t, r, content, "bm8=")
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
	s := newService(t)
	content := clitest.Content(organization, time.Now().AddDate(1, 0, 0))
	r := s.renew(t, content)
	want(t, r, cli.ExitOK)
	clitest.Holds(t, r, `Nothing was changed. -yes carries it out.`)
	if got := s.methods(); got != "GET" || strings.Contains(r.Stdout, "embedded") {
		t.Errorf("the plan sent %s:\n%s", got, r.Stdout)
	}

	r = s.renew(t, content, "-yes")
	want(t, r, cli.ExitOK)
	clitest.Holds(t, r, `Verified: .*`)
	if diff := cmp.Diff("GET GET GET PATCH GET POST GET", s.methods()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	for _, q := range s.Requests() {
		if q.Method == http.MethodPatch && q.Body != `{"token":"`+content+`"}` {
			t.Errorf("another body arrived: %d bytes", len(q.Body))
		}
	}

	r = s.renew(t, content, "-yes") // once more: nothing to upload
	want(t, r, cli.ExitOK)
	clitest.Holds(t, r, `Plan: the service has this file already: upload nothing, .*`, `Verified: .*`)
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
			[]string{"-timeout", "3s"},
			[]string{`Not verified:`, `- It is not known how the sync ended, because time ran out: .*`},
			[]string{"the sync is still running"},
		},
		{
			"the upload is refused", func(s service, _ string) {
				s.Fail(vpptokentest.Fault{}, vpptokentest.Fault{}, vpptokentest.Fault{Status: 409})
			}, nil,
			nil,
			[]string{"error: uploading the file: vpptoken: update: 409 Conflict"},
		},
		{
			"the sync is refused", func(s service, _ string) {
				s.Fail(vpptokentest.Fault{}, vpptokentest.Fault{}, vpptokentest.Fault{}, vpptokentest.Fault{},
					vpptokentest.Fault{Status: 409})
			}, nil,
			nil,
			[]string{
				"error: the file is there, but the sync could not be started, run it again: vpptoken: ", "409 Conflict",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			tt.prime(s, embeddedToken(time.Now()).ID)
			r := s.renew(t, clitest.Content(organization, time.Now().AddDate(1, 0, 0)), append(tt.args, "-yes")...)
			want(t, r, cli.ExitFailed, tt.stderr...)
			clitest.Holds(t, r, tt.stdout...)
			if strings.Contains(r.Stdout, "\nVerified") || tt.stdout == nil && strings.Contains(r.Stdout, "erified") ||
				s.UnusedFaults() != 0 {
				t.Errorf("stdout:\n%s", r.Stdout)
			}
		})
	}
}

func TestNotVerifiedAsJSON(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.NextSync(embeddedToken(time.Now()).ID, vpptokentest.SyncFails)
	r := s.renew(t, clitest.Content(organization, time.Now().AddDate(1, 0, 0)), "-yes", "-json")
	want(t, r, cli.ExitFailed, renew.ErrNotVerified.Error())
	if report := clitest.JSON[renew.Report](t, r); report.Verified || len(report.Reasons) == 0 {
		t.Errorf("report %+v", report)
	}
}

// moving returns what a terminal gets while a sync is asked for and waited for, in a time that is
// not the real one.
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
