package azauth_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// numbered returns a credential whose tokens are "1", "2" and so on, with the given lives.
func numbered(expires, refresh time.Duration) *credential {
	return &credential{answer: func(_ context.Context, n int) (azcore.AccessToken, error) {
		t := azcore.AccessToken{Token: strconv.Itoa(n)}
		if expires != 0 {
			t.ExpiresOn = time.Now().Add(expires)
		}
		if refresh != 0 {
			t.RefreshOn = time.Now().Add(refresh)
		}
		return t, nil
	}}
}

func TestTokenIsKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expires, refresh time.Duration
		keptFor          time.Duration
	}{
		"until five minutes before it expires":        {time.Hour, 0, 55 * time.Minute},
		"until the credential wants to replace it":    {24 * time.Hour, 12 * time.Hour, 12 * time.Hour},
		"not until a wish that comes after its end":   {time.Hour, 2 * time.Hour, 55 * time.Minute},
		"not at all when it lives five minutes":       {5 * time.Minute, 0, 0},
		"not at all when nobody knows how long it is": {0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSource(t, numbered(c.expires, c.refresh))
				want := func(token string) {
					t.Helper()
					if got, err := s.TokenContext(t.Context(), ""); err != nil || got.AccessToken != token {
						t.Fatalf("TokenContext after %v: %v, want token %s", c.keptFor, err, token)
					}
				}
				want("1")
				if c.keptFor > 0 {
					time.Sleep(c.keptFor - time.Nanosecond)
					want("1")
					time.Sleep(time.Nanosecond)
				}
				want("2")
			})
		})
	}
}

func TestClaimsReplaceTheKeptToken(t *testing.T) {
	t.Parallel()
	s := newSource(t, numbered(time.Hour, 0))
	for i, c := range []struct{ claims, want string }{
		{"", "1"}, {`{"a":1}`, "2"}, {"", "2"}, {`{"a":1}`, "3"}, {"", "3"},
	} {
		if got, err := s.TokenContext(t.Context(), c.claims); err != nil || got.AccessToken != c.want {
			t.Errorf("%d: TokenContext: %v, want token %s", i, err, c.want)
		}
	}
}

func TestFailureWhileTheKeptTokenLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cred := numbered(time.Hour, 0)
		first := cred.answer
		cred.answer = func(ctx context.Context, n int) (azcore.AccessToken, error) {
			if n > 1 {
				return azcore.AccessToken{}, errors.New("down")
			}
			return first(ctx, n)
		}
		s := newSource(t, cred)
		ask := func(claims string) error { _, err := s.TokenContext(t.Context(), claims); return err }
		if err := ask(""); err != nil {
			t.Fatal(err)
		}
		if err := ask(`{"a":1}`); err == nil {
			t.Error("a challenge that could not be answered got the refused token again")
		}
		time.Sleep(time.Hour - time.Nanosecond)
		if err := ask(""); err != nil {
			t.Errorf("the token still lives, but: %v", err)
		}
		if n := len(cred.requests()); n != 3 {
			t.Errorf("the credential was asked %d times, want 3", n)
		}
		time.Sleep(time.Nanosecond)
		if err := ask(""); err == nil {
			t.Error("an expired token was given out")
		}
	})
}

func TestOneFetchAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cred := numbered(time.Hour, 0)
		first := cred.answer
		cred.answer = func(ctx context.Context, n int) (azcore.AccessToken, error) {
			time.Sleep(time.Second) // does not look at ctx
			return first(ctx, n)
		}
		s := newSource(t, cred)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if got, err := s.TokenContext(t.Context(), ""); err != nil || got.AccessToken != "1" {
					t.Errorf("TokenContext: %v, want token 1", err)
				}
			})
		}
		all.Go(func() {
			time.Sleep(time.Millisecond) // the others are under way
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			began := time.Now()
			_, err := s.TokenContext(ctx, "")
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Millisecond ||
				!strings.Contains(err.Error(), "waiting for another call") {
				t.Errorf("TokenContext that waits for another one: %v after %v", err, time.Since(began))
			}
		})
		all.Wait()
		if n := len(cred.requests()); n != 1 {
			t.Errorf("the credential was asked %d times", n)
		}
	})
}

