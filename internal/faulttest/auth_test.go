package faulttest_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
)

// claimsSource is a token source that takes a context and claims. Each token is another, unless it
// is stuck.
type claimsSource struct {
	mu     sync.Mutex
	claims []string
	stuck  bool
}

func (*claimsSource) Token() (*oauth2.Token, error) {
	return nil, errors.New("Token was called although there is a TokenContext")
}

func (s *claimsSource) TokenContext(ctx context.Context, claims string) (*oauth2.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims = append(s.claims, claims)
	if s.stuck {
		return &oauth2.Token{AccessToken: faulttest.Bearer}, ctx.Err()
	}
	return &oauth2.Token{AccessToken: fmt.Sprintf("%s-%d", faulttest.Bearer, len(s.claims))}, ctx.Err()
}

// A 401 is answered by one new token and one repeat, whatever the operation: the service did not
// act.
func TestR12Unauthorized(t *testing.T) {
	t.Parallel()
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`
	challenge := func(encoded string) []string {
		return []string{"Www-Authenticate", `Bearer realm="", error="insufficient_claims", claims="` + encoded +
			`", authorization_uri="https://login.example/"`}
	}
	for name, tc := range map[string]struct {
		first    []string // headers of the 401
		body     string
		forever  bool
		stuck    bool
		requests int
		claims   []string // that the source was asked for
	}{
		"once":                 {requests: 2, claims: []string{"", ""}},
		"for ever":             {forever: true, requests: 2, claims: []string{"", ""}},
		"the same token again": {stuck: true, requests: 1, claims: []string{"", ""}},
		"around Forbidden": {
			body: faulttest.Fixture(t, "error-intune-nested-twice.json"), forever: true, requests: 1,
			claims: []string{""},
		},
		"challenge": {
			first: challenge(base64.StdEncoding.EncodeToString([]byte(claims))), requests: 2,
			claims: []string{"", claims},
		},
		"challenge, unpadded": {
			first: challenge(base64.RawStdEncoding.EncodeToString([]byte(claims))), requests: 2,
			claims: []string{"", claims},
		},
		"challenge, URL": {
			first: challenge(base64.URLEncoding.EncodeToString([]byte(claims))), requests: 2,
			claims: []string{"", claims},
		},
		"challenge for ever": {
			first: challenge(base64.RawURLEncoding.EncodeToString([]byte(claims))), forever: true,
			requests: 2, claims: []string{"", claims},
		},
		"challenge, stuck": {
			first: challenge(base64.RawURLEncoding.EncodeToString([]byte(claims))), stuck: true,
			requests: 1, claims: []string{"", claims},
		},
		"challenge, not base64": {first: challenge("%%%"), requests: 2, claims: []string{"", ""}},
		"challenge, not JSON":   {first: challenge("AAAA"), requests: 2, claims: []string{"", ""}},
		"challenge of 20 kB": {
			first: challenge(strings.Repeat("e30K", 5000)), requests: 2, claims: []string{"", ""},
		},
		"claims, no challenge": {
			first:    []string{"Www-Authenticate", `Bearer error="invalid_token", claims="e30="`},
			requests: 2, claims: []string{"", ""},
		},
	} {
		for _, op := range faulttest.Operations() {
			t.Run(name+"/"+op.Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					refuse := faulttest.Always(401, tc.body, tc.first...)
					service := &faulttest.Service{
						Answer: faulttest.Once(refuse, faulttest.Always(op.Status, op.Answer)),
					}
					if tc.forever {
						service.Answer = refuse
					}
					source := &claimsSource{stuck: tc.stuck}
					client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
					var meta vpptoken.Metadata
					began := time.Now()
					err := op.Run(t.Context(), client, vpptoken.WithMetadata(&meta))
					sent := service.Requests()
					if len(sent) != tc.requests || meta.Attempts != tc.requests || time.Since(began) != 0 {
						t.Errorf("%d requests in %v, Metadata.Attempts %d; want %d at once",
							len(sent), time.Since(began), meta.Attempts,
							tc.requests)
					}
					if strings.Join(source.claims, "|") != strings.Join(tc.claims, "|") {
						t.Errorf("the source was asked for the claims %q, want %q", source.claims, tc.claims)
					}
					if len(sent) == 2 && (sent[0].Bearer == sent[1].Bearer || sent[0].Body != sent[1].Body) {
						t.Errorf("the repeat: %+v, first %+v", sent[1], sent[0])
					}
					if !tc.forever && !tc.stuck {
						if err != nil {
							t.Error(err)
						}
						return
					}
					e := faulttest.Error(t, err)
					if !errors.Is(err, vpptoken.ErrUnauthorized) ||
						errors.Is(err, vpptoken.ErrForbidden) != (tc.body != "") ||
						e.Ambiguous || vpptoken.Retryable(err) {
						t.Errorf("error %+v (%v)", *e, err)
					}
					if want := tc.claims[len(tc.claims)-1]; e.Claims != want {
						t.Errorf("Claims %q, want %q", e.Claims, want)
					}
				})
			})
		}
	}
}

