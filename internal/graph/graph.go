// Package graph sends calls to the service: authorization, limits, retries. It knows HTTP and
// Microsoft Graph's conventions, but nothing about VPP tokens.
//
// A call goes through these layers, outermost first:
//
//	Client.Do          one call: its end, its outcome (flight.go)
//	retryablehttp      the loop: asks decide (retry.go) after each attempt, and sleeps
//	http.Client        follows no redirect, keeps no cookie
//	flight.RoundTrip   one attempt: gate, origin, access token, deadline, bounded body (attempt.go)
//	Config.Transport   the caller's, or NewTransport's
//
// go-retryablehttp is the loop because many programs have proven its order of checks, waits and
// canceled contexts. Its own policy, backoff, logging, attempt limit and error handler are not
// used, because each of them loses answers or retries too much. Every attempt is made from the same
// immutable Call, so a retry can't differ from the first.
package graph

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits on what a service may send and how long it may take.
const (
	MaxBody         = 8 << 20   // of a success, decoded
	MaxErrorBody    = 64 << 10  // of any other answer; the rest is dropped and the status kept
	MaxHeader       = 256 << 10 // of the default transport
	DefaultCallTime = 2 * time.Minute
)

// Config configures a Client. Forget, Secrets, Logger and the two of the limit are optional.
type Config struct {
	Base           *url.URL // the service's root and version
	Transport      http.RoundTripper
	Token          TokenFunc
	PlainToken     bool                             // Token takes no context, and its result depends only on time
	Forget         func(bearer string, denied bool) // not with PlainToken: the token was refused or denied
	Secrets        func() []string                  // of the source, besides its access tokens; may be nil
	Logger         *slog.Logger
	UserAgent      string
	MaxAttempts    int
	MinWait        time.Duration
	MaxWait        time.Duration
	MaxRetryAfter  time.Duration
	AttemptTimeout time.Duration
	WriteLimit     int // in any WritePeriod; 0 means no limit
	WritePeriod    time.Duration
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	cfg    Config
	source source
	budget budget
	gate   gate
	spare  spare

	uploads, bearers memory // of earlier calls

	carry    func(*http.Request) (*http.Response, error)
	proxyOf  func(*http.Request) *url.URL
	mayProxy bool        // the transport may be one that goes through a proxy and does not tell
	noHeader http.Header // empty, and never written to: attempts have their own
}

// New returns a Client with a full budget and an open gate.
func New(cfg Config) *Client {
	rt := cfg.Transport
	_, mayProxy := rt.(*http.Transport)
	cfg.Transport = nil // its buffers hold what was sent, and functions keep that from printers
	bearers := newMemory(keptBearers)
	return &Client{
		cfg: cfg, mayProxy: mayProxy, source: newSource(&cfg, bearers.add), budget: budget{left: fullBudget},
		noHeader: http.Header{}, uploads: newMemory(keptUploads), bearers: bearers,
		carry:   func(r *http.Request) (*http.Response, error) { return rt.RoundTrip(r) },
		proxyOf: func(r *http.Request) *url.URL { return proxyOf(rt, r) },
		gate: gate{
			ownHold: cfg.MinWait, maxOwnHold: max(cfg.MinWait, min(cfg.MaxWait, longestOwnHold)),
			patience: DefaultCallTime + 2*cfg.MaxRetryAfter, pace: pace{n: cfg.WriteLimit, per: cfg.WritePeriod},
		},
	}
}

// Retries reports whether a call may be more than one request.
func (c *Client) Retries() bool { return c.cfg.MaxAttempts > 1 }

// Effect is what a retry of a call does to the service.
type Effect int

// The effects, in the words of RFC 9110, from harmless to harmful.
const (
	Safe       Effect = iota // changes nothing
	Idempotent               // reaches the same state again
	Unsafe                   // acts once more
)

// Call is one request with all its retries.
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
	Secret  string // the part of Body that no text may show
	// Busy says that the call may be refused because its work is under way already: throttling is
	// not retried, and a 429 that names no wait holds nobody.
	Busy bool
	// Reuse says that Client.Reuse gets the answer back.
	Reuse bool
}

// Conditional reports whether the caller's own headers hold a condition, such as If-Match.
func Conditional(h http.Header) bool {
	for name := range h {
		if IsCondition(name) {
			return true
		}
	}
	return false
}

// IsCondition reports whether the header of this name holds a condition.
func IsCondition(name string) bool { return strings.HasPrefix(name, "If-") }

// Outcome is the result of a Call. If Err is nil, an answer came, whatever its status.
type Outcome struct {
	Status     int           // of the last answer, 0 if none came; with an Err, perhaps an earlier attempt's
	Header     http.Header   // of the last answer
	Body       []byte        // of the last answer
	Err        *Cause        // of the last attempt, or why there was no other
	Attempts   int           // requests that were handed to the transport
	Ambiguous  bool          // the service may have carried out a request that failed
	Spent      bool          // the client's retry budget allowed no further attempt
	RetryAfter time.Duration // the service's last Retry-After
	Held       time.Duration // the total wait at the gate
	Claims     string        // the decoded challenge of a 401
	Secrets    []string      // sent, and not to be shown in any text

	flight   *flight // to which it belongs; nil in tests
	scrubber *scrubber
}
