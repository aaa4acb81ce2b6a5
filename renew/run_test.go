package renew_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// straight is a renewal without trouble: plan, apply, sync, verify.
var straight = []string{"GET /id", "GET /id", "PATCH /id", "GET /id", "POST /id/syncLicenses", "GET /id"}

func TestRun(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	report, err := renew.Run(t.Context(), s.client, s.id, ct, options())
	ok(t, err)
	before := renew.Snapshot{
		State: vpptoken.StateValid, ExpirationDateTime: today.AddDate(0, 0, 1), LastSyncDateTime: today.Add(-time.Hour),
		LastSyncStatus: vpptoken.SyncStatusCompleted, OrganizationName: org, LocationName: "Nordwind",
		DisplayName: "Field iPads",
	}
	after := before
	after.ExpirationDateTime, after.LastSyncDateTime = expires, today
	want := &renew.Report{
		TokenID: s.id, Verified: true, Before: before, After: after, RequestIDs: s.answer.pick(0, 2, 4),
		Token: report.Token,
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Error(diff)
	}
	if report.Token == nil || report.Token.ID != s.id || !report.Token.ExpirationDateTime.Equal(expires) {
		t.Errorf("F37: token = %+v", report.Token)
	}
	if diff := cmp.Diff(straight, s.sent()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`{"token":"` + ct.Secret().Reveal() + `"}`}, s.patches()); diff != "" {
		t.Error(diff)
	}
}

func TestRunOnV1(t *testing.T) {
	t.Parallel()
	s := newService(t)
	v1 := s.Client(vpptoken.WithAPIVersion(vpptoken.VersionV1))
	report, err := renew.Run(t.Context(), v1, s.id, file(t, org, expires), options())
	ok(t, err)
	if !report.Verified || report.After.DisplayName != "" || len(s.patches()) != 1 {
		t.Errorf("report = %+v, patches: %d", report, len(s.patches()))
	}
}

// The zero Options works, on the real clock.
func TestRunWithoutOptions(t *testing.T) {
	t.Parallel()
	s := newService(t, vpptokentest.WithNow(time.Now))
	ct := file(t, org, time.Now().AddDate(1, 0, 0))
	s.Edit(s.id, func(t *vpptoken.VPPToken) { t.ExpirationDateTime = time.Now().AddDate(0, 0, 1) })
	report, err := renew.Run(t.Context(), s.client, s.id, ct, renew.Options{})
	ok(t, err)
	if !report.Verified {
		t.Errorf("report = %+v", report)
	}
}

// Nothing is uploaded a second time.
func TestRunAgain(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	_, err := renew.Run(t.Context(), s.client, s.id, ct, options())
	ok(t, err)
	for _, o := range []renew.Options{options(), {Now: clock, AllowEarlierExpiry: true, AllowOtherOrganization: true}} {
		report, err := renew.Run(t.Context(), s.client, s.id, ct, o)
		ok(t, err)
		if !report.Verified || len(report.RequestIDs) != 2 || report.Before.ExpirationDateTime != expires {
			t.Errorf("report = %+v", report)
		}
	}
	again := []string{"GET /id", "GET /id", "POST /id/syncLicenses", "GET /id"}
	if diff := cmp.Diff(append(append(append([]string{}, straight...), again...), again...), s.sent()); diff != "" {
		t.Error(diff)
	}
}

// The file is known to be there, but it is verified by a sync of our own all the same.
func TestRunAgainWhenTheSyncFails(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Edit(s.id, func(t *vpptoken.VPPToken) { t.ExpirationDateTime = expires })
	s.NextSync(s.id, vpptokentest.SyncFails)
	report, err := renew.Run(t.Context(), s.client, s.id, file(t, org, expires), options())
	wantUnverified(t, report, err, vpptoken.ErrSyncFailed)
}

func TestSteps(t *testing.T) {
	t.Parallel()
	s := newService(t)
	var steps []renew.Step
	o := options()
	o.OnStep = func(step renew.Step) { steps = append(steps, step) }
	for _, want := range [][]renew.Step{
		{renew.StepPlan, renew.StepApply, renew.StepSync, renew.StepVerify},
		{renew.StepPlan, renew.StepSync, renew.StepVerify}, // no upload is needed
	} {
		steps = nil
		_, err := renew.Run(t.Context(), s.client, s.id, file(t, org, expires), o)
		ok(t, err)
		if diff := cmp.Diff(want, steps); diff != "" {
			t.Error(diff)
		}
	}
	words := []string{string(renew.StepPlan), string(renew.StepApply), string(renew.StepSync), string(renew.StepVerify)}
	if got := strings.Join(words, " "); got != "plan apply sync verify" {
		t.Errorf("words = %s", got)
	}
}

// Whatever happens, a renewal reads, patches the token and syncs it.
func checkOnlyRenews(t *testing.T, s *service) {
	t.Helper()
	for _, line := range s.sent() {
		switch line {
		case "GET /id", "PATCH /id", "POST /id/syncLicenses":
		default:
			t.Errorf("sent %s", line)
		}
	}
	for _, r := range s.Requests() {
		if r.Method == http.MethodPatch &&
			(!strings.HasPrefix(r.Body, `{"token":"`) || strings.Count(r.Body, `"`) != 4) {
			t.Errorf("a PATCH of something else, %d bytes", len(r.Body))
		}
	}
}