// A source that takes no context: a token that it gives once more is no reason to ask for ever, but
// one that was under way when the service refused it is.
func TestR12SourceWithoutContext(t *testing.T) {
	t.Parallel()
	const claims = `Bearer error="insufficient_claims", claims="e30="`
	for name, tc := range map[string]struct {
		bearers []string // that the source gives; the last one for ever
		asked   int32
		refused bool
	}{
		"static":          {[]string{"a"}, 3, true},
		"another":         {[]string{"a", "b"}, 2, false},
		"begun too early": {[]string{"a", "a", "b"}, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var under atomic.Int32
				source := &faulttest.CountedSource{Answer: func(n int) (*oauth2.Token, error) {
					if under.Add(1) > 1 {
						t.Error("two fetches at once")
					}
					defer under.Add(-1)
					if n > 1 {
						time.Sleep(5 * time.Second)
					}
					return &oauth2.Token{
						AccessToken: tc.bearers[min(n, len(tc.bearers))-1], Expiry: time.Now().Add(61 * time.Second),
					}, nil
				}}
				service := &faulttest.Service{
					Answer: faulttest.AnswerFunc(func(n int, r *http.Request) (*http.Response, error) {
						if r.Header.Get("Authorization") == "Bearer a" && n == 0 {
							time.Sleep(3 * time.Second)
							return faulttest.Answer(401, "", "Www-Authenticate", claims), nil
						}
						return faulttest.Answer(200, faulttest.BareToken), nil
					}),
				}
				client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
				var group sync.WaitGroup
				group.Go(func() {
					_, err := client.Get(t.Context(), faulttest.ID)
					if errors.Is(err, vpptoken.ErrUnauthorized) != tc.refused || err != nil != tc.refused {
						t.Errorf("the refused call: %v", err)
					}
				})
				time.Sleep(2 * time.Second) // the first token is as good as expired
				if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
					t.Error(err)
				}
				group.Wait()
				if source.Asked.Load() != tc.asked {
					t.Errorf("the source was asked %d times, want %d", source.Asked.Load(), tc.asked)
				}
			})
		})
	}
}

// Each attempt asks for its own token: one may be stale after a long wait.
func TestR12FreshTokenForEachAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{Answer: faulttest.Always(503, "")}
		client := faulttest.ClientFor(t, &claimsSource{}, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
		_, err := client.Get(t.Context(), faulttest.ID)
		faulttest.WantError(t, err)
		for i, s := range service.Requests() {
			if want := fmt.Sprintf("Bearer %s-%d", faulttest.Bearer, i+1); s.Bearer != want {
				t.Errorf("request %d has the bearer %q, want %q", i+1, s.Bearer, want)
			}
		}
	})
}

// A 401 in the middle of repeats is still one new token.
func TestR12MixedWithOtherFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		statuses := []int{503, 401, 503, 401, 200}
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
				return faulttest.Answer(statuses[n], `{"id":"1"}`), nil
			}),
		}
		source := &claimsSource{}
		client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}),
			vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 10}))
		_, err := client.Get(t.Context(), faulttest.ID)
		if e := faulttest.Error(t, err); e.StatusCode != http.StatusUnauthorized || e.Attempts != 4 ||
			len(source.claims) != 4 {
			t.Errorf("error %+v, the source was asked %d times", *e, len(source.claims))
		}
	})
}

// panickingError is an error whose text can't be had.
type panickingError struct{}

func (panickingError) Error() string { panic(faulttest.ClientSecret) }

