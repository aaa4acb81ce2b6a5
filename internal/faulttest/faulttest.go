// Package faulttest is the tests' harness: a client whose transport is a Service that records what
// was sent and answers as told, and the table of the client's ten operations. The tests of the
// promises R01 to R24 are beside it: a misbehaving service against the public API.
//
// A test of a fault builds the Service, runs operations against it, and compares what was sent and
// what came back, in a synctest bubble where time passes instantly:
//
//	func TestR99RepeatsAfter503(t *testing.T) {
//		t.Parallel()
//		synctest.Test(t, func(t *testing.T) {
//			for _, op := range faulttest.Operations() {
//				service := &faulttest.Service{Answer: faulttest.Once(
//					faulttest.Always(503, "", "Retry-After", "1"), faulttest.Always(op.Status, op.Answer))}
//				err := op.Run(t.Context(), faulttest.Client(t, service))
//				if len(service.Requests()) != 2 || err != nil {
//					t.Errorf("%s: %d requests, %v", op.Name, len(service.Requests()), err)
//				}
//			}
//		})
//	}
//
// What needs real bytes (a connection that is cut, a certificate) uses Loopback and a server of
// net/http/httptest or internal/rawserver, outside a bubble. Mock is for answers that depend on the
// address, Intune for a sync that takes a while. Fixture reads a fixture.
package faulttest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// The secrets of the tests: whatever text shows one of them fails. The plus and the slash are
// escaped differently by every encoding.
const (
	Bearer       = "eyJcanary-bearer+/=.AbCdEfGhIjKlMnOpQrStUvWxYz~0123456789_-end"
	AppleToken   = "QXBwbGUgY2FuYXJ5+/content/token+dG9rZW4gb2YgTm9yZHdpbmQ="
	ClientSecret = "client~canary~Secret.8Q~fR-x"
)

// Last returns the error of a list.
func Last[T any](seq func(func(*T, error) bool)) (err error) {
	for _, err = range seq {
	}
	return err
}

// Sent is a request as the transport got it, and when.
type Sent struct {
	Method, URL, Bearer, Body string
	Header                    http.Header
	At                        time.Time
}

// Answers answers the nth request, from 0.
type Answers interface {
	To(n int, r *http.Request) (*http.Response, error)
}

// AnswerFunc is a function that answers.
type AnswerFunc func(n int, r *http.Request) (*http.Response, error)

// To calls f.
func (f AnswerFunc) To(n int, r *http.Request) (*http.Response, error) { return f(n, r) }

// Service is a transport that keeps the requests and answers them.
type Service struct {
	Answer Answers

	mu   sync.Mutex
	sent []Sent
}

// RoundTrip is http.RoundTripper's.
func (s *Service) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	s.mu.Lock()
	n := len(s.sent)
	s.sent = append(s.sent, Sent{
		r.Method, r.URL.String(), r.Header.Get("Authorization"), string(body), r.Header.Clone(),
		time.Now(),
	})
	s.mu.Unlock()
	return s.Answer.To(n, r)
}

// Requests returns what was sent so far, in order.
func (s *Service) Requests() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

// Waits returns the time between each request and the next.
func (s *Service) Waits() (all []time.Duration) {
	sent := s.Requests()
	for i := 1; i < len(sent); i++ {
		all = append(all, sent[i].At.Sub(sent[i-1].At))
	}
	return all
}

// Always answers every request alike.
func Always(status int, body string, headers ...string) Answers {
	return AnswerFunc(func(int, *http.Request) (*http.Response, error) { return Answer(status, body, headers...), nil })
}

// Once answers the first request by first and the others by then.
func Once(first, then Answers) Answers {
	return AnswerFunc(func(n int, r *http.Request) (*http.Response, error) {
		if n == 0 {
			return first.To(n, r)
		}
		return then.To(n, r)
	})
}

// Answer builds an answer; headers are pairs.
func Answer(status int, body string, headers ...string) *http.Response {
	resp := &http.Response{
		StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
	for i := 0; i+1 < len(headers); i += 2 {
		resp.Header.Add(headers[i], headers[i+1])
	}
	return resp
}

// Client returns a client whose requests go to rt, with an access token that never changes.
func Client(tb testing.TB, rt http.RoundTripper, opts ...vpptoken.Option) *vpptoken.Client {
	tb.Helper()
	return ClientFor(tb, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: Bearer}),
		slices.Concat([]vpptoken.Option{vpptoken.WithHTTPClient(&http.Client{Transport: rt})}, opts)...)
}

// Loopback returns a client with a transport of its own, for a server on loopback.
func Loopback(tb testing.TB, root string, opts ...vpptoken.Option) *vpptoken.Client {
	tb.Helper()
	return ClientFor(tb, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: Bearer}),
		slices.Concat([]vpptoken.Option{vpptoken.WithBaseURL(root)}, opts)...)
}

// ClientFor returns a client that asks ts for its access tokens.
func ClientFor(tb testing.TB, ts oauth2.TokenSource, opts ...vpptoken.Option) *vpptoken.Client {
	tb.Helper()
	c, err := vpptoken.NewClient(ts, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Error fails the test unless err is a *vpptoken.Error.
func Error(tb testing.TB, err error) *vpptoken.Error {
	tb.Helper()
	e, ok := errors.AsType[*vpptoken.Error](err)
	if !ok {
		tb.Fatalf("error %v (%T), want a *vpptoken.Error", err, err)
	}
	return e
}

// WantError is Error where only the type matters; it can be called from any goroutine.
func WantError(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*vpptoken.Error](err); !ok {
		t.Errorf("error %v (%T), want a *vpptoken.Error", err, err)
	}
}

// Quick makes a client on a real network retry without a long wait.
func Quick(attempt time.Duration) vpptoken.Option {
	return vpptoken.WithRetry(vpptoken.Retry{
		MinWait: time.Millisecond, MaxWait: 2 * time.Millisecond,
		AttemptTimeout: attempt,
	})
}

// SourceFunc is a token source without a context.
type SourceFunc func() (*oauth2.Token, error)

// Token calls f.
func (f SourceFunc) Token() (*oauth2.Token, error) { return f() }

// CountedSource counts how often it is asked.
type CountedSource struct {
	Asked  atomic.Int32
	Answer func(n int) (*oauth2.Token, error) // of the nth question, from 1; nil for Bearer
}

// Token answers.
func (s *CountedSource) Token() (*oauth2.Token, error) {
	n := int(s.Asked.Add(1))
	if s.Answer != nil {
		return s.Answer(n)
	}
	return &oauth2.Token{AccessToken: Bearer}, nil
}

// Fixture returns a file of the module's testdata, with line ends as they were committed.
func Fixture(tb testing.TB, name string) string {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if errors.Is(err, os.ErrNotExist) { // a package below the root
		b, err = os.ReadFile(filepath.Join("..", "..", "testdata", name))
	}
	if err != nil {
		tb.Fatal(err)
	}
	return string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
}
