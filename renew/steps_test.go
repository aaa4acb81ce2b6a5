package renew_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// Four jobs on four machines, each delivered twice: first with the plan that it got the first time,
// then with the one that it left.
func TestFourJobs(t *testing.T) {
	t.Parallel()
	for _, left := range []bool{false, true} {
		s := newService(t)
		ct := file(t, org, expires)
		twice := func(p *renew.Plan, step func(p *renew.Plan)) *renew.Plan {
			first := another(t, p)
			step(first)
			second := another(t, p)
			if left {
				second = another(t, first)
			}
			step(second)
			return second
		}
		s.plan(t, ct)
		p := s.plan(t, ct)
		p = twice(p, func(p *renew.Plan) { ok(t, p.Apply(t.Context(), s.client, ct)) })
		p = twice(p, func(p *renew.Plan) { ok(t, p.StartSync(t.Context(), s.client)) })
		twice(p, func(p *renew.Plan) {
			report, err := p.Verify(t.Context(), s.client)
			ok(t, err)
			if !report.Verified || report.After.ExpirationDateTime != expires || report.Reasons != nil {
				t.Errorf("report = %+v", report)
			}
			if diff := cmp.Diff(report, another(t, report), cmpopts.IgnoreFields(renew.Report{}, "Token")); diff != "" {
				t.Error(diff)
			}
		})
		want := []string{
			"GET /id", "GET /id", "GET /id", "PATCH /id", "GET /id", "PATCH /id", "GET /id", "POST /id/syncLicenses",
			"GET /id",
		}
		if !left {
			want = append(want, "POST /id/syncLicenses") // nobody remembered the first
		}
		want = append(want, "GET /id", "GET /id")
		if diff := cmp.Diff(want, s.sent()); diff != "" {
			t.Errorf("left %v: %s", left, diff)
		}
		patches := s.patches()
		if body := `{"token":"` + ct.Secret().Reveal() + `"}`; patches[0] != body || patches[1] != body {
			t.Error("the second PATCH is not the first")
		}
		checkOnlyRenews(t, s)
	}
}

// What an engine stores.
func TestPlanJSON(t *testing.T) {
	t.Parallel()
	s := newService(t)
	o := options()
	o.PollEvery = 90 * time.Second
	o.OnStep = func(renew.Step) {}
	ct := file(t, org, expires)
	p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, o)
	ok(t, err)
	same := func() {
		t.Helper()
		if diff := cmp.Diff(p, another(t, p), cmpopts.IgnoreUnexported(renew.Plan{})); diff != "" {
			t.Error(diff)
		}
	}
	same()
	ok(t, p.Apply(t.Context(), s.client, ct))
	if !p.Applied || p.Sync != nil {
		t.Errorf("plan = %+v", p)
	}
	same()
	ok(t, p.StartSync(t.Context(), s.client))
	if p.Sync == nil || p.Sync.TokenID != s.id || !p.Sync.PreviousSyncDateTime.Equal(today.Add(-time.Hour)) {
		t.Errorf("plan = %+v", p)
	}
	same()
	if got := another(t, p).PollEvery; got != 90*time.Second {
		t.Errorf("PollEvery = %v", got)
	}
	// OnStep is not in the JSON, so that of the plan that is read into stays.
	var steps []renew.Step
	kept := new(renew.Plan)
	kept.OnStep(func(step renew.Step) { steps = append(steps, step) })
	text, err := json.Marshal(p)
	ok(t, err)
	ok(t, json.Unmarshal(text, kept))
	ok(t, kept.Apply(t.Context(), s.client, ct))
	if diff := cmp.Diff([]renew.Step{renew.StepApply}, steps); diff != "" {
		t.Error(diff)
	}
}

// A step that could not even look keeps the id of its request: that is what support asks for.
func TestRequestIDsOfFailedLooks(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	p := s.plan(t, ct)
	s.Fail(vpptokentest.Fault{Status: 403})
	if err := p.Apply(t.Context(), s.client, ct); !errors.Is(err, vpptoken.ErrForbidden) {
		t.Errorf("Apply = %v", err)
	}
	ok(t, p.Apply(t.Context(), s.client, ct))
	s.Fail(vpptokentest.Fault{Status: 403})
	if err := p.StartSync(t.Context(), s.client); !errors.Is(err, vpptoken.ErrForbidden) {
		t.Errorf("StartSync = %v", err)
	}
	if diff := cmp.Diff(s.answer.pick(0, 1, 3, 4), p.RequestIDs); diff != "" {
		t.Error(diff)
	}
}