// A token source that fails is an error of its own: not repeated as if it were the network, and
// nothing is sent.
func TestR13TokenSources(t *testing.T) {
	t.Parallel()
	sentinel := errors.New("the vault is sealed: " + faulttest.ClientSecret)
	token := func(bearer string) func(int) (*oauth2.Token, error) {
		return func(int) (*oauth2.Token, error) { return &oauth2.Token{AccessToken: bearer}, nil }
	}
	retrieve := func(status int) func(int) (*oauth2.Token, error) {
		return func(int) (*oauth2.Token, error) {
			return nil, &oauth2.RetrieveError{
				Response:  &http.Response{StatusCode: status, Status: faulttest.ClientSecret},
				Body:      []byte("client_secret=" + faulttest.ClientSecret),
				ErrorCode: "invalid_client", ErrorDescription: "AADSTS7000215: Invalid client secret provided: " +
					faulttest.ClientSecret, ErrorURI: faulttest.ClientSecret,
			}
		}
	}
	for name, tc := range map[string]struct {
		token     func(int) (*oauth2.Token, error)
		text      string
		retryable bool
	}{
		"error": {func(int) (*oauth2.Token, error) { return nil, sentinel }, "token source failed", true},
		"error and token": {func(int) (*oauth2.Token, error) {
			return &oauth2.Token{AccessToken: faulttest.Bearer},
				sentinel
		}, "token source failed", true},
		"nil token":   {func(int) (*oauth2.Token, error) { return nil, nil }, "no access token", false},
		"empty token": {token(""), "no access token", false},
		"CR and LF":   {token(faulttest.Bearer + "\r\nX-Injected: 1"), "header", false},
		"space":       {token(faulttest.Bearer + " x"), "header", false},
		"NUL":         {token(faulttest.Bearer + "\x00"), "header", false},
		"not ASCII":   {token(faulttest.Bearer + "é"), "header", false},
		"panic":       {func(int) (*oauth2.Token, error) { panic(faulttest.ClientSecret) }, "panic", false},
		"nil panic":   {func(int) (*oauth2.Token, error) { panic(sentinel) }, "panic", false},
		"Goexit":      {func(int) (*oauth2.Token, error) { runtime.Goexit(); return nil, nil }, "token source", false},
		"nil as an answer's error": {func(int) (*oauth2.Token, error) {
			var none *oauth2.RetrieveError
			return &oauth2.Token{AccessToken: faulttest.Bearer}, none
		}, "panic", false},
		"nil as a network's error": {func(int) (*oauth2.Token, error) {
			var none *net.DNSError
			return nil, fmt.Errorf("lookup: %w", error(none))
		}, "panic", false},
		"error that panics": {func(int) (*oauth2.Token, error) { return nil, panickingError{} }, "panic", false},
		"refused":           {retrieve(401), "invalid_client", false},
		"out of order":      {retrieve(503), "AADSTS7000215", true},
		"hostile code": {func(int) (*oauth2.Token, error) {
			return nil, &oauth2.RetrieveError{
				Response:  &http.Response{StatusCode: http.StatusBadRequest},
				ErrorCode: "secret " + faulttest.ClientSecret, ErrorDescription: faulttest.ClientSecret,
			}
		}, "token source failed", false},
	} {
		for _, op := range []string{"get", "create"} {
			t.Run(name+"/"+op, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					service := &faulttest.Service{Answer: faulttest.Always(200, `{"id":"1"}`)}
					source := &faulttest.CountedSource{Answer: tc.token}
					client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
					var meta vpptoken.Metadata
					err := faulttest.Named(t, op).Run(t.Context(), client, vpptoken.WithMetadata(&meta))
					e := faulttest.Error(t, err)
					asked := int32(1)
					if name == "out of order" {
						asked = 4
					}
					if len(service.Requests()) != 0 || source.Asked.Load() != asked || e.Attempts != 0 ||
						meta.Attempts != 0 ||
						e.Ambiguous || e.StatusCode != 0 {
						t.Errorf("%d requests, the source asked %d times, error %+v",
							len(service.Requests()), source.Asked.Load(), *e)
					}
					if !strings.Contains(err.Error(), tc.text) || vpptoken.Retryable(err) != tc.retryable {
						t.Errorf("error %q, Retryable %v; want %q, %v",
							err, vpptoken.Retryable(err), tc.text, tc.retryable)
					}
					if name == "error" && !errors.Is(err, sentinel) {
						t.Error("errors.Is does not find the source's own error")
					}
					leaktest.ShowsNoSecret(t, err)
					// The source is asked again by the next call: nothing is stuck.
					_ = faulttest.Named(t, op).Run(t.Context(), client)
					if source.Asked.Load() != 2*asked {
						t.Errorf("the source was asked %d times by two calls", source.Asked.Load())
					}
				})
			})
		}
	}
}

// A source that blocks holds no call past its end, and is not asked again before the time of an
// attempt is over.
func TestR13BlockedSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var underWay, most atomic.Int32
		source := &faulttest.CountedSource{Answer: func(int) (*oauth2.Token, error) {
			most.Store(max(most.Load(), underWay.Add(1)))
			defer underWay.Add(-1)
			<-release
			return &oauth2.Token{AccessToken: faulttest.Bearer}, nil
		}}
		service := &faulttest.Service{Answer: faulttest.Always(200, `{"id":"1"}`)}
		client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
		began := time.Now()
		var calls sync.WaitGroup
		for i := range 20 {
			calls.Go(func() {
				limit := time.Duration(i+1) * time.Second
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				_, err := client.Get(ctx, faulttest.ID)
				took := time.Since(began)
				if took > limit+50*time.Millisecond || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("call %d took %v: %v", i, took, err)
				}
			})
		}
		calls.Wait()
		if source.Asked.Load() != 1 {
			t.Errorf("the source was asked %d times", source.Asked.Load())
		}
		_, err := client.Get(t.Context(), faulttest.ID) // without a deadline of its own it ends with the attempt's
		if took := time.Since(began); took > 51*time.Second || errors.Is(err, context.DeadlineExceeded) || err == nil {
			t.Errorf("took %v: %v", took, err)
		}
		if source.Asked.Load() != 2 || most.Load() != 2 || len(service.Requests()) != 0 {
			t.Errorf("the source was asked %d times, %d at once; %d requests", source.Asked.Load(), most.Load(),
				len(service.Requests()))
		}
		if !errors.Is(err, vpptoken.ErrSignIn) || !vpptoken.Retryable(err) {
			t.Errorf("error %v", err)
		}
		close(release)
		synctest.Wait()
		if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
			t.Errorf("after it woke up: %v", err)
		}
	})
}
