package faulttest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// blockingBody gives its text and then nothing until the request's context ends, as net/http's
// bodies do.
type blockingBody struct {
	text string
	ctx  context.Context //nolint:containedctx // as in net/http, the body belongs to one request
}

func (b *blockingBody) Read(p []byte) (int, error) {
	if b.text != "" {
		n := copy(p, b.text)
		b.text = b.text[n:]
		return n, nil
	}
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func (*blockingBody) Close() error { return nil }

// stalled answers with a status and a body that never ends.
func stalled(status int, text string) faulttest.Answers {
	return faulttest.AnswerFunc(func(_ int, r *http.Request) (*http.Response, error) {
		resp := faulttest.Answer(status, "")
		resp.Body, resp.ContentLength = &blockingBody{text, r.Context()}, -1
		return resp, nil
	})
}

// silent answers nothing until the request's context ends.
func silent() faulttest.Answers {
	return faulttest.AnswerFunc(func(_ int, r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, fmt.Errorf("round trip: %w", r.Context().Err())
	})
}

// Wherever a call is when its context ends, it ends at that moment, with the context's error and
// the last status.
func TestR04CallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	throttled := faulttest.Always(429, "", "Retry-After", "20", "Request-Id", "req-1")
	unavailable := faulttest.Always(503, "", "Request-Id", "req-1")
	lost := faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
		time.Sleep(14800 * time.Millisecond) // the wait is half a second or more
		return nil, io.ErrUnexpectedEOF
	})
	static := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: faulttest.Bearer})
	type faultCase struct {
		name      string
		answer    faulttest.Answers
		status    int
		attempts  int
		ambiguous bool // of a create
		create    bool
		source    func(release <-chan struct{}) oauth2.TokenSource
	}
	blocks := func(free int) func(<-chan struct{}) oauth2.TokenSource {
		return func(release <-chan struct{}) oauth2.TokenSource {
			asked := 0
			return faulttest.SourceFunc(func() (*oauth2.Token, error) {
				if asked++; asked > free {
					<-release
				}
				return &oauth2.Token{AccessToken: fmt.Sprintf("%s-%d", faulttest.Bearer, asked)}, nil
			})
		}
	}
	for _, tc := range []faultCase{
		{name: "wait for Retry-After", answer: throttled, status: 429, attempts: 1},
		{
			name: "wait after an answer", answer: faulttest.Always(503, "", "Retry-After", "20", "Request-Id", "req-1"),
			status: 503, attempts: 1,
		},
		{name: "wait after a network error", answer: lost, attempts: 1},
		{name: "headers", answer: silent(), attempts: 1},
		{name: "headers of a create", answer: silent(), attempts: 1, create: true, ambiguous: true},
		{name: "headers of a repeat", answer: faulttest.Once(unavailable, silent()), status: 503, attempts: 2},
		{name: "body", answer: stalled(200, `{"id":`), status: 200, attempts: 1},
		{
			name: "body of a create", answer: stalled(201, `{"id":`), status: 201, attempts: 1, create: true,
			ambiguous: true,
		},
		{name: "body of an error", answer: stalled(503, `{"error":`), status: 503, attempts: 1},
		{name: "body of a refusal", answer: stalled(400, `{"error":`), status: 400, attempts: 1, create: true},
		{name: "token fetch", answer: throttled, attempts: 0, source: blocks(0)},
		{
			name: "token fetch of a repeat", answer: faulttest.Always(500, ""), status: 500, attempts: 1,
			source: blocks(1),
		},
		{
			name: "token fetch after a 401", answer: faulttest.Always(401, ""), status: 401, attempts: 1,
			source: blocks(1),
		},
	} {
		for how, end := range map[string]error{"cancel": context.Canceled, "deadline": context.DeadlineExceeded} {
			t.Run(tc.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					release := make(chan struct{})
					defer close(release)
					source := static
					if tc.source != nil {
						source = tc.source(release)
					}
					service := &faulttest.Service{Answer: tc.answer}
					client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
					// A deadline is far enough away for the wait that is asked for, so that it is not known at
					// once.
					const after = 15 * time.Second
					ctx, cancel := context.WithCancel(t.Context())
					if end == context.DeadlineExceeded { //nolint:errorlint // it is the table's own value
						ctx, cancel = context.WithTimeout(t.Context(), after)
					}
					defer cancel()
					if end == context.Canceled { //nolint:errorlint // it is the table's own value
						time.AfterFunc(after, cancel)
					}
					op := faulttest.Named(t, "get")
					if tc.create {
						op = faulttest.Named(t, "create")
					}
					var meta vpptoken.Metadata
					began := time.Now()
					err := op.Run(ctx, client, vpptoken.WithMetadata(&meta))
					took := time.Since(began)
					e := faulttest.Error(t, err)
					if took > after+50*time.Millisecond {
						t.Errorf("took %v", took)
					}
					if !errors.Is(err, end) {
						t.Errorf("errors.Is(%v, %v) is false", err, end)
					}
					if e.StatusCode != tc.status || meta.StatusCode != tc.status || e.Attempts != tc.attempts ||
						meta.Attempts != tc.attempts {
						t.Errorf("error %+v, metadata %+v; want status %d after %d attempts",
							*e, meta, tc.status, tc.attempts)
					}
					if e.Ambiguous != tc.ambiguous {
						t.Errorf("Ambiguous %v, want %v", e.Ambiguous, tc.ambiguous)
					}
					if want := how == "deadline" && !tc.ambiguous; vpptoken.Retryable(err) != want {
						t.Errorf("Retryable(%v) is %v", err, !want)
					}
				})
			})
		}
	}
}