// A call that a kept token serves does not wait for one that replaces it.
func TestKeptTokenWaitsForNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cred := numbered(time.Hour, 0)
		first := cred.answer
		s := newSource(t, cred)
		if _, err := s.TokenContext(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		cred.answer = func(ctx context.Context, n int) (azcore.AccessToken, error) {
			time.Sleep(time.Second)
			return first(ctx, n)
		}
		var all sync.WaitGroup
		all.Go(func() { _, _ = s.TokenContext(t.Context(), `{"a":1}`) })
		synctest.Wait()
		began := time.Now()
		if got, err := s.TokenContext(t.Context(), ""); err != nil || got.AccessToken != "1" || time.Since(began) != 0 {
			t.Errorf("TokenContext beside a claims challenge: %v, %v after %v", got, err, time.Since(began))
		}
		all.Wait()
	})
}

// A credential that never returns, whatever its context says, holds nobody but the call that asked
// it.
func TestR19CredentialNeverReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		cred := &credential{answer: func(_ context.Context, n int) (azcore.AccessToken, error) {
			if n == 1 {
				<-release
			}
			return azcore.AccessToken{Token: strconv.Itoa(n), ExpiresOn: time.Now().Add(time.Hour)}, nil
		}}
		s := newSource(t, cred)
		var calls sync.WaitGroup
		calls.Go(func() { _, _ = s.TokenContext(t.Context(), "") })
		synctest.Wait()
		time.Sleep(time.Second)
		began := time.Now()
		for range 5 {
			calls.Go(func() {
				got, err := s.TokenContext(t.Context(), "")
				if err != nil || got.AccessToken != "2" || time.Since(began) != 29*time.Second {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
			})
		}
		time.Sleep(time.Minute)
		if _, err := s.TokenContext(t.Context(), ""); err != nil {
			t.Error(err)
		}
		close(release)
		calls.Wait()
		if n := len(cred.requests()); n != 2 {
			t.Errorf("the credential was asked %d times", n)
		}
	})
}

// Time spent in line is not the time that a credential takes: one that fails after 20 s is asked by
// one call after another, however long the last in line has waited.
func TestR19SlowFailuresInLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		cred := &credential{answer: func(context.Context, int) (azcore.AccessToken, error) {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(20 * time.Second)
			now.Add(-1)
			return azcore.AccessToken{}, errors.New("down")
		}}
		s := newSource(t, cred)
		began := time.Now()
		var calls sync.WaitGroup
		for range 5 {
			calls.Go(func() {
				if _, err := s.TokenContext(t.Context(), ""); err == nil {
					t.Error("a token came from nowhere")
				}
			})
		}
		calls.Wait()
		if took := time.Since(began); most.Load() != 1 || took != 100*time.Second {
			t.Errorf("asked by %d calls at once, %v in all", most.Load(), took)
		}
	})
}

// However many calls give up on a credential that hangs, one of them asks it next.
func TestR19OneAsksNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cred := &credential{answer: func(ctx context.Context, _ int) (azcore.AccessToken, error) {
			<-ctx.Done()
			return azcore.AccessToken{}, ctx.Err()
		}}
		s := newSource(t, cred)
		var calls sync.WaitGroup
		for range 20 {
			calls.Go(func() { _, _ = s.TokenContext(ctx, "") })
		}
		for i := range 4 {
			time.Sleep(time.Second)
			if n := len(cred.requests()); n != i+1 {
				t.Errorf("the credential was asked %d times after %d periods", n, i)
			}
			time.Sleep(29 * time.Second)
		}
		cancel()
		calls.Wait()
	})
}
