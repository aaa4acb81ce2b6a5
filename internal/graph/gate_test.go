package graph_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// service answers every attempt by a function, and counts them.
type service struct {
	mu     sync.Mutex
	n      int
	answer func(n int) *http.Response
}

func (s *service) RoundTrip(*http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	return s.answer(s.n - 1), nil
}

func status(code int, retryAfter string) *http.Response {
	h := http.Header{}
	if retryAfter != "" {
		h.Set("Retry-After", retryAfter)
	}
	return &http.Response{StatusCode: code, Header: h, Body: http.NoBody}
}

func newClient(t *testing.T, rt http.RoundTripper, attempts int) (*graph.Client, graph.Call) {
	t.Helper()
	base, err := url.Parse(collection)
	if err != nil {
		t.Fatal(err)
	}
	return graph.New(graph.Config{
		Base: base, Transport: rt, UserAgent: "test", MaxAttempts: attempts, MinWait: time.Second,
		MaxWait:       30 * time.Second,
		MaxRetryAfter: time.Minute, AttemptTimeout: 30 * time.Second,
		Token: func(context.Context, string) (*oauth2.Token, error) {
			return &oauth2.Token{AccessToken: "bearer"}, nil
		},
	}), graph.Call{Method: http.MethodGet, URL: base, LogPath: "/", Accept: "application/json", ID: "id"}
}

// A full budget of 100 pays for twenty repeats; a success gives 1 back, up to 100.
func TestBudget(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ status, calls, requests int }{
		"faults": {500, 30, 50}, "refusals": {404, 30, 30}, "successes": {200, 30, 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &service{answer: func(int) *http.Response { return status(tc.status, "") }}
				c, call := newClient(t, s, 4)
				for range tc.calls {
					c.Do(t.Context(), call)
				}
				if s.n != tc.requests {
					t.Errorf("%d calls made %d requests, want %d", tc.calls, s.n, tc.requests)
				}
			})
		})
	}
}

// A later 429 with a longer time prolongs the hold, one with a shorter time does not shorten it.
func TestHoldTakesTheLongest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first, second string
		want          time.Duration
	}{
		"longer": {"5", "20", 20 * time.Second}, "shorter": {"20", "5", 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// Two are under way when the first is throttled.
				gate := make(chan struct{})
				rt := roundTrip(func(r *http.Request) (*http.Response, error) {
					switch r.Header.Get("X-Call") {
					case "first":
						return status(429, tc.first), nil
					case "second":
						<-gate
						return status(429, tc.second), nil
					}
					return status(200, ""), nil
				})
				c, call := newClient(t, rt, 1)
				var calls sync.WaitGroup
				for _, name := range []string{"second", "first"} {
					call.Header = http.Header{"X-Call": {name}}
					calls.Go(func() { c.Do(t.Context(), call) })
					synctest.Wait()
				}
				close(gate)
				calls.Wait()
				began := time.Now()
				call.Header = nil
				out := c.Do(t.Context(), call)
				if took := time.Since(began); out.Status != 200 || took < tc.want || took > tc.want+tc.want/10 {
					t.Errorf("status %d after %v, want 200 after %v", out.Status, took, tc.want)
				}
			})
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What an attempt may do with its request reaches no other: not the caller's header, not the next
// attempt.
func TestAttemptsShareNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		theirs := http.Header{"X-Theirs": {"1"}}
		n := 0
		rt := roundTrip(func(r *http.Request) (*http.Response, error) {
			n++
			got := r.Header.Get("Authorization") + r.Header.Get("X-Theirs") + r.Header.Get("Accept") + r.URL.Path
			if got != "Bearer bearer1application/json/beta/deviceAppManagement/vppTokens" {
				t.Errorf("attempt %d: %s", n, got)
			}
			r.Header.Set("Authorization", "spoiled")
			r.Header["X-Theirs"][0] = "spoiled"
			r.Header.Set("Accept", "spoiled")
			return status(500, ""), nil
		})
		c, call := newClient(t, rt, 4)
		call.Header = theirs
		c.Do(t.Context(), call)
		if n != 4 || theirs.Get("X-Theirs") != "1" || len(theirs) != 1 {
			t.Errorf("%d attempts, the caller's header is %v", n, theirs)
		}
	})
}

// A call to another origin gets no bearer, and sends nothing.
func TestForeignOrigin(t *testing.T) {
	t.Parallel()
	s := &service{answer: func(int) *http.Response { return status(200, "") }}
	c, call := newClient(t, s, 4)
	foreign, err := url.Parse("https://evil.example/beta/deviceAppManagement/vppTokens")
	if err != nil {
		t.Fatal(err)
	}
	call.URL = foreign
	if out := c.Do(t.Context(), call); s.n != 0 || out.Attempts != 0 || !errors.Is(out.Err, graph.ErrUntrustedURL) {
		t.Errorf("%d requests, outcome %+v", s.n, out)
	}
}
