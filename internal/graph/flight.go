package graph

import (
	"context"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// flight is a call in progress. Its methods run sequentially.
type flight struct {
	Outcome

	last attempt

	c    *Client
	call Call
	loop retryablehttp.Client
	http http.Client
	req  retryablehttp.Request // passed to the two clients
	with withFlight
	resp http.Response
	ctx  context.Context //nolint:containedctx // a flight lives as long as its call
	came time.Time       // when its first attempt reached the gate
	end  time.Time       // when the call ends, answered or not; zero if the first request will set it

	tries   int    // attempts that count against MaxAttempts: all but the throttled ones
	alone   int    // times that this call was throttled while others were not
	refused string // the access token that a 401 refused; it is replaced once
	claims  string // passed to the source after a challenge

	secrets [2]string // room for Secrets
}

// Do makes the call. ctx ends it; without a deadline it ends DefaultCallTime after its first
// request was sent.
func (c *Client) Do(ctx context.Context, call Call) *Outcome {
	f := &flight{c: c, call: call, ctx: ctx}
	f.Secrets, f.flight = f.secrets[:0], f
	if call.Secret != "" {
		f.Secrets = append(f.Secrets, call.Secret)
		c.uploads.add(call.Secret)
	}
	f.end, _ = ctx.Deadline()
	if ctx.Err() != nil {
		f.Err = ContextCause(ctx)
		return &f.Outcome
	}
	f.http = http.Client{Transport: f}
	f.loop = retryablehttp.Client{
		HTTPClient:   &f.http,
		RetryMax:     math.MaxInt, // decide counts
		CheckRetry:   checkRetry,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	request := http.Request{Method: call.Method, URL: call.URL, Host: call.URL.Host, Header: c.noHeader}
	f.with = withFlight{ctx, f}
	f.req.Request = request.WithContext(&f.with)
	resp, err := f.loop.Do(&f.req)
	switch {
	case err == nil:
		_ = resp.Body.Close() // empty: RoundTrip has read the answer
	case ctx.Err() != nil && (f.Err == nil || !f.Err.held):
		f.Err = ContextCause(ctx) // it may have ended during a wait
	case f.Err == nil:
		f.Err = causeOf(err)
	}
	return &f.Outcome
}

// withFlight lets the loop's functions find their flight: a method of each flight would be
// allocated for it.
type withFlight struct {
	context.Context //nolint:containedctx // it is one

	f *flight
}

func checkRetry(ctx context.Context, _ *http.Response, _ error) (again bool, err error) {
	if with, ok := ctx.(*withFlight); ok {
		again = with.f.decide()
		with.f.loop.RetryWaitMin = with.f.last.wait
	}
	return again, nil
}

func backoff(wait, _ time.Duration, _ int, _ *http.Response) time.Duration { return wait }

// timed reports whether the call ends at ctx's deadline; otherwise its first request sets the end.
func (f *flight) timed() bool {
	_, ok := f.ctx.Deadline()
	return ok
}

// deadline returns when an attempt that begins now must end.
func (f *flight) deadline() time.Time {
	limit := f.c.cfg.AttemptTimeout
	if !f.timed() {
		limit = min(limit, DefaultCallTime)
	}
	if d := time.Now().Add(limit); f.end.IsZero() || d.Before(f.end) {
		return d
	}
	return f.end
}

// expired returns why the call is out of time, or nil if it is not.
func (f *flight) expired() *Cause {
	switch {
	case f.ctx.Err() != nil:
		return ContextCause(f.ctx)
	case !f.end.IsZero() && !time.Now().Before(f.end):
		return callTimeCause(f.timed())
	}
	return nil
}

// timeCause replaces cause if a time limit ended the attempt: the caller's, the call's, or the
// attempt's own.
func (f *flight) timeCause(ctx context.Context, cause *Cause) *Cause {
	if over := f.expired(); over != nil {
		return over
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) { // a watch may have canceled it
		return attemptTimeCause(f.c.cfg.AttemptTimeout)
	}
	return cause
}
