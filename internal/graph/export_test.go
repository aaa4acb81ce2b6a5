package graph

import (
	"net/http"
	"time"
)

// What the tests of this package look at from outside.
var (
	RetryAfter = retryAfter
	Challenge  = challenge
)

// IdleConnections is how many idle connections a default transport keeps to a host.
func IdleConnections(rt http.RoundTripper) int { return rt.(*transport).current.MaxIdleConnsPerHost }

// Scrub replaces every trace of the secrets in text.
func Scrub(text string, secrets []string) string { return newScrubber(secrets, nil, nil).clean(text) }

// PassGate returns a pass through a gate of its own.
func PassGate(limit int, per time.Duration) func(write bool) {
	g := &gate{
		ownHold: time.Second, maxOwnHold: longestOwnHold, patience: DefaultCallTime, pace: pace{n: limit, per: per},
	}
	return func(write bool) {
		now := time.Now()
		t, _ := g.enter(write, now, now)
		g.sent(&t)
		g.leave(t, answered)
	}
}

// PaceKeeps says how many writes a pace keeps in mind after n of them, so far apart.
func PaceKeeps(limit int, per time.Duration, n int, apart time.Duration) int {
	p, now := pace{n: limit, per: per}, time.Now()
	for range n {
		p.free(now, 0)
		p.ended(p.begin(now), now)
		now = now.Add(apart)
	}
	return len(p.counted)
}
