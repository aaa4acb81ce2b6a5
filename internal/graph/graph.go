// Package graph carries calls to the service: authorization, limits, repeats. It knows HTTP and
// Microsoft Graph's conventions, and nothing of tokens.
//
// A call goes through these layers, outermost first:
//
//	Client.Do          one call: its end, its outcome (flight.go)
//	retryablehttp      the loop: asks decide (retry.go) after each attempt, and sleeps
//	http.Client        follows no redirect, keeps no cookie
//	flight.RoundTrip   one attempt: gate, origin, bearer, deadline, bounded body (attempt.go)
//	Config.Transport   the caller's, or NewTransport's
//
// go-retryablehttp is the loop because its order of checks, waits and canceled contexts has been
// tried by many programs; its own policy, backoff, logging, limit of attempts and way to end are
// not used, since each of them loses answers or repeats too much. Every attempt is made from the
// same immutable Call, so a repeat can't differ from the first.
package graph

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// Limits of what a service may send and of how long it may take.
const (
	MaxBody         = 8 << 20   // of an answer that is a success, decoded
	MaxErrorBody    = 64 << 10  // of any other; it is cut, and the status kept
	MaxHeader       = 256 << 10 // of the default transport
	DefaultCallTime = 2 * time.Minute
)

// Config makes a Client; every field but the Logger is needed.
type Config struct {
	Base           *url.URL // the service's root and version
	Transport      http.RoundTripper
	Token          TokenFunc
	PlainToken     bool                             // Token knows no context, and what it gives depends on nothing but time
	Forget         func(bearer string, denied bool) // of a Token that is not plain: the service refused it, or its holder; may be nil
	Logger         *slog.Logger
	UserAgent      string
	MaxAttempts    int
	MinWait        time.Duration
	MaxWait        time.Duration
	MaxRetryAfter  time.Duration
	AttemptTimeout time.Duration
	WriteLimit     int // at most so many in any WritePeriod; 0 is no limit
	WritePeriod    time.Duration
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	cfg    Config
	source source
	budget budget
	gate   gate

	mayProxy bool        // the transport may be one that goes through a proxy and does not tell
	noHeader http.Header // empty, and never written to: the attempts bring their own
}

// New returns a Client with a full budget and an open gate.
func New(cfg Config) *Client {
	_, mayProxy := cfg.Transport.(*http.Transport)
	return &Client{
		cfg: cfg, mayProxy: mayProxy, source: newSource(&cfg), budget: budget{left: fullBudget}, noHeader: http.Header{},
		gate: gate{
			ownHold: cfg.MinWait, maxOwnHold: max(cfg.MinWait, min(cfg.MaxWait, longestOwnHold)),
			patience: max(DefaultCallTime, 2*cfg.MaxRetryAfter), pace: pace{n: cfg.WriteLimit, per: cfg.WritePeriod},
		},
	}
}

// Effect is what a repeat of a call does to the service.
type Effect int

// The effects, in the words of RFC 9110, from harmless to harmful.
const (
	Safe       Effect = iota // changes nothing
	Idempotent               // brings the same thing to the same state again
	Unsafe                   // acts once more
)

// Call is one request, with all its repeats.
type Call struct {
	Op      string
	Method  string
	URL     *url.URL
	LogPath string // without a query
	Accept  string
	Body    []byte
	Header  http.Header // the caller's own
	ID      string      // client-request-id
	Effect  Effect
	Secret  string // what Body holds that no text may show
	Busy    bool   // what the call asks for is under way: a 429 that names no wait refuses only that
}

// Outcome is what became of a Call. When Err is nil, an answer came, whatever its status.
type Outcome struct {
	Status     int           // of the last answer, 0 when none came; with an Err, it may be an earlier attempt's
	Header     http.Header   // of the last answer
	Body       []byte        // of the last answer
	Err        *Cause        // of the last attempt, or why there was no other
	Attempts   int           // requests that were handed to the transport
	Ambiguous  bool          // a request without a clear answer may have been carried out
	Spent      bool          // another attempt was not made because the client's budget of retries is spent
	RetryAfter time.Duration // what the service asked for last
	Held       time.Duration // what the gate kept it waiting
	Claims     string        // the decoded challenge of a 401
	Secrets    []string      // what was sent and no text may show

	query    string // these were sent too: see hidden
	header   http.Header
	scrubber *scrubber
}