// The names in the JSON are for engines and people: they stay.
func TestJSONNames(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires.In(time.FixedZone("", 9*3600)))
	p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, renew.Options{
		AllowOtherOrganization: true, AllowEarlierExpiry: true, AllowOtherLocation: true, Now: clock,
		With: vpptoken.NewPatch().SetAppleID("apps@nordwind.example"),
	})
	ok(t, err)
	ok(t, p.Apply(t.Context(), s.client, ct))
	ok(t, p.StartSync(t.Context(), s.client))
	s.Edit(s.id, func(t *vpptoken.VPPToken) { t.State = vpptoken.StateInvalid })
	report, err := p.Verify(t.Context(), s.client)
	wantUnverified(t, report, err, nil)
	p.TokenID, p.RequestIDs, p.Sync.TokenID, p.Sync.RequestedAt = "x", []string{"1", "2"}, "x", today
	report.TokenID, report.RequestIDs = "x", []string{"1", "2"}
	const (
		names  = `"lastSyncStatus":"completed","organizationName":"Nordwind School District","locationName":"Nordwind","displayName":"Field iPads"}`
		before = `"before":{"state":"valid","expirationDateTime":"2026-11-25T12:00:00Z","lastSyncDateTime":"2026-11-24T11:00:00Z",` + names
	)
	for want, v := range map[string]any{
		`{"tokenId":"x",` + before + `,"organizationName":"Nordwind School District","expirationDateTime":"2027-11-20T18:13:52Z",` +
			`"location":"Nordwind","needsApply":true,"applied":true,"sync":{"tokenId":"x","requestedAt":"2026-11-24T12:00:00Z",` +
			`"previousSyncDateTime":"2026-11-24T11:00:00Z","adopted":false},"pollEvery":15000000000,"requestIds":["1","2"],` +
			`"options":{"allowOtherOrganization":true,"allowEarlierExpiry":true,"allowOtherLocation":true,` +
			`"with":{"appleId":"apps@nordwind.example"},"clockOffset":0},` +
			`"syncNote":{"before":"completed","ended":"completed"},"digest":""}`: p,
		`{"tokenId":"x","verified":false,"reasons":["The state is invalid: Apple does not accept the file, download a new one."],` + before +
			`,"after":{"state":"invalid","expirationDateTime":"2027-11-20T18:13:52Z","lastSyncDateTime":"2026-11-24T12:00:00Z",` + names +
			`,"requestIds":["1","2"]}`: report,
	} {
		text, err := json.Marshal(v)
		ok(t, err)
		text = regexp.MustCompile(`"digest":"[^"]+`).ReplaceAll(text, []byte(`"digest":"`))
		text = regexp.MustCompile(`"clockOffset":-?\d+`).ReplaceAll(text, []byte(`"clockOffset":0`))
		if diff := cmp.Diff(want, string(text)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestApplyOfAnotherFile(t *testing.T) {
	t.Parallel()
	for _, needsApply := range []bool{true, false} {
		s := newService(t)
		if !needsApply {
			s.Edit(s.id, func(t *vpptoken.VPPToken) { t.ExpirationDateTime = expires })
		}
		p := another(t, s.plan(t, file(t, org, expires)))
		for _, err := range []error{
			p.Apply(t.Context(), s.client, file(t, "Sudwind", expires)),
			p.Apply(t.Context(), s.client, file(t, strings.ToLower(org), expires)),
			p.Apply(t.Context(), s.client, file(t, org, expires.Add(time.Second))),
			p.Apply(t.Context(), s.client, file(t, org, expires.Add(-time.Second))),
			// F33: the same moment, another text
			p.Apply(t.Context(), s.client, file(t, org, expires.In(time.FixedZone("", 3600)))),
		} {
			if !errors.Is(err, renew.ErrOtherFile) {
				t.Fatalf("err = %v", err)
			}
			checkLine(t, err)
		}
		for _, err := range []error{
			p.Apply(t.Context(), s.client, nil),
			p.Apply(t.Context(), s.client, another(t, file(t, org, expires))), // has no text
		} {
			if err == nil {
				t.Fatal("no file was taken")
			}
			checkLine(t, err)
		}
		if p.Applied || len(s.Requests()) != 1 {
			t.Errorf("plan = %+v, sent %v", p, s.sent())
		}
		ok(t, p.Apply(t.Context(), s.client, file(t, org, expires)))
		if p.Applied != needsApply || (len(s.patches()) == 1) != needsApply {
			t.Errorf("plan = %+v, sent %v", p, s.sent())
		}
	}
}

func TestApplyIsRefused(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	p := s.plan(t, ct)
	s.Fail(vpptokentest.Fault{}, vpptokentest.Fault{Status: 403})
	if err := p.Apply(t.Context(), s.client, ct); !errors.Is(err, vpptoken.ErrForbidden) || p.Applied {
		t.Fatalf("err = %v, plan = %+v", err, p)
	}
	if err := p.StartSync(t.Context(), s.client); err == nil || len(s.Requests()) != 3 {
		t.Errorf("err = %v, sent %v", err, s.sent())
	}
	ok(t, p.Apply(t.Context(), s.client, ct))
	if diff := cmp.Diff(s.answer.pick(0, 2, 4), p.RequestIDs); diff != "" {
		t.Error(diff)
	}
}

// A sync counts only when it was started after the upload.
func TestApplyForgetsTheSync(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.started(t)
	s.Fail(vpptokentest.Fault{Status: 403})
	ct := file(t, org, expires)
	if err := p.Apply(t.Context(), s.client, ct); err == nil {
		t.Fatal("no error")
	}
	for range 2 {
		report, err := p.Verify(t.Context(), s.client)
		if report != nil || err == nil || errors.Is(err, renew.ErrNotVerified) {
			t.Errorf("Verify = %+v, %v", report, err)
		}
		ok(t, p.Apply(t.Context(), s.client, ct))
	}
	ok(t, p.StartSync(t.Context(), s.client))
	report, err := p.Verify(t.Context(), s.client)
	ok(t, err)
	if !report.Verified {
		t.Errorf("report = %+v", report)
	}
}

func TestStartSyncAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		outcome vpptokentest.SyncOutcome
		syncs   int
	}{
		{"completed", vpptokentest.SyncCompletes, 1},
		{"under way", vpptokentest.SyncNeverEnds, 1},
		{"failed", vpptokentest.SyncFails, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.NextSync(s.id, tt.outcome)
			// What is shown until the new sync is seen is no failure of it.
			s.Edit(s.id, func(t *vpptoken.VPPToken) { t.LastSyncStatus = vpptoken.SyncStatusFailed })
			p := another(t, s.started(t))
			p.PollEvery = 500 * time.Millisecond // four of them are a grace, which a busy machine must not outlast
			ok(t, p.StartSync(t.Context(), s.client))
			p = another(t, p)
			ok(t, p.StartSync(t.Context(), s.client))
			n := 0
			for _, line := range s.sent() {
				if strings.HasPrefix(line, "POST") {
					n++
				}
			}
			if n != tt.syncs {
				t.Errorf("%d syncs, want %d", n, tt.syncs)
			}
			if tt.outcome == vpptokentest.SyncNeverEnds {
				return
			}
			report, err := p.Verify(t.Context(), s.client)
			ok(t, err)
			if !report.Verified {
				t.Errorf("report = %+v", report)
			}
		})
	}
}