// A wait that would end after the deadline is not begun.
func TestR04WaitLongerThanDeadline(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]faulttest.Answers{
		"Retry-After": faulttest.Always(429, "", "Retry-After", "30"),
		"own backoff": faulttest.Always(500, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &faulttest.Service{Answer: answer}
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				began := time.Now()
				_, err := faulttest.Client(t, service).Get(ctx, faulttest.ID)
				e := faulttest.Error(t, err)
				if time.Since(began) != 0 || len(service.Requests()) != 1 {
					t.Errorf("took %v for %d requests; want an end at once", time.Since(began), len(service.Requests()))
				}
				if !errors.Is(err, context.DeadlineExceeded) || e.StatusCode == 0 || !vpptoken.Retryable(err) {
					t.Errorf("error %+v (%v)", *e, err)
				}
			})
		})
	}
}

func TestR04CancelWhileDialling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			<-release // net/http goes on dialling for the next request
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("released")}
		}}
		defer synctest.Wait()
		defer close(release)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		err := faulttest.Named(t, "create").Run(ctx, faulttest.Client(t, transport))
		e := faulttest.Error(t, err)
		if time.Since(began) != time.Second || !errors.Is(err, context.Canceled) || e.Ambiguous || e.StatusCode != 0 {
			t.Errorf("took %v, error %+v (%v)", time.Since(began), *e, err)
		}
	})
}

// Without a deadline a call ends after two minutes, waits included, but for three that the service
// asked for.
func TestR04CallWithoutDeadline(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer faulttest.Answers
		retry  vpptoken.Retry
		more   time.Duration
	}{
		"silence":       {silent(), vpptoken.Retry{MaxAttempts: 100}, 0},
		"dripping":      {stalled(200, "{"), vpptoken.Retry{MaxAttempts: 100}, 0},
		"long attempts": {silent(), vpptoken.Retry{AttemptTimeout: time.Hour}, 0},
		"own backoff":   {faulttest.Always(500, ""), vpptoken.Retry{MaxAttempts: 100}, 0},
		"throttled":     {faulttest.Always(429, "", "Retry-After", "50"), vpptoken.Retry{MaxAttempts: 100}, 3 * 50 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := faulttest.Client(t, &faulttest.Service{Answer: tc.answer},
					vpptoken.WithRetry(tc.retry)).Get(t.Context(),
					faulttest.ID)
				took := time.Since(began)
				if took > 2*time.Minute+tc.more+50*time.Millisecond || took < 59*time.Second {
					t.Errorf("took %v", took)
				}
				faulttest.WantError(t, err)
				if !errors.Is(err, context.DeadlineExceeded) && faulttest.Error(t, err).StatusCode == 0 {
					t.Errorf("error %v does not tell that time ran out", err)
				}
			})
		})
	}
}

