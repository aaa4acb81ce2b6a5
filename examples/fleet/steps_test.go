package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/health"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func newBench(t *testing.T, s *site) *bench {
	t.Helper()
	client, err := s.tenants[0].open("w", 0, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{
		tenant: s.tenants[0], client: client, poll: time.Millisecond, syncTimeout: time.Minute, patience: time.Minute,
		alive: func() {},
	}
}

// through does all steps of a renewal.
func through(t *testing.T, b *bench) (renew.Step, *result, error) {
	t.Helper()
	var plan *renew.Plan
	var r *result
	for step, ok := renew.StepPlan, true; ok; step, ok = following(step) {
		var err error
		if plan, r, err = b.do(t.Context(), step, plan); err != nil {
			return step, r, err
		}
	}
	return "", r, nil
}

func TestCheckFindsTheWorst(t *testing.T) {
	t.Parallel()
	s := newSite(t, "a")
	beats := 0
	b := newBench(t, s)
	b.alive = func() { beats++ }
	s.graphs["a"].Add(vpptoken.VPPToken{
		DisplayName: "Old", State: vpptoken.StateInvalid, ExpirationDateTime: s.expires, LastSyncDateTime: time.Now(),
	})
	_, r, err := b.do(t.Context(), stepCheck, nil)
	if err != nil || r.Level != health.LevelCritical || r.Summary != "2 tokens" || len(r.Reasons) != 2 ||
		!strings.HasPrefix(r.Reasons[0], ": expires-soon: ") || !strings.HasPrefix(r.Reasons[1], "Old: invalid: ") {
		t.Errorf("check: %+v, %v", r, err)
	}
	if beats != 2 {
		t.Errorf("%d signs of life, want one a token", beats)
	}
}

func TestCheckWithoutAVerdict(t *testing.T) {
	t.Parallel()
	s := newSite(t, "a")
	b := newBench(t, s)
	s.graphs["a"].Fail(vpptokentest.Fault{Status: http.StatusForbidden})
	_, r, err := b.do(t.Context(), stepCheck, nil)
	if r != nil || levelOf(err) != health.LevelUnknown || mayRetry(stepCheck, err) {
		t.Errorf("check: %+v, %v", r, err)
	}
	if err := b.client.Delete(t.Context(), s.tenants[0].Token); err != nil {
		t.Fatal(err)
	}
	if _, r, err := b.do(t.Context(), stepCheck, nil); err != nil || r.Level != health.LevelUnknown {
		t.Errorf("check of a tenant without tokens: %+v, %v", r, err)
	}
}

func TestRenewalsThatFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil   func(graph *vpptokentest.Server, id string, b *bench)
		step    renew.Step
		err     error
		repeats bool
		reasons bool
	}{
		"another organization": {func(graph *vpptokentest.Server, id string, _ *bench) {
			graph.Edit(id, func(v *vpptoken.VPPToken) { v.OrganizationName = "b" })
		}, renew.StepPlan, renew.ErrOtherOrganization, false, false},
		"a sync that fails": {func(graph *vpptokentest.Server, id string, _ *bench) {
			graph.NextSync(id, vpptokentest.SyncFails)
		}, renew.StepVerify, vpptoken.ErrSyncFailed, false, true},
		"a sync that never ends": {func(graph *vpptokentest.Server, id string, b *bench) {
			graph.NextSync(id, vpptokentest.SyncNeverEnds)
			b.syncTimeout = 50 * time.Millisecond
		}, renew.StepVerify, errSlowSync, false, true},
		"a duplicate": {func(graph *vpptokentest.Server, id string, _ *bench) {
			graph.NextSync(id, vpptokentest.SyncFindsDuplicate)
		}, renew.StepVerify, renew.ErrNotVerified, false, true},
		"an expiry that lags": {func(graph *vpptokentest.Server, id string, b *bench) {
			graph.NextSync(id, vpptokentest.SyncNeverEnds) // until Edit ends it
			polls := 0
			b.alive = func() { // the sync of before is over, and its result does not show
				if polls++; polls == 1 {
					graph.Edit(id, func(v *vpptoken.VPPToken) {
						v.LastSyncStatus, v.LastSyncDateTime = vpptoken.SyncStatusCompleted, time.Now()
					})
				}
			}
		}, renew.StepVerify, errLags, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "a")
			b := newBench(t, s)
			c.spoil(s.graphs["a"], s.tenants[0].Token, b)
			step, r, err := through(t, b)
			if step != c.step || !errors.Is(err, c.err) {
				t.Fatalf("%s: %v", step, err)
			}
			if got := mayRetry(step, err); got != c.repeats {
				t.Errorf("mayRetry is %t", got)
			}
			if got := levelOf(err); got != health.LevelCritical {
				t.Errorf("the level is %s", got)
			}
			if got := r != nil && len(r.Reasons) > 0 && !r.Renewal.Verified; got != c.reasons {
				t.Errorf("the result is %+v", r)
			}
		})
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	asked := &vpptoken.Error{StatusCode: http.StatusTooManyRequests, RetryAfter: 90 * time.Second}
	for _, c := range []struct {
		err       error
		delivered uint64
		want      time.Duration
	}{
		{asked, 4, 90 * time.Second},
		{&vpptoken.Error{}, 1, 2 * time.Second},
		{&vpptoken.Error{}, 3, 8 * time.Second},
		{&vpptoken.Error{}, 1000, time.Minute},
	} {
		if got := pause(c.err, c.delivered, 2*time.Second); got != c.want {
			t.Errorf("pause after delivery %d is %v, want %v", c.delivered, got, c.want)
		}
	}
}

func TestAnUnclearSyncIsRepeatedAndNothingElse(t *testing.T) {
	t.Parallel()
	s := newSite(t, "a")
	b := newBench(t, s)
	plan, _, err := b.do(t.Context(), renew.StepPlan, nil)
	if err != nil {
		t.Fatal(err)
	}
	if plan, _, err = b.do(t.Context(), renew.StepApply, plan); err != nil {
		t.Fatal(err)
	}
	// The first request of the step reads; it is the POST that is answered by a closed connection.
	s.graphs["a"].Fail(vpptokentest.Fault{}, vpptokentest.Fault{Reset: true, AfterEffect: true})
	_, _, err = b.do(t.Context(), renew.StepSync, plan)
	if vpptoken.Retryable(err) || !mayRetry(renew.StepSync, err) || mayRetry(renew.StepApply, err) {
		t.Errorf("sync: %v", err)
	}
}

func TestAnUpdateThatIsDoneAgainSendsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, "a")
	b := newBench(t, s)
	b.tenant.Settings = vpptoken.NewPatch().SetAutomaticallyUpdateApps(true).SetCountryOrRegion("no")
	for i, want := range []string{`updated: {"automaticallyUpdateApps":true,"countryOrRegion":"no"}`, "in order"} {
		_, r, err := b.do(t.Context(), stepUpdate, nil)
		if err != nil || r.Summary != want || r.Level != health.LevelOK || s.count("a", http.MethodPatch, "") != 1 {
			t.Errorf("time %d: %+v, %v, %d PATCHes", i+1, r, err, s.count("a", http.MethodPatch, ""))
		}
	}
}
