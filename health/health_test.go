package health_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/health"
)

const day = 24 * time.Hour

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// healthy returns a token about which there is nothing to say, changed by change.
func healthy(change func(*vpptoken.VPPToken)) *vpptoken.VPPToken {
	t := &vpptoken.VPPToken{
		State:              vpptoken.StateValid,
		ExpirationDateTime: now.Add(200 * day),
		LastSyncDateTime:   now.Add(-6 * time.Hour),
		LastSyncStatus:     vpptoken.SyncStatusCompleted,
	}
	if change != nil {
		change(t)
	}
	return t
}

// found is a verdict without its texts: the level, then "level code" for each reason.
func found(v health.Verdict) []string {
	out := []string{string(v.Level)}
	for _, r := range v.Reasons {
		out = append(out, string(r.Level)+" "+r.Code)
	}
	return out
}

type token = vpptoken.VPPToken

func TestAssess(t *testing.T) {
	t.Parallel()
	failed := vpptoken.ActionResult{ActionName: "revokeLicenses", ActionState: vpptoken.ActionStateFailed}
	for _, tt := range []struct {
		name   string
		change func(*token)
		want   []string
	}{
		{"healthy", nil, []string{"ok"}},

		// State first.
		{
			"invalid is critical", func(t *token) { t.State = vpptoken.StateInvalid },
			[]string{"critical", "critical invalid"},
		},
		{
			"expired is critical", func(t *token) { t.State = vpptoken.StateExpired },
			[]string{"critical", "critical expired"},
		},
		{
			"duplicate location is critical", func(t *token) { t.State = vpptoken.StateDuplicateLocationID },
			[]string{"critical", "critical duplicate-location"},
		},
		{
			"external MDM is a warning", func(t *token) { t.State = vpptoken.StateAssignedToExternalMDM },
			[]string{"warning", "warning external-mdm"},
		},
		{
			"the service's own unknown", func(t *token) { t.State = vpptoken.StateUnknown },
			[]string{"unknown", "unknown unknown-state"},
		},
		{
			"a state of later days", func(t *token) { t.State = "someFutureState" },
			[]string{"unknown", "unknown unknown-state"},
		},
		{"a state in another case", func(t *token) { t.State = "Valid" }, []string{"unknown", "unknown unknown-state"}},
		{"no state", func(t *token) { t.State = "" }, []string{"unknown", "unknown unknown-state"}},

		// Then the date.
		{
			"no date", func(t *token) { t.ExpirationDateTime = time.Time{} },
			[]string{"unknown", "unknown no-expiry-date"},
		},
		{"past 30 days", func(t *token) { t.ExpirationDateTime = now.Add(30*day + 1) }, []string{"ok"}},
		{
			"exactly 30 days", func(t *token) { t.ExpirationDateTime = now.Add(30 * day) },
			[]string{"warning", "warning expires-soon"},
		},
		{
			"past 7 days", func(t *token) { t.ExpirationDateTime = now.Add(7*day + 1) },
			[]string{"warning", "warning expires-soon"},
		},
		{
			"exactly 7 days", func(t *token) { t.ExpirationDateTime = now.Add(7 * day) },
			[]string{"critical", "critical expires-soon"},
		},
		{
			"a nanosecond left", func(t *token) { t.ExpirationDateTime = now.Add(1) },
			[]string{"critical", "critical expires-soon"},
		},
		{"expires now", func(t *token) { t.ExpirationDateTime = now }, []string{"critical", "critical expired"}},
		{"expires now, seen in another zone", func(t *token) {
			t.ExpirationDateTime = now.In(time.FixedZone("", -8*3600))
		}, []string{"critical", "critical expired"}},
		{
			"expired", func(t *token) { t.ExpirationDateTime = now.Add(-400 * day) },
			[]string{"critical", "critical expired"},
		},

		// Then the last sync.
		{
			"sync failed", func(t *token) { t.LastSyncStatus = vpptoken.SyncStatusFailed },
			[]string{"warning", "warning sync-failed"},
		},
		{"sync in progress", func(t *token) { t.LastSyncStatus = vpptoken.SyncStatusInProgress }, []string{"ok"}},
		{"sync status none", func(t *token) { t.LastSyncStatus = vpptoken.SyncStatusNone }, []string{"ok"}},
		{"a sync status of later days", func(t *token) { t.LastSyncStatus = "someFutureStatus" }, []string{"ok"}},
		{"exactly 72 hours", func(t *token) { t.LastSyncDateTime = now.Add(-72 * time.Hour) }, []string{"ok"}},
		{
			"past 72 hours", func(t *token) { t.LastSyncDateTime = now.Add(-72*time.Hour - 1) },
			[]string{"warning", "warning sync-stale"},
		},
		{"synced in the future", func(t *token) { t.LastSyncDateTime = now.Add(90 * day) }, []string{"ok"}},
		{
			"never synced", func(t *token) { t.LastSyncDateTime = time.Time{} },
			[]string{"warning", "warning never-synced"},
		},
		{"the first sync is running", func(t *token) {
			t.LastSyncDateTime, t.LastSyncStatus = time.Time{}, vpptoken.SyncStatusInProgress
		}, []string{"warning", "warning never-synced"}},
		{"the first sync failed", func(t *token) {
			t.LastSyncDateTime, t.LastSyncStatus = time.Time{}, vpptoken.SyncStatusFailed
		}, []string{"warning", "warning sync-failed", "warning never-synced"}},
		{"failed and too old", func(t *token) {
			t.LastSyncDateTime, t.LastSyncStatus = now.Add(-10*day), vpptoken.SyncStatusFailed
		}, []string{"warning", "warning sync-failed", "warning sync-stale"}},

		// Then the results of actions.
		{
			"action failed", func(t *token) { t.TokenActionResults = []vpptoken.ActionResult{failed} },
			[]string{"warning", "warning action-failed"},
		},
		{"one reason for each failed action", func(t *token) {
			t.TokenActionResults = []vpptoken.ActionResult{failed, {ActionState: vpptoken.ActionStateDone}, failed}
		}, []string{"warning", "warning action-failed", "warning action-failed"}},
		{"actions that did not fail", func(t *token) {
			for _, s := range []vpptoken.ActionState{
				vpptoken.ActionStateNone, vpptoken.ActionStatePending, vpptoken.ActionStateCanceled,
				vpptoken.ActionStateActive,
				vpptoken.ActionStateDone, vpptoken.ActionStateNotSupported, "", "someFutureState",
			} {
				t.TokenActionResults = append(t.TokenActionResults, vpptoken.ActionResult{ActionState: s})
			}
		}, []string{"ok"}},

		// How they combine: all are listed, worst first, and the worst gives the level.
		{"expired by state and by date is listed once", func(t *token) {
			t.State, t.ExpirationDateTime = vpptoken.StateExpired, now.Add(-day)
		}, []string{"critical", "critical expired"}},
		{"expired by state while the date is near", func(t *token) {
			t.State, t.ExpirationDateTime = vpptoken.StateExpired, now.Add(day)
		}, []string{"critical", "critical expired"}},
		{"expired by state, without a date", func(t *token) {
			t.State, t.ExpirationDateTime = vpptoken.StateExpired, time.Time{}
		}, []string{"critical", "critical expired", "unknown no-expiry-date"}},
		{"invalid and past its date", func(t *token) {
			t.State, t.ExpirationDateTime = vpptoken.StateInvalid, now
		}, []string{"critical", "critical invalid", "critical expired"}},
		{"unknown outranks a warning", func(t *token) {
			t.State, t.LastSyncStatus = vpptoken.StateAssignedToExternalMDM, vpptoken.SyncStatusFailed
			t.ExpirationDateTime = time.Time{}
		}, []string{"unknown", "unknown no-expiry-date", "warning external-mdm", "warning sync-failed"}},
		{"critical outranks unknown", func(t *token) {
			t.State, t.ExpirationDateTime = "someFutureState", now.Add(day)
		}, []string{"critical", "critical expires-soon", "unknown unknown-state"}},
		{"everything at once", func(t *token) {
			*t = token{
				State: vpptoken.StateAssignedToExternalMDM, ExpirationDateTime: now.Add(20 * day),
				LastSyncDateTime: now.Add(-9 * day), LastSyncStatus: vpptoken.SyncStatusFailed,
				TokenActionResults: []vpptoken.ActionResult{failed},
			}
		}, []string{
			"warning", "warning external-mdm", "warning expires-soon", "warning sync-failed", "warning sync-stale",
			"warning action-failed",
		}},
		{"nothing known", func(t *token) { *t = token{} }, []string{
			"unknown", "unknown unknown-state", "unknown no-expiry-date", "warning never-synced",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := health.Assess(healthy(tt.change), now, health.Policy{})
			if diff := cmp.Diff(tt.want, found(got)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			for _, r := range got.Reasons {
				if r.Text == "" || strings.ContainsAny(r.Text, "\r\n") {
					t.Errorf("text %q of %s is empty or not one line", r.Text, r.Code)
				}
			}
		})
	}
}

func TestNilToken(t *testing.T) {
	t.Parallel()
	got := health.Assess(nil, now, health.Policy{})
	want := health.Verdict{Level: health.LevelUnknown, Reasons: []health.Reason{{
		Level: health.LevelUnknown, Code: "unknown-state",
		Text: "There is no token to judge: check that it could be read and was not deleted.",
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		policy health.Policy
		change func(*token)
		want   []string
	}{
		{
			"WarnBefore",
			health.Policy{WarnBefore: 60 * day},
			func(t *token) { t.ExpirationDateTime = now.Add(60 * day) },
			[]string{"warning", "warning expires-soon"},
		},
		{
			"past WarnBefore",
			health.Policy{WarnBefore: 60 * day},
			func(t *token) { t.ExpirationDateTime = now.Add(60*day + 1) },
			[]string{"ok"},
		},
		{
			"CriticalBefore",
			health.Policy{CriticalBefore: 14 * day},
			func(t *token) { t.ExpirationDateTime = now.Add(14 * day) },
			[]string{"critical", "critical expires-soon"},
		},
		{
			"past CriticalBefore",
			health.Policy{CriticalBefore: 14 * day},
			func(t *token) { t.ExpirationDateTime = now.Add(14*day + 1) },
			[]string{"warning", "warning expires-soon"},
		},
		{
			"MaxSyncAge",
			health.Policy{MaxSyncAge: time.Hour},
			func(t *token) { t.LastSyncDateTime = now.Add(-time.Hour) },
			[]string{"ok"},
		},
		{
			"past MaxSyncAge",
			health.Policy{MaxSyncAge: time.Hour},
			func(t *token) { t.LastSyncDateTime = now.Add(-time.Hour - 1) },
			[]string{"warning", "warning sync-stale"},
		},
		{
			"CriticalBefore counts also when WarnBefore is less",
			health.Policy{WarnBefore: 3 * day},
			func(t *token) { t.ExpirationDateTime = now.Add(7 * day) },
			[]string{"critical", "critical expires-soon"},
		},
		{
			"negative means the default, soon",
			health.Policy{WarnBefore: -1, CriticalBefore: -1, MaxSyncAge: -1},
			func(t *token) { t.ExpirationDateTime, t.LastSyncDateTime = now.Add(30*day), now.Add(-72*time.Hour-1) },
			[]string{"warning", "warning expires-soon", "warning sync-stale"},
		},
		{
			"negative means the default, not soon",
			health.Policy{WarnBefore: -1, CriticalBefore: -1, MaxSyncAge: -1},
			func(t *token) { t.ExpirationDateTime, t.LastSyncDateTime = now.Add(30*day+1), now.Add(-72*time.Hour) },
			[]string{"ok"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, found(health.Assess(healthy(tt.change), now, tt.policy))); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExpiresIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		expires time.Time
		want    time.Duration
	}{
		{"ahead", now.Add(200 * day), 200 * day},
		{"now", now, 0},
		{"past", now.Add(-time.Minute), -time.Minute},
		{"no date", time.Time{}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := health.Assess(healthy(func(t *token) { t.ExpirationDateTime = tt.expires }), now, health.Policy{})
			if got.ExpiresIn != tt.want {
				t.Errorf("ExpiresIn = %v, want %v", got.ExpiresIn, tt.want)
			}
		})
	}
}

func TestAssessIsPure(t *testing.T) {
	t.Parallel()
	tok := healthy(func(t *token) {
		t.State, t.Token = vpptoken.StateInvalid, vpptoken.NewSecret("canary")
		t.TokenActionResults = []vpptoken.ActionResult{{ActionState: vpptoken.ActionStateFailed}}
	})
	before := *tok
	first := health.Assess(tok, now, health.Policy{})
	second := health.Assess(tok, now, health.Policy{})
	if diff := cmp.Diff(before, *tok); diff != "" {
		t.Errorf("the token changed:\n%s", diff)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second verdict differs:\n%s", diff)
	}
}
