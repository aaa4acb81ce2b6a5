package vpptoken_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// The secrets of the fault tests: whatever text shows one of them fails. The plus and the slash are escaped differently by every encoding.
const (
	canaryBearer = "eyJcanary-bearer+/=.AbCdEfGhIjKlMnOpQrStUvWxYz~0123456789_-end"
	canaryApple  = "QXBwbGUgY2FuYXJ5+/content/token+dG9rZW4gb2YgTm9yZHdpbmQ="
	canaryClient = "client~canary~Secret.8Q~fR-x"

	faultID   = "00000000-0000-4000-8000-000000000001"
	faultRoot = "https://graph.microsoft.com/beta/deviceAppManagement/vppTokens"
)

// What a repeat of an operation does to the service.
const (
	faultReads = iota
	faultWrites
	faultActs
)

// faultOp is an operation of the client, for tests that meet all of them.
type faultOp struct {
	name   string
	effect int
	status int // of a success
	answer string
	run    func(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error
}

func faultOps() []faultOp {
	const token = `{"id":"` + faultID + `","displayName":"Field iPads"}`
	return []faultOp{
		{"list", faultReads, 200, `{"value":[` + token + `]}`, func(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error {
			var list []vpptoken.ListOption
			for _, o := range opts {
				list = append(list, o)
			}
			return last(c.List(ctx, list...))
		}},
		{"get", faultReads, 200, token, func(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error {
			return present(c.Get(ctx, faultID, opts...))
		}},
		{"create", faultActs, 201, token, func(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error {
			return present(c.Create(ctx, &vpptoken.NewToken{Token: vpptoken.NewSecret(canaryApple), DisplayName: "Nordwind"}, opts...))
		}},
		{"update", faultWrites, 200, token, func(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error {
			return present(c.Update(ctx, faultID, vpptoken.NewPatch().SetToken(vpptoken.NewSecret(canaryApple)), opts...))
		}},
		{"delete", faultWrites, 204, "", func(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error {
			return c.Delete(ctx, faultID, opts...)
		}},
		{"count", faultReads, 200, "3", func(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error {
			_, err := c.Count(ctx, opts...)
			return err
		}},
		{"syncLicenses", faultActs, 200, token, func(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error {
			return present(c.SyncLicenses(ctx, faultID, opts...))
		}},
		{"revokeLicenses", faultActs, 204, "", func(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error {
			return c.RevokeLicenses(ctx, faultID, vpptoken.RevokeOptions{NotifyManagedDevices: true}, opts...)
		}},
		{"syncLicenseCounts", faultActs, 204, "", func(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error {
			return c.SyncLicenseCounts(ctx, opts...)
		}},
		{"getLicensesForApp", faultReads, 200, `{"value":[]}`, func(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error {
			return last(c.LicensesForApp(ctx, "com.example.app", opts...))
		}},
	}
}

// faultOpNamed returns one of them.
func faultOpNamed(t *testing.T, name string) faultOp {
	t.Helper()
	for _, op := range faultOps() {
		if op.name == name {
			return op
		}
	}
	t.Fatalf("there is no operation %q", name)
	return faultOp{}
}

// present turns a missing token under a nil error into an error.
func present(t *vpptoken.VPPToken, err error) error {
	if err == nil && (t == nil || t.ID == "") {
		return errors.New("a zero token came with a nil error")
	}
	return err
}

// last returns the error of a list.
func last[T any](seq func(func(*T, error) bool)) (err error) {
	for _, err = range seq {
	}
	return err
}

// faultSent is a request as the transport got it, and when.
type faultSent struct {
	method, url, bearer, body string
	at                        time.Time
}

// faultAnswers answers the nth request, from 0.
type faultAnswers interface {
	to(n int, r *http.Request) (*http.Response, error)
}

type answerFunc func(n int, r *http.Request) (*http.Response, error)

func (f answerFunc) to(n int, r *http.Request) (*http.Response, error) { return f(n, r) }

// faultService is a transport that keeps the requests and answers them.
type faultService struct {
	answer faultAnswers

	mu   sync.Mutex
	sent []faultSent
}

func (s *faultService) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	s.mu.Lock()
	n := len(s.sent)
	s.sent = append(s.sent, faultSent{r.Method, r.URL.String(), r.Header.Get("Authorization"), string(body), time.Now()})
	s.mu.Unlock()
	return s.answer.to(n, r)
}

func (s *faultService) requests() []faultSent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

// waits returns the time between each request and the next.
func (s *faultService) waits() (all []time.Duration) {
	sent := s.requests()
	for i := 1; i < len(sent); i++ {
		all = append(all, sent[i].at.Sub(sent[i-1].at))
	}
	return all
}

// always answers every request alike.
func always(status int, body string, headers ...string) faultAnswers {
	return answerFunc(func(int, *http.Request) (*http.Response, error) { return faultAnswer(status, body, headers...), nil })
}

// once answers the first request by first and the others by then.
func once(first, then faultAnswers) faultAnswers {
	return answerFunc(func(n int, r *http.Request) (*http.Response, error) {
		if n == 0 {
			return first.to(n, r)
		}
		return then.to(n, r)
	})
}

// faultAnswer builds an answer; headers are pairs.
func faultAnswer(status int, body string, headers ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
	for i := 0; i+1 < len(headers); i += 2 {
		resp.Header.Add(headers[i], headers[i+1])
	}
	return resp
}

// faultClient returns a client whose requests go to rt, with a bearer that never changes.
func faultClient(tb testing.TB, rt http.RoundTripper, opts ...vpptoken.Option) *vpptoken.Client {
	tb.Helper()
	return faultClientFor(tb, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: canaryBearer}),
		slices.Concat([]vpptoken.Option{vpptoken.WithHTTPClient(&http.Client{Transport: rt})}, opts)...)
}

// loopbackClient returns a client with a transport of its own, for a server on loopback.
func loopbackClient(tb testing.TB, root string, opts ...vpptoken.Option) *vpptoken.Client {
	tb.Helper()
	return faultClientFor(tb, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: canaryBearer}),
		slices.Concat([]vpptoken.Option{vpptoken.WithBaseURL(root)}, opts)...)
}

func faultClientFor(tb testing.TB, ts oauth2.TokenSource, opts ...vpptoken.Option) *vpptoken.Client {
	tb.Helper()
	c, err := vpptoken.NewClient(ts, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// faultError fails the test unless err is a *vpptoken.Error.
func faultError(tb testing.TB, err error) *vpptoken.Error {
	tb.Helper()
	e, ok := errors.AsType[*vpptoken.Error](err)
	if !ok {
		tb.Fatalf("error %v (%T), want a *vpptoken.Error", err, err)
	}
	return e
}

// wantFault is faultError where only the type matters; it can be called from any goroutine.
func wantFault(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*vpptoken.Error](err); !ok {
		t.Errorf("error %v (%T), want a *vpptoken.Error", err, err)
	}
}

// quick makes a client on a real network repeat without a long wait.
func quick(attempt time.Duration) vpptoken.Option {
	return vpptoken.WithRetry(vpptoken.Retry{MinWait: time.Millisecond, MaxWait: 2 * time.Millisecond, AttemptTimeout: attempt})
}
