package vpptoken_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// The context of one call is not the end of others.
func TestF25NoContextIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{answer: func(n int, _ url.Values) (*http.Response, error) { return grant(n) }}
		s := appSource(t, vpptoken.CloudGlobal)
		for range 3 {
			ctx, cancel := context.WithCancel(a.in(t.Context()))
			if _, err := s.TokenContext(ctx, ""); err != nil {
				t.Error(err)
			}
			cancel()
			time.Sleep(2 * time.Hour)
		}
		if len(a.asked()) != 3 {
			t.Errorf("%d sign-ins", len(a.asked()))
		}
	})
}

// One token request that hangs disables nothing, and ends in its time.
func TestF25HangingSignIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{answer: func(n int, _ url.Values) (*http.Response, error) {
			if n == 0 {
				time.Sleep(24 * time.Hour)
			}
			time.Sleep(time.Second)
			return grant(n)
		}}
		s := appSource(t, vpptoken.CloudGlobal)
		var wait sync.WaitGroup
		began := time.Now()
		wait.Go(func() {
			// It takes what the next sign-in brings.
			if _, err := s.TokenContext(a.in(t.Context()), ""); err != nil || time.Since(began) != 3*time.Second {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		})
		time.Sleep(time.Second)
		for range 5 {
			ctx, cancel := context.WithTimeout(a.in(t.Context()), 5*time.Second)
			if _, err := s.TokenContext(ctx, ""); err != nil {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			cancel()
		}
		wait.Wait()
		time.Sleep(24 * time.Hour)
	})
}

// A sign-in ends in its time, which is not the caller's.
func TestF25SignInEndsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{answer: func(n int, _ url.Values) (*http.Response, error) {
			time.Sleep(24 * time.Hour)
			return grant(n)
		}}
		began := time.Now()
		_, err := appSource(t, vpptoken.CloudGlobal).TokenContext(a.in(t.Context()), "")
		if !errors.Is(err, vpptoken.ErrSignIn) || errors.Is(err, context.DeadlineExceeded) ||
			!vpptoken.Retryable(err) || time.Since(began) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(a.in(t.Context()), 5*time.Second)
		defer cancel()
		_, err = appSource(t, vpptoken.CloudGlobal).TokenContext(ctx, "")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 35*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		time.Sleep(24 * time.Hour)
	})
}

// Many who need a token share one sign-in. Whoever waits may leave; when the one who signs in
// leaves, another takes over.
func TestManyCallsShareOneSignIn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		patience time.Duration // of every second call
		first    time.Duration // of the one that signs in
		signIns  int
	}{
		"all wait":         {time.Minute, time.Minute, 1},
		"some leave":       {100 * time.Millisecond, time.Minute, 1},
		"the first leaves": {time.Minute, 100 * time.Millisecond, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &authority{answer: func(n int, _ url.Values) (*http.Response, error) {
					time.Sleep(300 * time.Millisecond)
					return grant(n)
				}}
				s := appSource(t, vpptoken.CloudGlobal)
				var wait sync.WaitGroup
				call := func(limit time.Duration) {
					wait.Go(func() {
						ctx, cancel := context.WithTimeout(a.in(t.Context()), limit)
						defer cancel()
						began := time.Now()
						_, err := s.TokenContext(ctx, "")
						if early := limit < 300*time.Millisecond; early != (err != nil) ||
							early && (!errors.Is(err, context.DeadlineExceeded) || time.Since(began) != limit) {
							t.Errorf("after %v of %v: %v", time.Since(began), limit, err)
						}
					})
				}
				call(tt.first)
				synctest.Wait()
				for i := range 64 {
					call([]time.Duration{time.Minute, tt.patience}[i%2])
				}
				wait.Wait()
				if n := len(a.asked()); n != tt.signIns {
					t.Errorf("%d sign-ins, want %d", n, tt.signIns)
				}
			})
		})
	}
}

// Claims are not answered by a token that was asked for without them.
func TestClaimsShareNoOtherSignIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{answer: func(_ int, form url.Values) (*http.Response, error) {
			time.Sleep(time.Second)
			return grant(len(form.Get("claims")))
		}}
		s := appSource(t, vpptoken.CloudGlobal)
		var wait sync.WaitGroup
		for i := range 8 {
			claims := strings.Repeat("x", i%2)
			wait.Go(func() {
				token, err := s.TokenContext(a.in(t.Context()), claims)
				want := fmt.Sprintf("%s-%d", faulttest.Bearer, len(claims))
				if err != nil || token.AccessToken != want {
					t.Errorf("%q: %v", claims, err)
				}
			})
		}
		wait.Wait()
		if len(a.asked()) != 2 {
			t.Errorf("%d sign-ins", len(a.asked()))
		}
	})
}
