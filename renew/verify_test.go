package renew_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

const lag = "The service shows the expiry 2026-11-25 12:00:00 UTC, the file has 2027-11-20 18:13:52 UTC: it can lag behind the sync, verify again later."

// wantUnverified checks that the report and the error say the same, with the cause in the same
// chain; cause may be nil.
func wantUnverified(t *testing.T, report *renew.Report, err, cause error, reasons ...string) {
	t.Helper()
	if report == nil || report.Verified || len(report.Reasons) == 0 || !errors.Is(err, renew.ErrNotVerified) {
		t.Fatalf("report = %+v, err = %v", report, err)
	}
	failed, is := errors.AsType[*vpptoken.Error](err)
	switch {
	case cause == nil && is:
		t.Errorf("err = %v, want no cause", err)
	case cause != nil && (!errors.Is(err, cause) || !is || failed == nil):
		t.Errorf("err = %v, want %v in it", err, cause)
	}
	if diff := cmp.Diff(reasons, report.Reasons); len(reasons) > 0 && diff != "" {
		t.Error(diff)
	}
	for _, r := range report.Reasons {
		if strings.ContainsAny(r, "\r\n") || !strings.HasSuffix(r, ".") {
			t.Errorf("no sentence: %q", r)
		}
	}
	checkLine(t, err)
	another(t, report)
}

func TestNotVerified(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		outcome vpptokentest.SyncOutcome
		before  func(*vpptoken.VPPToken)
		after   func(*vpptoken.VPPToken) // what the service shows when Verify looks
		cause   error
		reasons []string
	}{
		{
			name: "sync fails", outcome: vpptokentest.SyncFails, cause: vpptoken.ErrSyncFailed,
			reasons: []string{"Intune could not sync the token with Apple: start another sync later.", lag},
		},
		{
			name: "duplicate", outcome: vpptokentest.SyncFindsDuplicate,
			reasons: []string{"The state is duplicateLocationId: another token has the same location, and sync stops until one of them is gone."},
		},
		{
			name: "another MDM's", before: func(t *vpptoken.VPPToken) { t.State = vpptoken.StateAssignedToExternalMDM },
			reasons: []string{"The state is assignedToExternalMDM: remove the token from the other MDM, or claim it."},
		},
		{
			name: "expired", after: func(t *vpptoken.VPPToken) { t.State = vpptoken.StateExpired },
			reasons: []string{"The state is expired: if the file is the new one, verify again later."},
		},
		{
			name: "invalid", after: func(t *vpptoken.VPPToken) { t.State = vpptoken.StateInvalid },
			reasons: []string{"The state is invalid: Apple does not accept the file, download a new one."},
		},
		{
			name: "service does not know", after: func(t *vpptoken.VPPToken) { t.State = vpptoken.StateUnknown },
			reasons: []string{"The service does not know the state: verify again later."},
		},
		{
			name: "word of later", after: func(t *vpptoken.VPPToken) { t.State = "suspended" },
			reasons: []string{"The state is one that this package does not know: look at it in Intune."},
		},
		{
			name: "other case", after: func(t *vpptoken.VPPToken) { t.State = "Valid" },
			reasons: []string{"The state is one that this package does not know: look at it in Intune."},
		},
		{
			name: "a second off", after: func(t *vpptoken.VPPToken) { t.ExpirationDateTime = expires.Add(time.Second) },
			reasons: []string{"The service shows the expiry 2027-11-20 18:13:53 UTC, the file has 2027-11-20 18:13:52 UTC: it can lag behind the sync, verify again later."},
		},
		{
			name:    "less than a second before",
			after:   func(t *vpptoken.VPPToken) { t.ExpirationDateTime = expires.Add(-time.Millisecond) },
			reasons: []string{"The service shows the expiry 2027-11-20 18:13:51 UTC, the file has 2027-11-20 18:13:52 UTC: it can lag behind the sync, verify again later."},
		},
		{
			name:  "no expiry, invalid",
			after: func(t *vpptoken.VPPToken) { t.ExpirationDateTime, t.State = time.Time{}, vpptoken.StateInvalid },
			reasons: []string{
				"The state is invalid: Apple does not accept the file, download a new one.",
				"The service shows no expiry: verify again later.",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.NextSync(s.id, tt.outcome)
			if tt.before != nil {
				s.Edit(s.id, tt.before)
			}
			p := another(t, s.started(t))
			if tt.after != nil {
				s.Edit(s.id, tt.after)
			}
			for range 2 {
				report, err := p.Verify(t.Context(), s.client)
				wantUnverified(t, report, err, tt.cause, tt.reasons...)
				if !slices.Equal(report.RequestIDs, p.RequestIDs) || report.After.LastSyncDateTime != today {
					t.Errorf("report = %+v", report)
				}
			}
			checkOnlyRenews(t, s)
		})
	}
}

