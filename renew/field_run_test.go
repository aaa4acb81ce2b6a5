package renew_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// F36: the file is there and shown, and the sync was not: a fresh Run goes on, and sends no second
// PATCH.
func TestF36FreshRunGoesOn(t *testing.T) {
	t.Parallel()
	for _, state := range []vpptoken.State{
		vpptoken.StateValid, vpptoken.StateExpired, vpptoken.StateInvalid, vpptoken.StateUnknown,
	} {
		s := newService(t)
		ct := file(t, org, expires)
		p := s.plan(t, ct)
		ok(t, p.Apply(t.Context(), s.client, ct)) // and no more
		s.Edit(s.id, func(t *vpptoken.VPPToken) { t.ExpirationDateTime, t.State = expires, state })
		report, err := renew.Run(t.Context(), s.client, s.id, ct, options())
		ok(t, err)
		if !report.Verified || len(s.patches()) != 1 {
			t.Errorf("%s: %+v, sent %v", state, report, s.sent())
		}
	}
}

// F36: only when the sync ends and the file still does not work, a new one is needed.
func TestF36TheFileDoesNotWork(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Edit(s.id, func(t *vpptoken.VPPToken) { t.ExpirationDateTime, t.State = expires, vpptoken.StateInvalid })
	for range 2 {
		report, err := renew.Run(t.Context(), s.client, s.id, file(t, org, expires), options())
		wantUnverified(t, report, err, nil, "The state is invalid: Apple does not accept the file, download a new one.")
		if !errors.Is(err, renew.ErrEarlierExpiry) || len(s.patches()) != 0 {
			t.Errorf("err = %v, sent %v", err, s.sent())
		}
	}
	s.NextSync(s.id, vpptokentest.SyncFails)
	report, err := renew.Run(t.Context(), s.client, s.id, file(t, org, expires), options())
	wantUnverified(t, report, err, vpptoken.ErrSyncFailed)
	if errors.Is(err, renew.ErrEarlierExpiry) {
		t.Errorf("nobody knows that yet: %v", err)
	}
}

// F37: a plan for a token that was read before.
func TestF37PlanFor(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	token, err := s.client.Get(t.Context(), s.id)
	ok(t, err)
	var steps []renew.Step
	o := options()
	o.OnStep = func(step renew.Step) { steps = append(steps, step) }
	p, err := renew.PlanFor(token, ct, o)
	ok(t, err)
	if len(s.Requests()) != 1 || steps != nil {
		t.Errorf("sent %v, steps %v", s.sent(), steps)
	}
	made := s.plan(t, ct)
	diff := cmp.Diff(made, p, cmpopts.IgnoreUnexported(renew.Plan{}), cmpopts.IgnoreFields(renew.Plan{}, "RequestIDs"))
	if diff != "" {
		t.Error(diff)
	}
	ok(t, p.Apply(t.Context(), s.client, ct))
	p = another(t, p)
	p.OnStep(o.OnStep)
	ok(t, p.StartSync(t.Context(), s.client))
	p.OnStep(nil)
	report, err := p.Verify(t.Context(), s.client)
	ok(t, err)
	if diff := cmp.Diff([]renew.Step{renew.StepApply, renew.StepSync}, steps); diff != "" || !report.Verified {
		t.Errorf("%s, report %+v", diff, report)
	}
	(*renew.Plan)(nil).OnStep(nil)
}