func TestStartSyncAgainCannotLook(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.started(t)
	before := *p.Sync
	s.Fail(vpptokentest.Fault{Status: 403})
	if err := p.StartSync(t.Context(), s.client); !errors.Is(err, vpptoken.ErrForbidden) || *p.Sync != before {
		t.Errorf("err = %v, sync = %+v", err, p.Sync)
	}
}

// Nobody knows whether the sync was started: nothing is noted, and the next run starts one.
func TestStartSyncIsUnclear(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	p := s.plan(t, ct)
	ok(t, p.Apply(t.Context(), s.client, ct))
	s.Fail(vpptokentest.Fault{}, vpptokentest.Fault{Reset: true, AfterEffect: true})
	err := p.StartSync(t.Context(), s.client)
	if failed, is := errors.AsType[*vpptoken.Error](err); !is || !failed.Ambiguous || p.Sync != nil {
		t.Fatalf("err = %v, plan = %+v", err, p)
	}
	p = another(t, p)
	ok(t, p.StartSync(t.Context(), s.client))
	report, err := p.Verify(t.Context(), s.client)
	ok(t, err)
	if !report.Verified {
		t.Errorf("report = %+v", report)
	}
	if diff := cmp.Diff([]string{
		"GET /id", "GET /id", "PATCH /id", "GET /id", "POST /id/syncLicenses", "GET /id", "POST /id/syncLicenses",
		"GET /id",
	}, s.sent()); diff != "" {
		t.Error(diff)
	}
}