// Each page of a list is a call of its own: many slow pages may take longer than one call.
func TestR04EachPageHasItsOwnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{Answer: faulttest.AnswerFunc(func(
			n int, _ *http.Request,
		) (*http.Response, error) {
			time.Sleep(29 * time.Second)
			if n == 9 {
				return faulttest.Answer(200, `{"value":[]}`), nil
			}
			return faulttest.Answer(200,
				fmt.Sprintf(`{"value":[],"@odata.nextLink":"%s?$skip=%d"}`, faulttest.Root, n)), nil
		})}
		if err := faulttest.Last(faulttest.Client(t, service).List(t.Context())); err != nil ||
			len(service.Requests()) != 10 {
			t.Errorf("%d pages: %v", len(service.Requests()), err)
		}
	})
}

// The Timeout of the caller's http.Client bounds an attempt too, and is no end of the call.
func TestR04TimeoutOfTheCallersClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{Answer: silent()}
		client := faulttest.Client(t, service,
			vpptoken.WithHTTPClient(&http.Client{Transport: service, Timeout: 3 * time.Second}))
		began := time.Now()
		_, err := client.Get(t.Context(), faulttest.ID)
		if took := time.Since(began); len(service.Requests()) != 4 || took < 15*time.Second || took > 20*time.Second ||
			errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d requests in %v: %v", len(service.Requests()), took, err)
		}
	})
}

// An attempt's own time is not the caller's: its end does not look like the end of a context that
// is alive, whoever measured it.
func TestR04AttemptTimeIsNotTheCallers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]faulttest.Answers{
		"of the client":              silent(),
		"of the client, in the body": stalled(200, "{"),
		"of the transport": faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("timeout awaiting response headers: %w", context.DeadlineExceeded)
		}),
		"of the transport, in the body": faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
			resp := faulttest.Answer(200, "")
			resp.Body = io.NopCloser(io.MultiReader(errorReader{context.DeadlineExceeded}))
			return resp, nil
		}),
		"canceled by the transport": faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
			return nil,
				context.Canceled
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &faulttest.Service{Answer: answer}
				_, err := faulttest.Client(t, service,
					vpptoken.WithRetry(vpptoken.Retry{AttemptTimeout: 5 * time.Second})).Get(t.Context(), faulttest.ID)
				if len(service.Requests()) != 4 {
					t.Errorf("%d requests, want 4", len(service.Requests()))
				}
				if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
					!vpptoken.Retryable(err) {
					t.Errorf("error %v matches the end of a context that is alive, or is not Retryable", err)
				}
			})
		})
	}
}

// A context that ended before the call says whether to try again as one that ends in it.
func TestR04ContextThatHasEnded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		start func(context.Context) (context.Context, context.CancelFunc)
		cause error
		want  bool
	}{
		"canceled": {context.WithCancel, context.Canceled, false},
		"deadline": {
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithDeadline(ctx, time.Now().Add(-time.Second))
			},
			context.DeadlineExceeded, true,
		},
	} {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Item,
			func(r *http.Request) (*http.Response, error) { return nil, r.Context().Err() })
		ctx, cancel := tc.start(t.Context())
		cancel()
		_, err := c.Get(ctx, faulttest.ID)
		if !errors.Is(err, tc.cause) || vpptoken.Retryable(err) != tc.want {
			t.Errorf("%s: got %v, Retryable %v", name, err, vpptoken.Retryable(err))
		}
		if _, ok := errors.AsType[*vpptoken.Error](err); !ok {
			t.Errorf("%s: %T is no *Error", name, err)
		}
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// A wait that fits before the deadline is not made too long for it by the jitter.
func TestR02RetryAfterThatFits(t *testing.T) {
	t.Parallel()
	for range 50 {
		for value, left := range map[string]time.Duration{"58": time.Minute, "118": 0, "19.9": 20 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				service := &faulttest.Service{
					Answer: faulttest.Once(faulttest.Always(503, "", "Retry-After", value), faulttest.Always(200, `{"id":"1"}`)),
				}
				ctx := t.Context()
				if left > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, left)
					defer cancel()
				}
				if _, err := faulttest.Client(t, service).Get(ctx, faulttest.ID); err != nil {
					t.Errorf("%s s: %v", value, err)
				}
			})
		}
	}
}