// The same as one call: the PATCH has happened, and the report says what is missing.
func TestRunNotVerified(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.NextSync(s.id, vpptokentest.SyncFindsDuplicate)
	report, err := renew.Run(t.Context(), s.client, s.id, file(t, org, expires), options())
	wantUnverified(t, report, err, nil)
	if report.After.State != vpptoken.StateDuplicateLocationID || len(s.patches()) != 1 {
		t.Errorf("report = %+v", report)
	}
	const want = "renew: the renewal is not verified: The state is duplicateLocationId: another token has the same location, and sync stops until one of them is gone."
	if err.Error() != want {
		t.Errorf("err = %v", err)
	}
}

// The display lags behind the sync: Verify does not wait for it, and proves the renewal later, from
// the same plan.
func TestExpiryLags(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.started(t)
	s.Edit(s.id, func(t *vpptoken.VPPToken) { t.ExpirationDateTime = today.AddDate(0, 0, 1) })
	report, err := p.Verify(t.Context(), s.client)
	wantUnverified(t, report, err, nil, lag)
	s.Edit(s.id, func(t *vpptoken.VPPToken) { t.ExpirationDateTime = expires.Add(999 * time.Millisecond) })
	report, err = another(t, p).Verify(t.Context(), s.client)
	ok(t, err)
	if !report.Verified || report.Reasons != nil {
		t.Errorf("report = %+v", report)
	}
	if n := len(s.sent()); n != len(straight)+1 {
		t.Errorf("sent %v", s.sent())
	}
}

// After a failed sync, one that somebody else starts, or Intune itself, proves the renewal as well.
func TestVerifyAfterALaterSync(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.NextSync(s.id, vpptokentest.SyncFails)
	p := s.started(t)
	report, err := p.Verify(t.Context(), s.client)
	wantUnverified(t, report, err, vpptoken.ErrSyncFailed)
	_, err = s.client.SyncLicenses(t.Context(), s.id)
	ok(t, err)
	report, err = p.Verify(t.Context(), s.client)
	ok(t, err)
	if !report.Verified {
		t.Errorf("report = %+v", report)
	}
}

// The service shows what we want, but not after our sync.
func TestNeverVerifiedBeforeTheSync(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.NextSync(s.id, vpptokentest.SyncNeverEnds)
	p := s.started(t)
	s.Edit(s.id, func(t *vpptoken.VPPToken) { t.ExpirationDateTime = expires })
	ctx, cancel := context.WithCancel(t.Context())
	looks := 0
	report, err := p.Verify(ctx, s.client, vpptoken.PollEvery(time.Millisecond),
		vpptoken.OnPoll(func(*vpptoken.VPPToken) {
			if looks++; looks == 3 {
				cancel()
			}
		}))
	wantUnverified(t, report, err, context.Canceled,
		"It is not known how the sync ended, because the work was canceled: verify again.")
	if report.After.ExpirationDateTime != expires ||
		report.After.LastSyncStatus != vpptoken.SyncStatusInProgress || looks != 3 {
		t.Errorf("report = %+v after %d looks", report, looks)
	}
}

func TestVerifyRunsOutOfTime(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.NextSync(s.id, vpptokentest.SyncNeverEnds)
	p := s.started(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	report, err := p.Verify(ctx, s.client)
	wantUnverified(t, report, err, context.DeadlineExceeded,
		"It is not known how the sync ended, because time ran out: verify again.", lag)

	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	report, err = p.Verify(ctx, s.client)
	wantUnverified(t, report, err, context.Canceled,
		"It is not known how the sync ended, because the work was canceled: verify again.")
	if (report.After != renew.Snapshot{}) {
		t.Errorf("report = %+v", report)
	}
}

func TestVerifyCannotRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault  vpptokentest.Fault
		cause  error // nil for any
		reason string
	}{
		{vpptokentest.Fault{Status: 403}, vpptoken.ErrForbidden, "the service answered 403 Forbidden"},
		{vpptokentest.Fault{Status: 404}, vpptoken.ErrNotFound, "the service answered 404 Not Found"},
		{vpptokentest.Fault{Body: `{"id":7}`}, nil, "the service's answer can't be used"},
	} {
		s := newService(t)
		p := s.started(t)
		s.Fail(tt.fault)
		report, err := p.Verify(t.Context(), s.client)
		if tt.cause == nil {
			failed, is := errors.AsType[*vpptoken.Error](err)
			if !is {
				t.Fatalf("err = %v", err)
			}
			tt.cause = failed
		}
		wantUnverified(t, report, err, tt.cause,
			"It is not known how the sync ended, because "+tt.reason+": verify again.")
		if diff := cmp.Diff(s.answer.pick(0, 2, 4, 5), report.RequestIDs); diff != "" {
			t.Error(diff)
		}
		if len(p.RequestIDs) != 3 {
			t.Error("Verify changed the plan")
		}
	}
}

