package health

import (
	"fmt"
	"time"

	"github.com/vpptoken/vpptoken"
)

// Each function below checks one aspect of a token. Text from the service is quoted with %q, so
// that it can't break out of the line.

const renewIt = "renew this token with a new .vpptoken file from Apple, and don't delete it: " +
	"its apps and their assignments would be lost."

func state(t *vpptoken.VPPToken) []Reason {
	switch t.State {
	case vpptoken.StateValid:
		return nil
	case vpptoken.StateExpired:
		return []Reason{{LevelCritical, CodeExpired, "The token has expired: " + renewIt}}
	case vpptoken.StateInvalid:
		return []Reason{{
			LevelCritical, CodeInvalid, "Apple no longer accepts the token, as after a changed password, an account that left " +
				"the organization, or a revocation: " + renewIt,
		}}
	case vpptoken.StateDuplicateLocationID:
		return []Reason{{
			LevelCritical, CodeDuplicateLocation, "The token's location was uploaded twice, so sync has stopped: find the " +
				"other token of this location, keep the one whose apps are assigned, and delete the other.",
		}}
	case vpptoken.StateAssignedToExternalMDM:
		return []Reason{{
			LevelWarning, CodeExternalMDM, "Another MDM owns the token: remove it there, " +
				"or claim it by setting claimTokenManagementFromExternalMdm to true.",
		}}
	case vpptoken.StateUnknown:
		return []Reason{{
			LevelUnknown, CodeUnknownState, "The service itself doesn't know the token's state: start a sync and look again.",
		}}
	case "":
		return []Reason{{
			LevelUnknown, CodeUnknownState, "The token came without a state: read it again, with the property state.",
		}}
	}
	return []Reason{{
		LevelUnknown, CodeUnknownState,
		fmt.Sprintf("The state %.256q is not known here: look it up in Microsoft's documentation, "+
			"and update this program.", t.State),
	}}
}

// date ignores a token whose state is expired: that is already a reason, and it outranks the date.
func date(t *vpptoken.VPPToken, now time.Time, p Policy) []Reason {
	expires := t.ExpirationDateTime
	left := expires.Sub(now)
	switch {
	case expires.IsZero():
		return []Reason{{
			LevelUnknown, CodeNoExpiryDate, "The token has no expiry date: start a sync and look again, " +
				"and if it is still missing, look in the .vpptoken file or in Apple Business Manager.",
		}}
	case t.State == vpptoken.StateExpired:
		return nil
	case left <= 0:
		return []Reason{{LevelCritical, CodeExpired, "The token expired on " + on(expires) + ": " + renewIt}}
	case left <= p.CriticalBefore:
		return []Reason{soon(LevelCritical, expires, left)}
	case left <= p.WarnBefore:
		return []Reason{soon(LevelWarning, expires, left)}
	}
	return nil
}

func soon(level Level, expires time.Time, left time.Duration) Reason {
	return Reason{level, CodeExpiresSoon, "The token expires on " + on(expires) + ", in " + long(left) + ": " + renewIt}
}

func lastSync(t *vpptoken.VPPToken, now time.Time, p Policy) []Reason {
	var reasons []Reason
	if t.LastSyncStatus == vpptoken.SyncStatusFailed {
		reasons = append(reasons, Reason{
			LevelWarning, CodeSyncFailed, "The last sync with Apple failed: start one, and if it fails again, renew the token.",
		})
	}
	advice := "start one."
	if t.LastSyncStatus == vpptoken.SyncStatusInProgress {
		advice = "one is running now, look again when it is over."
	}
	last := t.LastSyncDateTime
	switch age := now.Sub(last); {
	case last.IsZero():
		reasons = append(reasons, Reason{
			LevelWarning, CodeNeverSynced, "The token has never completed a sync, so its apps are not there yet: " + advice,
		})
	case age > p.MaxSyncAge:
		reasons = append(reasons, Reason{
			LevelWarning, CodeSyncStale,
			"The last sync was on " + on(last) + ", " + long(age) + " ago, though Intune syncs at least once a day: " + advice,
		})
	}
	return reasons
}

func actions(t *vpptoken.VPPToken) []Reason {
	var reasons []Reason
	for _, r := range t.TokenActionResults {
		if r.ActionState != vpptoken.ActionStateFailed {
			continue
		}
		text := "An action on the token failed"
		if r.ActionName != "" {
			text = fmt.Sprintf("The action %.256q on the token failed", r.ActionName)
		}
		if !r.LastUpdatedDateTime.IsZero() {
			text += " on " + on(r.LastUpdatedDateTime)
		}
		if r.FailedLicensesCount != 0 || r.TotalLicensesCount != 0 {
			text += fmt.Sprintf(", for %d of %d licenses", r.FailedLicensesCount, r.TotalLicensesCount)
		}
		reasons = append(reasons, Reason{LevelWarning, CodeActionFailed, text + ": " + remedy(r.ActionFailureReason)})
	}
	return reasons
}

func remedy(r vpptoken.ActionFailureReason) string {
	switch r {
	case vpptoken.ActionFailureReasonExpiredVPPToken:
		return "the token had expired; renew it, then repeat the action."
	case vpptoken.ActionFailureReasonExpiredApplePushNotificationCertificate:
		return "the Apple push certificate of the tenant had expired; renew that, then repeat the action."
	case vpptoken.ActionFailureReasonAppleFailure:
		return "Apple refused or did not answer; repeat the action later."
	case vpptoken.ActionFailureReasonInternalError:
		return "Intune had an error of its own; repeat the action later."
	case vpptoken.ActionFailureReasonNone, "":
		return "no reason was given; repeat the action."
	}
	return fmt.Sprintf("the reason given is %.256q; repeat the action.", r)
}

func on(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// long formats whole days, or hours below two days, rounded down so that it never promises too much
// time.
func long(d time.Duration) string {
	switch hours := int(d.Hours()); {
	case hours < 1:
		return "less than an hour"
	case hours < 2:
		return "1 hour"
	case hours < 48:
		return fmt.Sprintf("%d hours", hours)
	default:
		return fmt.Sprintf("%d days", hours/24)
	}
}