func TestF37PlanForRefuses(t *testing.T) {
	t.Parallel()
	for want, change := range map[error]func(*vpptoken.VPPToken){
		renew.ErrOtherOrganization: func(t *vpptoken.VPPToken) { t.OrganizationName = "Sudwind" },
		renew.ErrOtherLocation:     func(t *vpptoken.VPPToken) { t.LocationName = "Oslo" },
		renew.ErrEarlierExpiry:     func(t *vpptoken.VPPToken) { t.ExpirationDateTime = expires.Add(time.Second) },
	} {
		token := &vpptoken.VPPToken{ID: "x", OrganizationName: org, LocationName: "Nordwind"}
		change(token)
		if p, err := renew.PlanFor(token, file(t, org, expires), options()); p != nil || !errors.Is(err, want) {
			t.Errorf("PlanFor = %+v, %v, want %v", p, err, want)
		}
	}
	token := &vpptoken.VPPToken{ID: "x"}
	for name, f := range map[string]func() (*renew.Plan, error){
		"nil token": func() (*renew.Plan, error) { return renew.PlanFor(nil, file(t, org, expires), options()) },
		"no id": func() (*renew.Plan, error) {
			return renew.PlanFor(&vpptoken.VPPToken{}, file(t, org, expires), options())
		},
		"no file": func() (*renew.Plan, error) { return renew.PlanFor(token, nil, options()) },
		"expired": func() (*renew.Plan, error) {
			return renew.PlanFor(token, file(t, org, expires), renew.Options{Now: func() time.Time { return expires }})
		},
		"PollEvery": func() (*renew.Plan, error) {
			return renew.PlanFor(token, file(t, org, expires), renew.Options{Now: clock, PollEvery: -1})
		},
	} {
		if p, err := f(); p != nil || err == nil {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// F35: however long the request of a sync waits at the service's limit, a failed status that the
// token showed before is not that sync's.
func TestF35HeldSyncRequest(t *testing.T) {
	t.Parallel()
	s, ct, o := onRealClock(t)
	s.Edit(s.id, func(t *vpptoken.VPPToken) { t.LastSyncStatus = vpptoken.SyncStatusFailed })
	s.Fail(vpptokentest.Fault{Path: "/syncLicenses", Status: http.StatusTooManyRequests, RetryAfter: "0.6"})
	report, err := renew.Run(t.Context(), s.client, s.id, ct, o)
	if err != nil || !report.Verified {
		t.Errorf("Run = %+v, %v", report, err)
	}
}

// Apply takes what With has set for its own change, not for another organization or location.
func TestF31ApplyTwiceWith(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]*vpptoken.Patch{
		"organization": vpptoken.NewPatch().SetOrganizationName("Nordwind Ltd"),
		"location":     vpptoken.NewPatch().SetLocationName("Oslo city"),
		"both":         vpptoken.NewPatch().SetLocationName("Oslo city").SetOrganizationName("Nordwind Ltd"),
	} {
		s := newService(t)
		ct := file(t, org, expires)
		p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, renew.Options{With: with, Now: clock})
		ok(t, err)
		for i := range 2 {
			if err := another(t, p).Apply(t.Context(), s.client, ct); err != nil {
				t.Errorf("%s: Apply %d: %v", name, i+1, err)
			}
		}
		s.Edit(s.id, func(t *vpptoken.VPPToken) { t.OrganizationName, t.LocationName = "Another", "Elsewhere" })
		if err := p.Apply(t.Context(), s.client, ct); !errors.Is(err, renew.ErrOtherOrganization) {
			t.Errorf("%s: Apply to another organization's: %v", name, err)
		}
	}
}

// What With sets excuses nothing that the token already showed when the plan was made.
func TestF31WithIsNoLicense(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(*vpptoken.VPPToken)
		with *vpptoken.Patch
		want error
	}{
		"organization": {
			func(t *vpptoken.VPPToken) { t.OrganizationName = "Another" },
			vpptoken.NewPatch().SetOrganizationName("Another"), renew.ErrOtherOrganization,
		},
		"location": {
			func(t *vpptoken.VPPToken) { t.LocationName = "Elsewhere" },
			vpptoken.NewPatch().SetLocationName("Elsewhere"), renew.ErrOtherLocation,
		},
	} {
		s := newService(t)
		s.Edit(s.id, c.edit)
		_, err := renew.MakePlan(t.Context(), s.client, s.id, file(t, org, expires), renew.Options{With: c.with, Now: clock})
		if !errors.Is(err, c.want) || len(s.patches()) != 0 {
			t.Errorf("%s: %v, sent %v", name, err, s.sent())
		}
	}
}
