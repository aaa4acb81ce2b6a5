package graph

import (
	"math/rand/v2"
	"net/http"
	"time"
)

// What a repeat takes out of the client's budget.
const (
	fullBudget = 100
	repeatCost = 5
)

// mostAlone is how often a call is throttled while others are not, before it gives up: it may be
// the only one that is.
const mostAlone = 20

// decide is asked after each attempt: is there to be another one, and after what wait.
func (f *flight) decide() bool {
	if f.Err == nil && f.Status/100 == 2 {
		f.c.budget.give()
		return false
	}
	if f.Err == nil && f.last.bearer == "" {
		return false // no other bearer: the refusal before this attempt stands
	}
	var asked time.Duration
	if f.Err == nil {
		asked = f.last.asked
		f.RetryAfter = asked
		f.Claims = f.showableClaims()
		if f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden {
			denied := f.Status == http.StatusForbidden || f.last.refusal.Forbidden()
			f.c.source.forget(f.last.bearer, denied) // the next call asks the source, which may have a better one by then
		}
	}
	if f.Err != nil && f.Err.signIn {
		asked = f.Err.wait
		f.RetryAfter = asked
	}
	f.Ambiguous = f.Ambiguous || f.unclear(asked)
	cost, ok := f.repeatable(asked)
	if f.Err == nil && (ok || f.last.cut) {
		f.Err = f.expired()
	}
	if !ok || f.tries >= f.c.cfg.MaxAttempts && !f.last.throttled || asked > f.c.cfg.MaxRetryAfter || f.expired() != nil {
		return false
	}
	if f.Err == nil && f.Status == http.StatusUnauthorized {
		f.refused, f.claims = f.last.bearer, challenge(f.Header)
		f.logRepeat()
		return true
	}
	if f.last.throttled { // it waits at the gate
		f.tries--
		f.logRepeat()
		return true
	}
	f.last.wait = f.ownWait()
	if asked > 0 {
		f.last.wait = asked + rand.N(asked/20+1) //nolint:gosec // spreads load, guards nothing
	}
	if time.Now().Add(f.last.wait).After(f.end) {
		f.Err = noTimeCause(f.Err)
		return false
	}
	if !f.c.budget.take(cost) {
		f.Spent = true
		return false
	}
	f.logRepeat()
	return true
}

// repeatable is the table of what is repeated: what the effect of a call allows after this outcome.
func (f *flight) repeatable(asked time.Duration) (cost int, ok bool) {
	if f.Err != nil {
		return repeatCost, f.Err.repeat && (f.call.Effect != Unsafe || !f.last.sent)
	}
	if f.last.throttled {
		return 0, f.c.cfg.MaxAttempts > 1 && f.alone < mostAlone
	}
	switch f.Status {
	case http.StatusUnauthorized:
		return 0, f.refused == "" && !f.last.refusal.Forbidden() // a missing role or license comes as a 401 too
	case http.StatusPreconditionFailed: // no request has a condition: it is one of Intune's own, which passes
		return repeatCost, f.call.Effect == Idempotent
	case http.StatusServiceUnavailable:
		return repeatCost, f.call.Effect != Unsafe || asked > 0
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout, 509:
		return repeatCost, f.call.Effect != Unsafe
	}
	return 0, false
}

// unclear reports whether the last attempt failed in a way that leaves open whether the service did
// its work.
func (f *flight) unclear(asked time.Duration) bool {
	switch {
	case f.call.Effect == Safe || !f.last.sent:
		return false
	case f.Err != nil:
		return true
	case f.last.throttled, f.Status == http.StatusNotImplemented, f.Status == http.StatusHTTPVersionNotSupported:
		return false
	case f.Status == http.StatusServiceUnavailable:
		return asked <= 0 // with one, the service says that it did not begin
	}
	return f.Status >= 500 || f.Status == http.StatusRequestTimeout
}

// showableClaims returns the claims that a caller may see, also when the call is not repeated for
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

// ownWait doubles from MinWait to MaxWait; half of it is fixed and half is chance, so that it is
// never 0.
func (f *flight) ownWait() time.Duration {
	wait := f.c.cfg.MinWait
	for i := 1; i < f.tries && wait < f.c.cfg.MaxWait; i++ {
		wait *= 2
	}
	wait = min(wait, f.c.cfg.MaxWait)
	return wait/2 + rand.N(wait/2+1) //nolint:gosec // spreads load, guards nothing
}
