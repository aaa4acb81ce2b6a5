package health_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/health"
)

const renewIt = "renew this token with a new .vpptoken file from Apple, and don't delete it: its apps and their assignments would be lost."

// What people read. The codes are the contract, so these may change; but each says what is wrong
// and what to do.
func TestTexts(t *testing.T) {
	t.Parallel()
	action := func(r vpptoken.ActionResult) func(*token) {
		return func(t *token) {
			r.ActionState = vpptoken.ActionStateFailed
			t.TokenActionResults = []vpptoken.ActionResult{r}
		}
	}
	reason := func(r vpptoken.ActionFailureReason) func(*token) {
		return action(vpptoken.ActionResult{ActionFailureReason: r})
	}
	expires := func(in time.Duration) func(*token) {
		return func(t *token) { t.ExpirationDateTime = now.Add(in) }
	}
	state := func(s vpptoken.State) func(*token) { return func(t *token) { t.State = s } }
	for _, tt := range []struct {
		name   string
		change func(*token)
		want   string
	}{
		{"expired by state", state(vpptoken.StateExpired), "The token has expired: " + renewIt},
		{"invalid", state(vpptoken.StateInvalid), "Apple no longer accepts the token, as after a changed password, an account that left the organization, or a revocation: " + renewIt},
		{"duplicate", state(vpptoken.StateDuplicateLocationID), "The token's location was uploaded twice, so sync has stopped: find the other token of this location, keep the one whose apps are assigned, and delete the other."},
		{
			"external MDM", state(vpptoken.StateAssignedToExternalMDM),
			"Another MDM owns the token: remove it there, or claim it by setting claimTokenManagementFromExternalMdm to true.",
		},
		{
			"service's unknown", state(vpptoken.StateUnknown),
			"The service itself doesn't know the token's state: start a sync and look again.",
		},
		{"no state", state(""), "The token came without a state: read it again, with the property state."},
		{
			"later state", state("some\nState\x1b[2J"),
			`The state "some\nState\x1b[2J" is not known here: look it up in Microsoft's documentation, and update this program.`,
		},

		{
			"no date", func(t *token) { t.ExpirationDateTime = time.Time{} },
			"The token has no expiry date: start a sync and look again, and if it is still missing, look in the .vpptoken file or in Apple Business Manager.",
		},
		{"expired", expires(-time.Second), "The token expired on 2026-11-24 11:59 UTC: " + renewIt},
		{
			"20 days", expires(20*day + 23*time.Hour),
			"The token expires on 2026-12-15 11:00 UTC, in 20 days: " + renewIt,
		},
		{"2 days", expires(2 * day), "The token expires on 2026-11-26 12:00 UTC, in 2 days: " + renewIt},
		{
			"below 2 days", expires(2*day - time.Second),
			"The token expires on 2026-11-26 11:59 UTC, in 47 hours: " + renewIt,
		},
		{"an hour", expires(time.Hour), "The token expires on 2026-11-24 13:00 UTC, in 1 hour: " + renewIt},
		{
			"a minute", expires(time.Minute),
			"The token expires on 2026-11-24 12:01 UTC, in less than an hour: " + renewIt,
		},
		{
			"another zone", func(t *token) { t.ExpirationDateTime = now.Add(day).In(time.FixedZone("", 9*3600)) },
			"The token expires on 2026-11-25 12:00 UTC, in 24 hours: " + renewIt,
		},

		{
			"failed", func(t *token) { t.LastSyncStatus = vpptoken.SyncStatusFailed },
			"The last sync with Apple failed: start one, and if it fails again, renew the token.",
		},
		{
			"never", func(t *token) { t.LastSyncDateTime = time.Time{} },
			"The token has never completed a sync, so its apps are not there yet: start one.",
		},
		{"never, but running", func(t *token) {
			t.LastSyncDateTime, t.LastSyncStatus = time.Time{}, vpptoken.SyncStatusInProgress
		}, "The token has never completed a sync, so its apps are not there yet: one is running now, look again when it is over."},
		{
			"stale", func(t *token) { t.LastSyncDateTime = now.Add(-9 * day) },
			"The last sync was on 2026-11-15 12:00 UTC, 9 days ago, though Intune syncs at least once a day: start one.",
		},

		{
			"action without anything", action(vpptoken.ActionResult{}),
			"An action on the token failed: no reason was given; repeat the action.",
		},
		{"action with everything", action(vpptoken.ActionResult{
			ActionName: "revokeLicenses\r", LastUpdatedDateTime: now,
			ActionFailureReason: vpptoken.ActionFailureReasonAppleFailure,
			TotalLicensesCount:  40, FailedLicensesCount: 3,
		}), `The action "revokeLicenses\r" on the token failed on 2026-11-24 12:00 UTC, for 3 of 40 licenses: Apple refused or did not answer; repeat the action later.`},
		{
			"none", reason(vpptoken.ActionFailureReasonNone),
			"An action on the token failed: no reason was given; repeat the action.",
		},
		{
			"internal error", reason(vpptoken.ActionFailureReasonInternalError),
			"An action on the token failed: Intune had an error of its own; repeat the action later.",
		},
		{
			"expired token", reason(vpptoken.ActionFailureReasonExpiredVPPToken),
			"An action on the token failed: the token had expired; renew it, then repeat the action.",
		},
		{
			"expired push certificate", reason(vpptoken.ActionFailureReasonExpiredApplePushNotificationCertificate),
			"An action on the token failed: the Apple push certificate of the tenant had expired; renew that, then repeat the action.",
		},
		{
			"later reason", reason("solarFlare"),
			`An action on the token failed: the reason given is "solarFlare"; repeat the action.`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := health.Assess(healthy(tt.change), now, health.Policy{})
			var texts []string
			for _, r := range got.Reasons {
				texts = append(texts, r.Text)
			}
			if diff := cmp.Diff([]string{tt.want}, texts); diff != "" {
				t.Errorf("texts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLevelsAreTheirWords(t *testing.T) {
	t.Parallel()
	got := []health.Level{health.LevelOK, health.LevelWarning, health.LevelUnknown, health.LevelCritical}
	if diff := cmp.Diff([]health.Level{"ok", "warning", "unknown", "critical"}, got); diff != "" {
		t.Error(diff)
	}
}

// What the service sends without end is not shown without end.
func TestTextsAreBounded(t *testing.T) {
	t.Parallel()
	endless := strings.Repeat("y\x1b", 1<<16)
	token := vpptoken.VPPToken{
		State: vpptoken.State(endless),
		TokenActionResults: []vpptoken.ActionResult{{
			ActionState: vpptoken.ActionStateFailed, ActionName: endless, ActionFailureReason: vpptoken.ActionFailureReason(endless),
		}},
	}
	for _, r := range health.Assess(&token, time.Now(), health.Policy{}).Reasons {
		if len(r.Text) > 4096 {
			t.Errorf("%s: %d bytes", r.Code, len(r.Text))
		}
	}
}
