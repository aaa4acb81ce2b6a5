package graph

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"
)

// attempt is one request of a call and its result.
type attempt struct {
	began     time.Time // including its wait for an access token
	bearer    string
	sent      bool          // it may have reached the service
	answered  bool          // its answer is the Outcome's
	cut       bool          // the body of an error answer broke off
	throttled bool          // the service refused it for too many requests
	asked     time.Duration // the wait that the answer asks for
	wait      time.Duration // before the next one
	refusal   ErrorBody     // the error that the answer holds, unless it is a success

	ticket ticket    // of the gate
	until  time.Time // the end of the hold that this caused
}

// RoundTrip makes one attempt and stores its outcome in f; what it returns only drives the layers
// above. It reads the whole answer before it returns, so that the attempt's deadline covers the
// body and a truncated body counts as a failed attempt.
func (f *flight) RoundTrip(req *http.Request) (*http.Response, error) {
	f.last = attempt{began: time.Now()}
	f.tries++
	if f.Err = f.enter(); f.Err == nil {
		defer f.leave() // also when the caller's transport panics
		f.Err = f.attempt(req)
	}
	if f.Err != nil {
		return nil, f.Err
	}
	f.resp = http.Response{StatusCode: f.Status, Body: http.NoBody, Request: req} // no Location, so no redirect
	return &f.resp, nil
}

func (f *flight) attempt(req *http.Request) *Cause {
	if over := f.expired(); over != nil {
		return over
	}
	if !SameOrigin(req.URL, f.c.cfg.Base) {
		return untrustedCause()
	}
	ctx, cancel := context.WithDeadline(f.ctx, f.deadline())
	defer cancel()
	if cause := f.signIn(ctx); cause != nil || f.last.bearer == "" {
		return cause
	}
	if f.Attempts++; f.Attempts == 1 && !f.timed() {
		f.end = time.Now().Add(DefaultCallTime)
	}
	f.last.sent = true
	f.RetryAfter = 0
	f.c.gate.sent(&f.last.ticket)
	w := &watch{cancel: cancel, safe: f.call.Effect == Safe, sent: f.call.Body}
	resp, err := f.c.carry(f.request(ctx, w, req))
	if err == nil {
		err = notHTTP(resp)
	}
	if err != nil {
		var cause *Cause
		if f.last.sent, cause = w.ended(err); cause.unknown {
			if proxy := f.c.proxyOf(req); proxy != nil && !w.tunneled(proxy) {
				cause = proxyError(0).cause()
			}
		}
		f.log()
		return f.timeCause(ctx, cause) // the last answer stays: its status is part of the outcome
	}
	f.last.answered, f.Status, f.Header = true, resp.StatusCode, resp.Header
	var cause *Cause
	f.Body, cause = f.read(ctx, resp)
	f.log()
	return cause
}

// notHTTP refuses what is no response at all. Over HTTP/2, net/http accepts any number as a status.
func notHTTP(resp *http.Response) error {
	switch {
	case resp == nil:
		return errors.New("no answer and no error")
	case resp.StatusCode >= 100:
		return nil
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	return errors.New("no status of HTTP")
}

// signIn fetches the attempt's access token. The first attempt of a call may use a cached one; any
// other asks the source, because a token may be stale after a long wait. If the source has only the
// token that was refused, signIn returns nil and leaves f.last.bearer empty: nothing is sent, and
// the answer that refused the token stands.
func (f *flight) signIn(ctx context.Context) *Cause {
	bearer, cause := f.c.source.fetch(ctx, f.claims, f.refused, f.Attempts == 0)
	f.logSignIn(bearer, cause)
	replaces := f.refused != "" && f.Status == http.StatusUnauthorized
	switch over := f.expired(); {
	case over != nil:
		return over
	case cause != nil && ended(ctx):
		cause = sourceCause(SignInTimeCause(f.c.cfg.AttemptTimeout))
		cause.retry = false // it used up an attempt's time
	case replaces && cause == nil && slices.Contains(f.Secrets, bearer):
		return nil
	}
	if cause != nil {
		return cause
	}
	f.last.bearer = bearer
	if !slices.Contains(f.Secrets, bearer) {
		f.Secrets = append(f.Secrets, bearer)
	}
	return nil
}

// ended reports whether ctx is out of time, even if its timer is late.
func ended(ctx context.Context) bool {
	d, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(d)
}

// request builds the attempt's own request, which shares nothing with other attempts.
func (f *flight) request(ctx context.Context, w *watch, req *http.Request) *http.Request {
	out := req.WithContext(w.in(ctx, req.URL.Scheme == "https", f.c.mayProxy))
	w.values = [...]string{
		f.c.source.header(f.last.bearer), f.call.Accept, f.c.cfg.UserAgent, f.call.ID, "application/json",
	}
	out.Header = make(http.Header, len(w.values)+len(f.call.Header))
	out.Header["Accept"] = w.values[1:2:2]
	out.Header["User-Agent"] = w.values[2:3:3]
	for name, v := range f.call.Header {
		out.Header[name] = append([]string(nil), v...)
	}
	out.Header["Authorization"] = w.values[0:1:1]
	out.Header["Client-Request-Id"] = w.values[3:4:4]
	if f.call.Body != nil {
		out.Header["Content-Type"] = w.values[4:5:5]
		out.ContentLength = int64(len(f.call.Body))
		w.body.Reset(f.call.Body)
		out.Body = io.NopCloser(&w.body) // net/http knows that this needs no wait: it sends headers and body together
		out.GetBody = w.getBody
	}
	return out
}
