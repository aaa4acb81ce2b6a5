package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
)

// maxSignIn bounds an answer of the authority, as x/oauth2 does.
const maxSignIn = 1 << 20

// SignIn reports whether no access token could be obtained.
func (c *Cause) SignIn() bool { return c.signIn }

// Code returns OAuth's code for a sign-in that was refused, or "".
func (c *Cause) Code() string { return c.code }

// RetryAfter returns how long the authority asked to wait.
func (c *Cause) RetryAfter() time.Duration { return c.wait }

// Spent reports whether a success broke off: the code that it was for is spent.
func (c *Cause) Spent() bool { return c.spent }

func panicCause() *Cause { return &Cause{text: "the token source panicked", signIn: true} }

// NewSignInCause is for a failed sign-in that a fixed text explains.
func NewSignInCause(text, code string) *Cause { return &Cause{text: text, signIn: true, code: code} }

// SignInTimeCause is for a sign-in that exceeded its time limit while the caller's context is
// alive.
func SignInTimeCause(limit time.Duration) *Cause {
	c := attemptTimeCause(limit)
	c.signIn = true
	return c
}

// sourceCause says whose failure it is. A Source of this module has already described its own. An
// error that panics when it is looked at, such as a nil pointer, counts as a panic of the source.
func sourceCause(err error) (c *Cause) {
	defer func() {
		if recover() != nil {
			c = panicCause()
		}
	}()
	prefix := "the token source failed"
	if own, ok := errors.AsType[*Cause](err); ok && own.signIn {
		prefix = "sign-in failed"
		if own.text == panicCause().text {
			return own
		}
	}
	named := *SignInCause(err)
	named.text = strings.TrimSuffix(prefix+": "+named.text, ": ")
	return &named
}

// SignInCause says why a token source returned no token: in causeOf's words for network errors, and
// for an answer with only its status and what looks like a code, since the rest is the server's
// text. If it can't tell, the text is empty.
func SignInCause(err error) *Cause {
	if own, ok := errors.AsType[*Cause](err); ok && own.signIn {
		return own
	}
	c := &Cause{signIn: true, retryLater: true, is: whileAlive(err)}
	answer, isAnswer := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case isAnswer:
		c.answered(answer)
	case errors.Is(err, context.Canceled):
		c.text, c.retryLater = "its own context was canceled", false
	case errors.Is(err, context.DeadlineExceeded) && !is[*url.Error](err):
		c.text = "its own deadline passed"
	case is[net.Error](err), isTLS(err):
		n := causeOf(err)
		c.text, c.retry, c.retryLater = n.text, n.retry, n.retryLater
	case strings.Contains(err.Error(), "oauth2: cannot fetch token: "): // x/oauth2 has no types for these
		c.text, c.retry = "the answer broke off", true
	case strings.Contains(err.Error(), "oauth2: cannot parse "),
		strings.Contains(err.Error(), "oauth2: server response missing access_token"):
		c.text, c.retryLater = "the answer is not a token", false
	}
	return c
}

// answered describes a refused sign-in.
func (c *Cause) answered(answer *oauth2.RetrieveError) {
	var parts []string
	passing := answer.ErrorCode == "temporarily_unavailable" || answer.ErrorCode == "server_error"
	if answer.Response == nil { // a source that only passes on what another program said
		c.retryLater = passing || !oauthCode().MatchString(answer.ErrorCode)
	} else {
		status := answer.Response.StatusCode
		passing = passing || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
		c.retry, c.retryLater, c.wait = passing, passing, retryAfter(answer.Response.Header, time.Now())
		if status/100 != 2 {
			parts = append(parts, statusLine(status))
		}
		if status/100 == 3 {
			parts = append(parts, "a redirect, which is not followed")
		}
	}
	switch {
	case oauthCode().MatchString(answer.ErrorCode):
		c.code = answer.ErrorCode
		parts = append(parts, c.code)
	case isPage(answer.Body):
		parts = append(parts, "a page of HTML, perhaps of a proxy")
	}
	c.text = strings.Join(parts, ": ")
	if code := entraCode().FindString(answer.ErrorDescription); code != "" {
		c.text = strings.TrimSpace(c.text + " (" + code + ")")
	}
}

var (
	oauthCode = lazy(`^[a-z_]{1,40}$`)
	entraCode = lazy(`\bAADSTS[0-9]{4,8}\b`)
)

func statusLine(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

func isPage(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\uFEFF"))), []byte("<"))
}

// SignInClient returns the client for one exchange with the authority. It uses ctx's values and
// deadline, follows no redirects, and reads a whole answer or none. base carries it, unless ctx has
// an HTTP client, as x/oauth2 allows.
func SignInClient(ctx context.Context, base http.RoundTripper) *http.Client {
	x := exchange{ctx: ctx, base: base, fresh: true}
	own := &http.Client{Transport: x}
	if hc, ok := ctx.Value(oauth2.HTTPClient).(*http.Client); ok && hc != nil {
		copied := *hc
		own, x.base, x.fresh = &copied, hc.Transport, false
		if x.base == nil {
			x.base = http.DefaultTransport
		}
		own.Transport = x
	}
	return own
}

type exchange struct {
	ctx   context.Context //nolint:containedctx // it lives as long as one exchange, and x/oauth2 omits the context in some
	base  http.RoundTripper
	fresh bool // on a new connection: sign-ins are rare, and a kept connection may have died silently
}

func (x exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	r = r.WithContext(httptrace.WithClientTrace(x.ctx, trace))
	r.Close = r.Close || x.fresh
	r.GetBody = nil // so that net/http retries nothing on its own
	resp, err := x.base.RoundTrip(r)
	switch {
	case err != nil && !connected.Load() && causeOf(err).unknown && proxyOf(x.base, r) != nil:
		return nil, proxyError(0)
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("no answer and no error")
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < http.StatusOK {
		c := switchedCause()
		c.signIn = true
		return nil, c
	}
	body, err := readAtMost(resp.Body, maxSignIn+1, resp.ContentLength, nil)
	if err == nil && cutShort(resp, body, true) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && resp.StatusCode == http.StatusBadRequest { // which may mean no more than that a person is not ready
		c := brokenCause(err)
		c.signIn = true
		return nil, c
	}
	if resp.StatusCode/100 == 2 { // for another refusal, only the status counts
		switch {
		case err != nil:
			c := brokenCause(err)
			c.signIn, c.spent = true, true
			return nil, c
		case len(body) > maxSignIn:
			return nil, NewSignInCause("the answer is larger than 1 MiB", "")
		case string(bytes.TrimSpace(body)) == "null":
			return nil, NewSignInCause("the answer is empty", "") // at which x/oauth2 panics
		case isPage(body):
			return nil, NewSignInCause(statusLine(resp.StatusCode)+": a page of HTML, perhaps of a proxy", "")
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body[:min(len(body), maxSignIn)]))
	resp.Header.Del("Location") // so that http.Client neither follows nor reads it
	return resp, nil
}
