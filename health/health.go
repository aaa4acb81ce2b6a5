// Package health reports what is wrong with a VPP token, or will be soon, and what to do about it.
//
// A token's expiry date is not enough. A token can become invalid months earlier, because somebody
// changed the password of the Apple account; a second upload for the same location stops the sync
// of both tokens; and no date shows that syncs have been failing for a week. [Assess] checks the
// state first, then the date, the last sync and the results of actions, and returns a verdict with
// every reason that it found:
//
//	for token, err := range client.List(ctx) {
//		if err != nil {
//			return err // not a healthy tenant: an unknown one
//		}
//		verdict := health.Assess(token, time.Now(), health.Policy{})
//		...
//	}
//
// Whatever Assess can't judge is [LevelUnknown], never [LevelOK]: a token without an expiry date, a
// state that Microsoft adds later, no token at all.
//
// The code of a [Reason] is one of these words, by which you can route alerts. Each has a constant
// ([CodeExpired] and so on). The codes stay; the texts may change.
//
//	expired             critical  the state or the date says so
//	expires-soon        critical within Policy.CriticalBefore, otherwise a warning
//	invalid             critical  Apple no longer accepts the token
//	duplicate-location  critical  its location was uploaded twice and sync has stopped
//	unknown-state       unknown   the service or this package does not know the state, or no token
//	no-expiry-date      unknown   the service shows no date
//	external-mdm        warning   another MDM owns the token
//	sync-failed         warning   the last sync failed
//	sync-stale          warning   the last sync is older than Policy.MaxSyncAge
//	never-synced        warning   there was no sync yet
//	action-failed       warning   an action on the token failed, one reason for each
//
// This package sends nothing, never reads the clock and keeps no state.
package health

import (
	"cmp"
	"slices"
	"time"

	"github.com/vpptoken/vpptoken"
)

// Level is the severity. From best to worst: LevelOK, LevelWarning, LevelUnknown, LevelCritical.
// What can't be judged ranks above a warning, because it may be anything.
type Level string

// The levels, as they print.
const (
	LevelOK       Level = "ok"
	LevelWarning  Level = "warning"
	LevelCritical Level = "critical"
	LevelUnknown  Level = "unknown"
)

// The codes, as in [Reason.Code]. The package comment says what each means.
const (
	CodeExpired           = "expired"
	CodeExpiresSoon       = "expires-soon"
	CodeInvalid           = "invalid"
	CodeDuplicateLocation = "duplicate-location"
	CodeUnknownState      = "unknown-state"
	CodeNoExpiryDate      = "no-expiry-date"
	CodeExternalMDM       = "external-mdm"
	CodeSyncFailed        = "sync-failed"
	CodeSyncStale         = "sync-stale"
	CodeNeverSynced       = "never-synced"
	CodeActionFailed      = "action-failed"
)

// Compare returns -1 when l is better than other, 1 when it is worse, and 0 when they rank the
// same, so that slices.MaxFunc(levels, health.Level.Compare) finds the worst. Any other word, even
// "", ranks as LevelUnknown: start a running maximum at LevelOK.
func (l Level) Compare(other Level) int { return cmp.Compare(l.rank(), other.rank()) }

func (l Level) rank() int {
	switch l {
	case LevelOK:
		return 0
	case LevelWarning:
		return 1
	case LevelCritical:
		return 3
	default:
		return 2
	}
}

// Policy says when an expiry is too near and a sync too old. A field that is zero or negative means
// its default, so the zero Policy works well.
type Policy struct {
	// WarnBefore is how long before the expiry a warning begins, 30 days by default. Apple itself
	// warns 15 days before.
	WarnBefore time.Duration
	// CriticalBefore is how long before the expiry it becomes critical, 7 days by default, even if
	// WarnBefore is less.
	CriticalBefore time.Duration
	// MaxSyncAge is how old the last sync may be, 72 hours by default. Intune starts one at least once
	// a day by itself.
	MaxSyncAge time.Duration
}

// Reason is one thing that is wrong.
type Reason struct {
	Level Level
	Code  string // one of the Code constants
	Text  string // one readable line: what is wrong and what to do about it
}

// Verdict is the result of [Assess].
type Verdict struct {
	Level   Level    // that of the worst reason, LevelOK if there is none
	Reasons []Reason // worst first; within a level in the order state, date, sync, actions
	// ExpiresIn is the time until the expiry: zero or negative if the token has expired, and zero if
	// there is no date.
	ExpiresIn time.Duration
}

// Assess judges t as it is at now. A nil token is LevelUnknown.
//
// A token that expires exactly now has expired, one exactly WarnBefore or CriticalBefore away
// expires soon, and a sync exactly MaxSyncAge ago is not yet stale. A sync in the future, as with a
// slow local clock, is fresh. A token whose state is expired has the reason expired once, whatever
// its date. An unknown sync status is not a reason: the age of the last sync says enough.
func Assess(t *vpptoken.VPPToken, now time.Time, p Policy) Verdict {
	if t == nil {
		return Verdict{Level: LevelUnknown, Reasons: []Reason{{
			LevelUnknown, CodeUnknownState,
			"There is no token to judge: check that it could be read and was not deleted.",
		}}}
	}
	const day = 24 * time.Hour
	p.WarnBefore = or(p.WarnBefore, 30*day)
	p.CriticalBefore = or(p.CriticalBefore, 7*day)
	p.MaxSyncAge = or(p.MaxSyncAge, 3*day)
	v := Verdict{Level: LevelOK}
	if !t.ExpirationDateTime.IsZero() {
		v.ExpiresIn = t.ExpirationDateTime.Sub(now)
	}
	v.Reasons = slices.Concat(state(t), date(t, now, p), lastSync(t, now, p), actions(t))
	slices.SortStableFunc(v.Reasons, func(a, b Reason) int { return b.Level.Compare(a.Level) })
	if len(v.Reasons) > 0 {
		v.Level = v.Reasons[0].Level
	}
	return v
}

func or(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}
