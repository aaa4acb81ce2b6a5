package health_test

import (
	"fmt"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/health"
)

// A token can be useless long before its date: the state comes first, and every reason is listed.
func ExampleAssess() {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	token := &vpptoken.VPPToken{
		State:              vpptoken.StateInvalid,
		ExpirationDateTime: now.AddDate(0, 4, 0),
		LastSyncStatus:     vpptoken.SyncStatusFailed,
		LastSyncDateTime:   now.Add(-80 * time.Hour),
	}
	verdict := health.Assess(token, now, health.Policy{})
	fmt.Println(verdict.Level, int(verdict.ExpiresIn.Hours())/24, "days left")
	for _, reason := range verdict.Reasons {
		fmt.Println(reason.Level, reason.Code)
	}
	// Output:
	// critical 120 days left
	// critical invalid
	// warning sync-failed
	// warning sync-stale
}

// A team that needs two months to get a new file from Apple is warned two months ahead.
func ExamplePolicy() {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	token := &vpptoken.VPPToken{
		State:              vpptoken.StateValid,
		ExpirationDateTime: now.AddDate(0, 0, 45),
		LastSyncStatus:     vpptoken.SyncStatusCompleted,
		LastSyncDateTime:   now.Add(-time.Hour),
	}
	fmt.Println(health.Assess(token, now, health.Policy{}).Level)

	verdict := health.Assess(token, now, health.Policy{WarnBefore: 60 * 24 * time.Hour})
	fmt.Println(verdict.Level)
	fmt.Println(verdict.Reasons[0].Text)
	// Output:
	// ok
	// warning
	// The token expires on 2027-01-08 12:00 UTC, in 45 days: renew this token with a new .vpptoken file from Apple, and don't delete it: its apps and their assignments would be lost.
}

// A state that nobody here knows yet is never healthy.
func ExampleAssess_unknownState() {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	token := &vpptoken.VPPToken{
		State:              "suspendedByApple",
		ExpirationDateTime: now.AddDate(0, 9, 0),
		LastSyncStatus:     vpptoken.SyncStatusCompleted,
		LastSyncDateTime:   now.Add(-time.Hour),
	}
	verdict := health.Assess(token, now, health.Policy{})
	fmt.Println(verdict.Level, verdict.Reasons[0].Code)
	fmt.Println(verdict.Reasons[0].Text)
	// Output:
	// unknown unknown-state
	// The state "suspendedByApple" is not known here: look it up in Microsoft's documentation, and update this program.
}