// The sync is refused, or the upload is: the report tells what has happened, when something may
// have.
func TestRunIsRefused(t *testing.T) {
	t.Parallel()
	pass := vpptokentest.Fault{}
	down := vpptokentest.Fault{Status: 500, AfterEffect: true}
	for _, tt := range []struct {
		name   string
		faults []vpptokentest.Fault
		cause  error
		reason string // "" when nothing was changed
	}{
		{"look before the upload", []vpptokentest.Fault{pass, {Status: 403}}, vpptoken.ErrForbidden, ""},
		{"upload", []vpptokentest.Fault{pass, pass, {Status: 403}}, vpptoken.ErrForbidden, ""},
		{
			"upload unclear",
			[]vpptokentest.Fault{pass, pass, down, down, down, down},
			nil,
			"It is not known whether the file was uploaded, because the service answered 500 Internal Server Error: run it again.",
		},
		{
			"read before the sync",
			[]vpptokentest.Fault{pass, pass, pass, {Status: 404}},
			vpptoken.ErrNotFound,
			"The sync could not be started, because the service answered 404 Not Found: run it again.",
		},
		{
			"sync",
			[]vpptokentest.Fault{pass, pass, pass, pass, {Status: 409}},
			vpptoken.ErrConflict,
			"The sync could not be started, because the service answered 409 Conflict: run it again.",
		},
		{
			"sync unclear",
			[]vpptokentest.Fault{pass, pass, pass, pass, {Reset: true, AfterEffect: true}},
			nil,
			"The sync could not be started, because the service gave no answer: run it again.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.Fail(tt.faults...)
			ct := file(t, org, expires)
			report, err := renew.Run(t.Context(), s.client, s.id, ct, options())
			if tt.reason == "" {
				if report != nil || !errors.Is(err, tt.cause) || errors.Is(err, renew.ErrNotVerified) {
					t.Errorf("Run = %+v, %v", report, err)
				}
				return
			}
			if failed, is := errors.AsType[*vpptoken.Error](err); is && tt.cause == nil {
				tt.cause = failed
			}
			wantUnverified(t, report, err, tt.cause, tt.reason)
			if (report.After != renew.Snapshot{}) || report.Before.OrganizationName != org {
				t.Errorf("report = %+v", report)
			}
			report, err = renew.Run(t.Context(), s.client, s.id, ct, options())
			ok(t, err)
			if !report.Verified {
				t.Errorf("run again: %+v", report)
			}
			checkOnlyRenews(t, s)
		})
	}
}

// A service that is hostile, or has been broken into, gets nothing into a report but plain words.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	p := s.plan(t, ct)
	ok(t, p.Apply(t.Context(), s.client, ct))
	ok(t, p.StartSync(t.Context(), s.client))
	s.Edit(s.id, func(t *vpptoken.VPPToken) {
		t.State = vpptoken.State(ct.Secret().Reveal())
		t.DisplayName = "a\nlevel=ERROR\x1b[2J\u202e"
		t.LocationName = strings.Repeat("é", 300) + "\n"
	})
	report, err := p.Verify(t.Context(), s.client)
	wantUnverified(t, report, err, nil, "The state is one that this package does not know: look at it in Intune.",
		`The service now shows the location "`+strings.Repeat("é", 256)+
			`"; before it was "Nordwind", and the file's is "Nordwind": check that this is the right file.`)
	if report.After.State != "" || report.After.DisplayName != "a�level=ERROR�[2J�" ||
		report.After.LocationName != strings.Repeat("é", 256) {
		t.Errorf("after = %+q", report.After)
	}
	for word, want := range map[string]string{
		"suspendedByApple2": "suspendedByApple2", strings.Repeat("w", 64): strings.Repeat("w", 64),
		strings.Repeat("w", 65): "", "a b": "", "a-b": "",
	} {
		s.Edit(s.id, func(t *vpptoken.VPPToken) { t.State = vpptoken.State(word) })
		report, err = p.Verify(t.Context(), s.client)
		wantUnverified(t, report, err, nil)
		if string(report.After.State) != want {
			t.Errorf("state %q is reported as %q", word, report.After.State)
		}
	}
}

// A report is the caller's own: what is done to it does not reach the plan.
func TestReportIsACopy(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.started(t)
	report, err := p.Verify(t.Context(), s.client)
	ok(t, err)
	report.RequestIDs[0] = "changed"
	if p.RequestIDs[0] == "changed" {
		t.Error("the plan has changed")
	}
}

func TestNothingPrintsTheSecret(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.NextSync(s.id, vpptokentest.SyncFails)
	ct := file(t, org, expires)
	p := s.started(t)
	report, err := p.Verify(t.Context(), s.client)
	for _, v := range []any{p, *p, report, *report, err, ct} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			checkHidden(t, fmt.Sprintf(verb, v))
		}
	}
}
