package graph

import (
	"math/rand/v2"
	"net/http"
	"time"
)

// What a retry costs of the client's budget.
const (
	fullBudget = 100
	retryCost  = 5
)

// mostAlone is how often a call may be throttled while others are not, before it gives up: perhaps
// the service refuses only this call.
const mostAlone = 20

// decide is called after each attempt. It reports whether to make another one, and sets the wait
// before it.
func (f *flight) decide() bool {
	if f.Err == nil && f.Status/100 == 2 {
		f.c.budget.give()
		return false
	}
	if f.Err == nil && f.last.bearer == "" {
		return false // no other access token: the previous refusal stands
	}
	var asked time.Duration
	if f.Err == nil {
		asked = f.last.asked
		f.RetryAfter = asked
		f.Claims = f.showableClaims()
		if f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden {
			denied := f.Status == http.StatusForbidden || f.last.refusal.Forbidden
			f.c.source.forget(f.last.bearer, denied) // so that the next call asks the source again
		}
	}
	if f.Err != nil && f.Err.signIn {
		asked = f.Err.wait
		f.RetryAfter = asked
	}
	f.Ambiguous = f.Ambiguous || f.unclear(asked)
	cost, ok := f.retryable(asked)
	if f.Err == nil && (ok || f.last.cut) {
		f.Err = f.expired()
	}
	if !ok || f.tries >= f.c.cfg.MaxAttempts && !f.last.throttled || asked > f.c.cfg.MaxRetryAfter || f.expired() != nil {
		return false
	}
	if f.Err == nil && f.Status == http.StatusUnauthorized {
		f.refused, f.claims = f.last.bearer, challenge(f.Header)
		f.logRetry()
		return true
	}
	if f.last.throttled { // it waits at the gate
		f.tries--
		f.logRetry()
		return true
	}
	f.last.wait = f.ownWait()
	if asked > 0 {
		late := asked / 20
		if !f.end.IsZero() { // it must not make a wait too long that fits
			late = max(0, min(late, (time.Until(f.end)-asked)/2))
		}
		f.last.wait = asked + rand.N(late+1) //nolint:gosec // spreads load, guards nothing
	}
	if !f.end.IsZero() && time.Now().Add(f.last.wait).After(f.end) {
		f.Err = noTimeCause(f.Err)
		return false
	}
	if !f.c.budget.take(cost) {
		f.Spent = true
		return false
	}
	f.logRetry()
	return true
}

// retryable is the table of what is retried: what a call's effect allows after this outcome.
func (f *flight) retryable(asked time.Duration) (cost int, ok bool) {
	if f.Err != nil {
		return retryCost, f.Err.retry && (f.call.Effect != Unsafe || !f.last.sent)
	}
	if f.last.throttled {
		return 0, !f.call.Busy && f.c.Retries() && f.alone < mostAlone
	}
	switch f.Status {
	case http.StatusUnauthorized:
		return 0, f.refused == "" && !f.last.refusal.Forbidden // a missing role or license is a 401 too
	case http.StatusPreconditionFailed: // without a condition it is one of Intune's own, which passes
		return retryCost, f.call.Effect == Idempotent && !Conditional(f.call.Header)
	case http.StatusServiceUnavailable:
		return retryCost, f.call.Effect != Unsafe || asked > 0
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout, 509:
		return retryCost, f.call.Effect != Unsafe
	}
	return 0, false
}

// unclear reports whether the last attempt failed in a way that leaves open whether the service
// carried it out.
func (f *flight) unclear(asked time.Duration) bool {
	switch {
	case f.call.Effect == Safe || !f.last.sent:
		return false
	case f.Err != nil:
		return true
	case f.last.throttled, f.Status == http.StatusNotImplemented, f.Status == http.StatusHTTPVersionNotSupported:
		return false
	case f.Status == http.StatusServiceUnavailable:
		return asked <= 0 // with Retry-After, the service did not begin
	}
	return f.Status >= 500 || f.Status == http.StatusRequestTimeout
}

// showableClaims returns the claims that a caller may see, even if the call is not retried for
// them.
func (f *flight) showableClaims() string {
	if f.Status != http.StatusUnauthorized {
		return ""
	}
	claims := challenge(f.Header)
	if f.scrub(claims) != claims {
		return ""
	}
	return claims
}

// ownWait doubles from MinWait to MaxWait; half of it is fixed and half is random jitter, so that
// it is never 0.
func (f *flight) ownWait() time.Duration {
	wait := f.c.cfg.MinWait
	for i := 1; i < f.tries && wait < f.c.cfg.MaxWait; i++ {
		wait *= 2
	}
	wait = min(wait, f.c.cfg.MaxWait)
	return wait/2 + rand.N(wait/2+1) //nolint:gosec // spreads load, guards nothing
}
