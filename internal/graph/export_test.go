package graph

// What the tests of this package look at from outside.
var (
	RetryAfter = retryAfter
	Challenge  = challenge
)
