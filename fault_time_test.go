package vpptoken_test

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
)

// blockingBody gives its text and then nothing until the request's context ends, as net/http's bodies do.
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
func stalled(status int, text string) faultAnswers {
	return answerFunc(func(_ int, r *http.Request) (*http.Response, error) {
		resp := faultAnswer(status, "")
		resp.Body, resp.ContentLength = &blockingBody{text, r.Context()}, -1
		return resp, nil
	})
}

// silent answers nothing until the request's context ends.
func silent() faultAnswers {
	return answerFunc(func(_ int, r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, fmt.Errorf("round trip: %w", r.Context().Err())
	})
}

// sourceFunc is a token source without a context.
type sourceFunc func() (*oauth2.Token, error)

func (f sourceFunc) Token() (*oauth2.Token, error) { return f() }

// Wherever a call is when its context ends, it ends at that moment, with the context's error and the last status.
func TestR04CallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	throttled := always(429, "", "Retry-After", "20", "Request-Id", "req-1")
	unavailable := always(503, "", "Request-Id", "req-1")
	static := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: canaryBearer})
	type faultCase struct {
		name      string
		answer    faultAnswers
		status    int
		attempts  int
		ambiguous bool // of a create
		create    bool
		source    func(release <-chan struct{}) oauth2.TokenSource
	}
	blocks := func(free int) func(<-chan struct{}) oauth2.TokenSource {
		return func(release <-chan struct{}) oauth2.TokenSource {
			asked := 0
			return sourceFunc(func() (*oauth2.Token, error) {
				if asked++; asked > free {
					<-release
				}
				return &oauth2.Token{AccessToken: fmt.Sprintf("%s-%d", canaryBearer, asked)}, nil
			})
		}
	}
	for _, tc := range []faultCase{
		{name: "wait for Retry-After", answer: throttled, status: 429, attempts: 1},
		{name: "headers", answer: silent(), attempts: 1},
		{name: "headers of a create", answer: silent(), attempts: 1, create: true, ambiguous: true},
		{name: "headers of a repeat", answer: once(unavailable, silent()), status: 503, attempts: 2},
		{name: "body", answer: stalled(200, `{"id":`), status: 200, attempts: 1},
		{name: "body of a create", answer: stalled(201, `{"id":`), status: 201, attempts: 1, create: true, ambiguous: true},
		{name: "body of an error", answer: stalled(503, `{"error":`), status: 503, attempts: 1},
		{name: "body of a refusal", answer: stalled(400, `{"error":`), status: 400, attempts: 1, create: true},
		{name: "token fetch", answer: throttled, attempts: 0, source: blocks(0)},
		{name: "token fetch of a repeat", answer: always(500, ""), status: 500, attempts: 1, source: blocks(1)},
		{name: "token fetch after a 401", answer: always(401, ""), status: 401, attempts: 1, source: blocks(1)},
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
					service := &faultService{answer: tc.answer}
					client := faultClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
					// A deadline is far enough away for the wait that is asked for, so that it is not known at once.
					const after = 15 * time.Second
					ctx, cancel := context.WithCancel(t.Context())
					if end == context.DeadlineExceeded { //nolint:errorlint // it is the table's own value
						ctx, cancel = context.WithTimeout(t.Context(), after)
					}
					defer cancel()
					if end == context.Canceled { //nolint:errorlint // it is the table's own value
						time.AfterFunc(after, cancel)
					}
					op := faultOpNamed(t, "get")
					if tc.create {
						op = faultOpNamed(t, "create")
					}
					var meta vpptoken.Metadata
					began := time.Now()
					err := op.run(ctx, client, vpptoken.WithMetadata(&meta))
					took := time.Since(began)
					e := faultError(t, err)
					if took > after+50*time.Millisecond {
						t.Errorf("took %v", took)
					}
					if !errors.Is(err, end) {
						t.Errorf("errors.Is(%v, %v) is false", err, end)
					}
					if e.StatusCode != tc.status || meta.StatusCode != tc.status || e.Attempts != tc.attempts || meta.Attempts != tc.attempts {
						t.Errorf("error %+v, metadata %+v; want status %d after %d attempts", *e, meta, tc.status, tc.attempts)
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
	for name, answer := range map[string]faultAnswers{
		"Retry-After": always(429, "", "Retry-After", "30"),
		"own backoff": always(500, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &faultService{answer: answer}
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				began := time.Now()
				_, err := faultClient(t, service).Get(ctx, faultID)
				e := faultError(t, err)
				if time.Since(began) != 0 || len(service.requests()) != 1 {
					t.Errorf("took %v for %d requests; want an end at once", time.Since(began), len(service.requests()))
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
		err := faultOpNamed(t, "create").run(ctx, faultClient(t, transport))
		e := faultError(t, err)
		if time.Since(began) != time.Second || !errors.Is(err, context.Canceled) || e.Ambiguous || e.StatusCode != 0 {
			t.Errorf("took %v, error %+v (%v)", time.Since(began), *e, err)
		}
	})
}

// Without a deadline a call ends after two minutes, waits included.
func TestR04CallWithoutDeadline(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer faultAnswers
		retry  vpptoken.Retry
	}{
		"silence":       {silent(), vpptoken.Retry{MaxAttempts: 100}},
		"dripping":      {stalled(200, "{"), vpptoken.Retry{MaxAttempts: 100}},
		"long attempts": {silent(), vpptoken.Retry{AttemptTimeout: time.Hour}},
		"own backoff":   {always(500, ""), vpptoken.Retry{MaxAttempts: 100}},
		"throttled":     {always(429, "", "Retry-After", "50"), vpptoken.Retry{MaxAttempts: 100}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := faultClient(t, &faultService{answer: tc.answer}, vpptoken.WithRetry(tc.retry)).Get(t.Context(), faultID)
				took := time.Since(began)
				if took > 2*time.Minute+50*time.Millisecond || took < 59*time.Second {
					t.Errorf("took %v", took)
				}
				wantFault(t, err)
				if !errors.Is(err, context.DeadlineExceeded) && faultError(t, err).StatusCode == 0 {
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
		service := &faultService{answer: answerFunc(func(n int, _ *http.Request) (*http.Response, error) {
			time.Sleep(29 * time.Second)
			if n == 9 {
				return faultAnswer(200, `{"value":[]}`), nil
			}
			return faultAnswer(200, fmt.Sprintf(`{"value":[],"@odata.nextLink":"%s?$skip=%d"}`, faultRoot, n)), nil
		})}
		if err := last(faultClient(t, service).List(t.Context())); err != nil || len(service.requests()) != 10 {
			t.Errorf("%d pages: %v", len(service.requests()), err)
		}
	})
}

// The Timeout of the caller's http.Client bounds an attempt too, and is no end of the call.
func TestR04TimeoutOfTheCallersClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faultService{answer: silent()}
		client := faultClient(t, service, vpptoken.WithHTTPClient(&http.Client{Transport: service, Timeout: 3 * time.Second}))
		began := time.Now()
		_, err := client.Get(t.Context(), faultID)
		if took := time.Since(began); len(service.requests()) != 4 || took < 15*time.Second || took > 20*time.Second || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d requests in %v: %v", len(service.requests()), took, err)
		}
	})
}

// An attempt's own time is not the caller's: its end does not look like the end of a context that is alive, whoever measured it.
func TestR04AttemptTimeIsNotTheCallers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]faultAnswers{
		"of the client":              silent(),
		"of the client, in the body": stalled(200, "{"),
		"of the transport": answerFunc(func(int, *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("timeout awaiting response headers: %w", context.DeadlineExceeded)
		}),
		"of the transport, in the body": answerFunc(func(int, *http.Request) (*http.Response, error) {
			resp := faultAnswer(200, "")
			resp.Body = io.NopCloser(io.MultiReader(errorReader{context.DeadlineExceeded}))
			return resp, nil
		}),
		"cancelled by the transport": answerFunc(func(int, *http.Request) (*http.Response, error) { return nil, context.Canceled }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &faultService{answer: answer}
				_, err := faultClient(t, service, vpptoken.WithRetry(vpptoken.Retry{AttemptTimeout: 5 * time.Second})).Get(t.Context(), faultID)
				if len(service.requests()) != 4 {
					t.Errorf("%d requests, want 4", len(service.requests()))
				}
				if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || !vpptoken.Retryable(err) {
					t.Errorf("error %v matches the end of a context that is alive, or is not Retryable", err)
				}
			})
		})
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }
