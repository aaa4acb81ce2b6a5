// Package graph carries calls to the service: authorisation, limits, repeats. It knows HTTP and Microsoft Graph's
// conventions, and nothing of tokens.
//
// A call goes through these layers, outermost first:
//
//	Client.Do          one call: its end, its outcome
//	retryablehttp      the loop: asks decide (retry.go) after each attempt, and sleeps
//	http.Client        follows no redirect, keeps no cookie
//	flight.RoundTrip   one attempt: cool-down, origin, bearer, deadline, bounded body (attempt.go)
//	Config.Transport   the caller's
//
// Every attempt is made from the same immutable Call, so a repeat can't differ from the first.
package graph

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
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
	KeepToken      bool // Token depends on nothing but time: what it gave may be used again while it lives
	Logger         *slog.Logger
	UserAgent      string
	MaxAttempts    int
	MinWait        time.Duration
	MaxWait        time.Duration
	MaxRetryAfter  time.Duration
	AttemptTimeout time.Duration
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	cfg    Config
	source source
	budget budget
	cool   coolDown

	noHeader http.Header // empty, and never written to: the attempts bring their own
}

// New returns a Client with a full budget and no cool-down.
func New(cfg Config) *Client {
	return &Client{cfg: cfg, source: newSource(cfg.Token, cfg.KeepToken), budget: budget{left: fullBudget}, noHeader: http.Header{}}
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
	Method  string
	URL     *url.URL
	LogPath string // without a query
	Accept  string
	Body    []byte
	Header  http.Header // the caller's own
	ID      string      // client-request-id
	Effect  Effect
	Secret  string // what Body holds that no text may show
}

// Outcome is what became of a Call. When Err is nil, an answer came, whatever its status.
type Outcome struct {
	Status     int // of the last answer, 0 when none came
	Header     http.Header
	Body       []byte
	Err        *Cause
	Attempts   int
	Ambiguous  bool          // a request without a clear answer may have been carried out
	RetryAfter time.Duration // what the service asked for last
	Claims     string        // the decoded challenge of a 401
	Secrets    []string      // what was sent and no text may show

	query    string // these were sent too: see hidden
	header   http.Header
	scrubber *scrubber
}

// flight is a call under way. Its methods run one after the other.
type flight struct {
	Outcome

	c    *Client
	call Call
	loop retryablehttp.Client
	http http.Client
	ctx  context.Context //nolint:containedctx // a flight lives as long as its call
	end  time.Time       // when the call is over, answered or not

	next      string        // the bearer for the next attempt; "" asks the source
	claims    string        // what the source is asked for, after a challenge
	refreshed bool          // a refused bearer was replaced once
	began     time.Time     // the last attempt, its token fetch included
	sent      bool          // it may have reached the service
	answered  bool          // it brought the Status, which is of an attempt before it otherwise
	cut       bool          // the body of a refusal broke off
	wait      time.Duration // before the next one

	secrets [2]string // room for Secrets

	trace       httptrace.ClientTrace // see watch
	wanted, got atomic.Bool
}

// Do makes the call. ctx ends it; without a deadline it ends after DefaultCallTime.
func (c *Client) Do(ctx context.Context, call Call) *Outcome {
	f := &flight{c: c, call: call, ctx: ctx}
	f.Secrets, f.query, f.header = f.secrets[:0], call.URL.RawQuery, call.Header
	if call.Secret != "" {
		f.Secrets = append(f.Secrets, call.Secret)
	}
	var ok bool
	if f.end, ok = ctx.Deadline(); !ok {
		f.end = time.Now().Add(DefaultCallTime)
	}
	if ctx.Err() != nil {
		f.Err = ContextCause(ctx)
		return &f.Outcome
	}
	f.http = http.Client{Transport: f, CheckRedirect: noRedirect}
	f.loop = retryablehttp.Client{
		HTTPClient:   &f.http,
		RetryMax:     c.cfg.MaxAttempts - 1,
		CheckRetry:   f.checkRetry,
		Backoff:      f.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	request := http.Request{Method: call.Method, URL: call.URL, Host: call.URL.Host, Header: c.noHeader}
	resp, err := f.loop.Do(&retryablehttp.Request{Request: request.WithContext(ctx)})
	switch {
	case err == nil:
		_ = resp.Body.Close() // empty: RoundTrip has read the answer
	case ctx.Err() != nil:
		f.Err = ContextCause(ctx) // it may have ended during a wait
	case f.Err == nil:
		f.Err = causeOf(err)
	}
	return &f.Outcome
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (f *flight) checkRetry(context.Context, *http.Response, error) (bool, error) {
	return f.decide(), nil
}

func (f *flight) backoff(time.Duration, time.Duration, int, *http.Response) time.Duration {
	return f.wait
}
