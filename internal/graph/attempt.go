package graph

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"time"
)

// RoundTrip makes one attempt and leaves its outcome in f; what it returns only steers the layers above. It has read
// the answer when it returns, so that the attempt's deadline covers the body, and a body that breaks off counts as a
// failed attempt.
func (f *flight) RoundTrip(req *http.Request) (*http.Response, error) {
	f.sent, f.answered, f.cut, f.wait, f.began = false, false, false, 0, time.Now()
	if f.Err = f.attempt(req); f.Err != nil {
		return nil, f.Err
	}
	return &http.Response{StatusCode: f.Status, Body: http.NoBody, Request: req}, nil
}

func (f *flight) attempt(req *http.Request) *Cause {
	if left := f.c.cool.wait(f.ctx, f.end); left > 0 {
		f.RetryAfter = left
		return heldCause()
	}
	if over := f.over(); over != nil {
		return over
	}
	if !SameOrigin(req.URL, f.c.cfg.Base) {
		return untrustedCause()
	}
	f.began = time.Now()
	ctx, cancel := context.WithDeadline(f.ctx, f.deadline())
	defer cancel()

	bearer := f.next
	f.next = "" // the attempt after this one asks again: a bearer may be stale after a long wait
	if bearer == "" && f.Attempts == 0 {
		bearer = f.c.source.kept()
	}
	if bearer == "" {
		var cause *Cause
		if bearer, cause = f.c.source.fetch(ctx, f.claims); cause != nil {
			return f.timeCause(ctx, cause).final()
		}
	}
	if !slices.Contains(f.Secrets, bearer) {
		f.Secrets = append(f.Secrets, bearer)
	}

	f.Attempts++
	f.sent = true
	f.RetryAfter = 0
	resp, err := f.c.cfg.Transport.RoundTrip(f.request(f.watch(ctx), req, bearer)) //nolint:bodyclose // read closes it
	if err == nil && resp == nil {
		err = errors.New("no answer and no error")
	}
	if err != nil {
		f.sent = !f.unconnected() && !isDial(err)
		f.log()
		return f.timeCause(ctx, causeOf(err)) // the last answer stays: its status is part of the outcome
	}
	f.answered, f.Status, f.Header = true, resp.StatusCode, resp.Header
	var cause *Cause
	f.Body, cause = f.read(ctx, resp)
	f.log()
	return cause
}

// deadline is when an attempt that begins now ends.
func (f *flight) deadline() time.Time {
	if d := time.Now().Add(f.c.cfg.AttemptTimeout); d.Before(f.end) {
		return d
	}
	return f.end
}

// request makes the attempt's own request: nothing in it is shared with another attempt.
func (f *flight) request(ctx context.Context, req *http.Request, bearer string) *http.Request {
	out := req.WithContext(ctx)
	values := [...]string{"Bearer " + bearer, f.call.Accept, f.c.cfg.UserAgent, f.call.ID, "application/json"}
	out.Header = make(http.Header, len(values)+len(f.call.Header))
	out.Header["Accept"] = values[1:2:2]
	out.Header["User-Agent"] = values[2:3:3]
	for name, v := range f.call.Header {
		out.Header[name] = append([]string(nil), v...)
	}
	out.Header["Authorization"] = values[0:1:1]
	out.Header["Client-Request-Id"] = values[3:4:4]
	if f.call.Body != nil {
		out.Header["Content-Type"] = values[4:5:5]
		out.ContentLength = int64(len(f.call.Body))
		out.Body = io.NopCloser(bytes.NewReader(f.call.Body))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.call.Body)), nil }
	}
	return out
}

// read reads a success whole, or fails, and the beginning of everything else: there the status is what counts.
func (f *flight) read(ctx context.Context, resp *http.Response) ([]byte, *Cause) {
	if resp.Body == nil { // a hand-written transport
		resp.Body = http.NoBody
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < http.StatusOK {
		return nil, switchedCause() // the body is the connection itself, and no context ends a read of it
	}
	limit := MaxErrorBody
	ok := resp.StatusCode/100 == 2
	if ok {
		limit = MaxBody
	}
	body, err := readAtMost(resp.Body, limit+1, resp.ContentLength)
	switch {
	case !ok:
		f.cut = err != nil
		return body[:min(len(body), MaxErrorBody)], nil
	case err != nil:
		return nil, f.timeCause(ctx, brokenCause(err))
	case len(body) > limit:
		return nil, tooLargeCause()
	}
	return body, nil
}

// readAtMost is io.ReadAll with a bound, and without copying when the length was announced truly.
func readAtMost(r io.Reader, limit int, announced int64) ([]byte, error) {
	size := 2048
	if announced > 0 {
		size = int(min(announced, 1<<20)) + 1 // and one to see the end
	}
	buf := make([]byte, 0, min(size, limit))
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF:
			return buf, nil
		case err != nil || len(buf) == limit:
			return buf, err
		case len(buf) == cap(buf):
			buf = slices.Grow(buf, min(len(buf), limit-len(buf)))
			buf = buf[:len(buf):min(cap(buf), limit)]
		}
	}
}

// timeCause replaces cause when time is what ended the attempt: the caller's, the call's, or the attempt's own.
func (f *flight) timeCause(ctx context.Context, cause *Cause) *Cause {
	if over := f.over(); over != nil {
		return over
	}
	if ctx.Err() != nil {
		return attemptTimeCause(f.c.cfg.AttemptTimeout)
	}
	return cause
}

// over tells why the time of the call has ended, nil when it has not.
func (f *flight) over() *Cause {
	switch {
	case f.ctx.Err() != nil:
		return ContextCause(f.ctx)
	case !time.Now().Before(f.end):
		_, own := f.ctx.Deadline()
		return callTimeCause(own)
	}
	return nil
}

// log writes what an operator may see of an attempt, and nothing else of it.
func (f *flight) log() {
	if l := f.c.cfg.Logger; l != nil && l.Enabled(f.ctx, slog.LevelDebug) {
		l.LogAttrs(f.ctx, slog.LevelDebug, "vpptoken: attempt", append(f.attrs(), slog.Duration("duration", time.Since(f.began)))...)
	}
}

func (f *flight) attrs() []slog.Attr {
	status, id := 0, ""
	if f.answered {
		status, id = f.Status, f.RequestID()
	}
	return []slog.Attr{
		slog.String("method", f.call.Method),
		slog.String("path", f.call.LogPath),
		slog.Int("status", status),
		slog.Int("attempt", f.Attempts),
		slog.String("request_id", id),
	}
}

// RequestID returns the service's id of the last answer, or "".
func (o *Outcome) RequestID() string { return o.CleanID(o.Header.Get("Request-Id")) }

// CleanID returns id when it looks like one and holds nothing that was sent: a hostile server puts
// headers into it.
func (o *Outcome) CleanID(id string) string {
	if !ValidID(id) || o.scrub(id) != id {
		return ""
	}
	return id
}

// ValidID reports whether id is 1 to 64 letters, digits and hyphens, as request ids are.
func ValidID(id string) bool {
	odd := func(c rune) bool { return ('a' > c|0x20 || c|0x20 > 'z') && ('0' > c || c > '9') && c != '-' }
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, odd)
}

// isDial reports whether no connection was made at all.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// watch notes whether net/http gets a connection for a call that changes something: an error alone does not say that none was
// made when a context ended, or TLS failed, before there was one.
func (f *flight) watch(ctx context.Context) context.Context {
	if f.call.Effect == Safe {
		return ctx
	}
	f.wanted.Store(false)
	f.got.Store(false)
	if f.trace.GotConn == nil { // once: net/http may still be dialling for the attempt before
		f.trace = httptrace.ClientTrace{GetConn: f.getConn, GotConn: f.gotConn}
	}
	return httptrace.WithClientTrace(ctx, &f.trace)
}

func (f *flight) getConn(string) { f.wanted.Store(true) }

func (f *flight) gotConn(httptrace.GotConnInfo) { f.got.Store(true) }

// unconnected reports whether the last attempt, which failed, never had a connection.
func (f *flight) unconnected() bool { return f.wanted.Load() && !f.got.Load() }
