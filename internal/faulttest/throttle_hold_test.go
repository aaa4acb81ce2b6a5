package faulttest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// A hold that begins while a read waits ends it at once if it outlasts its deadline.
func TestR20HoldThatOutlastsAWaitingRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
				if n < 2 {
					return throttled("Retry-After", []string{"2", "60"}[n]), nil
				}
				return faulttest.Answer(200, `{"id":"1"}`), nil
			}),
		}
		client := faulttest.Client(t, service)
		began := time.Now()
		var group sync.WaitGroup
		group.Go(func() { get(t, client) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := client.Get(ctx, faulttest.ID)
		if wait, _ := vpptoken.RetryAfter(err); time.Since(began) > 2100*time.Millisecond || wait < 59*time.Second ||
			!errors.Is(err, vpptoken.ErrThrottled) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v, retry after %v: %v", time.Since(began), wait, err)
		}
		group.Wait()
	})
}

// The client's own waits, which take over when a service keeps asking for too little, are never
// shorter than what it asks for; and very short ones end before they are a storm.
func TestR20WaitsOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer  faulttest.Answers
		retry   vpptoken.Retry
		atLeast time.Duration // between requests
		most    int           // requests
	}{
		"asked for longer": {
			faulttest.Always(429, "", "Retry-After", "15"), vpptoken.Retry{}, 15 * time.Second, 12,
		},
		"tiny": {
			faulttest.Always(429, ""),
			vpptoken.Retry{MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond},
			time.Millisecond, 40,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n, last := 0, time.Time{}
				service := &faulttest.Service{
					Answer: faulttest.AnswerFunc(func(i int, r *http.Request) (*http.Response, error) {
						if apart := time.Since(last); n > 0 && apart < tc.atLeast {
							t.Errorf("request %d came %v after the one before", i, apart)
						}
						n, last = n+1, time.Now()
						return tc.answer.To(i, r)
					}),
				}
				_, err := faulttest.Client(t, service, vpptoken.WithRetry(tc.retry)).Get(t.Context(), faulttest.ID)
				if !errors.Is(err, vpptoken.ErrThrottled) || n < 5 || n > tc.most {
					t.Errorf("%d requests: %v", n, err)
				}
			})
		})
	}
}

// What comes first goes first after a hold as well, except that a read passes a write that the
// pace still holds.
func TestR20OrderAfterAHold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limit int // of writes in a minute; one has been sent
		want  string
	}{
		"write first":        {100, "PATCH 5s, GET 5s"},
		"write without room": {1, "GET 5s, PATCH 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, order := time.Now(), []string(nil)
				service := &faulttest.Service{
					Answer: faulttest.AnswerFunc(func(n int, r *http.Request) (*http.Response, error) {
						if n == 1 {
							return throttled("Retry-After", "5"), nil
						}
						if n > 1 {
							at := time.Since(began).Truncate(time.Second)
							order = append(order, fmt.Sprintf("%s %v", r.Method, at))
						}
						return faulttest.Answer(200, faulttest.BareToken), nil
					}),
				}
				client := faulttest.Client(t, service, vpptoken.WithWriteLimit(tc.limit, time.Minute),
					vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
				update := func() {
					_, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("x"))
					if err != nil {
						t.Error(err)
					}
				}
				update()
				_, err := client.Get(t.Context(), faulttest.ID)
				faulttest.WantError(t, err)
				var group sync.WaitGroup
				group.Go(update)
				time.Sleep(time.Second)
				group.Go(func() { get(t, client) })
				group.Wait()
				if got := strings.Join(order, ", "); got != tc.want {
					t.Errorf("sent %s, want %s", got, tc.want)
				}
			})
		})
	}
}

// A write that is too far back in the line for its deadline ends at once.
func TestR20LineLongerThanTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{Answer: faulttest.Always(200, faulttest.BareToken)}
		client := faulttest.Client(t, service, vpptoken.WithWriteLimit(1, 10*time.Second))
		update := func(ctx context.Context) error {
			_, err := client.Update(ctx, faulttest.ID, vpptoken.NewPatch().SetDisplayName("x"))
			return err
		}
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if err := update(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second)
		defer cancel()
		began := time.Now()
		err := update(ctx)
		if wait, _ := vpptoken.RetryAfter(err); time.Since(began) != 0 || !errors.Is(err, vpptoken.ErrThrottled) ||
			!errors.Is(err, context.DeadlineExceeded) || wait < 40*time.Second || wait > 44*time.Second {
			t.Errorf("after %v, retry after %v: %v", time.Since(began), wait, err)
		}
		group.Wait()
	})
}

// Refusals of requests that were under way together count as one: the client's own wait does not
// double with each of them.
func TestR20RefusedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const together = 8
		var sent [3 * together]time.Time
		began := time.Now()
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
				sent[n] = time.Now()
				if n >= together {
					return faulttest.Answer(200, `{"id":"1"}`), nil
				}
				time.Sleep(10 * time.Millisecond)
				return throttled(), nil
			}),
		}
		client := faulttest.Client(t, service)
		var group sync.WaitGroup
		for range together {
			group.Go(func() { get(t, client) })
		}
		group.Wait()
		first := sent[together].Sub(began)
		if n := len(service.Requests()); n != 2*together || first < time.Second || first > 1100*time.Millisecond {
			t.Errorf("%d requests, the first after the hold came at %v", n, first)
		}
	})
}

// Waits that the service asked for, each within MaxRetryAfter, are outside the two minutes of a call
// without a deadline, but not without end.
func TestR20WaitsAreOutsideTheTwoMinutes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		asked    string
		refusals int
		ok       bool
	}{
		"two of 70 s": {"70", 2, true}, "two of 121 s": {"121", 2, true}, "two of 5 min": {"300", 2, true},
		"three of 65 s": {"65", 3, true}, "for good": {"70", 1000, false}, "for good, at once": {"1", 1000, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &faulttest.Service{
					Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
						if n < tc.refusals {
							return throttled("Retry-After", tc.asked), nil
						}
						return faulttest.Answer(200, `{"id":"1"}`), nil
					}),
				}
				began := time.Now()
				_, err := faulttest.Client(t, service).Get(t.Context(), faulttest.ID)
				if (err == nil) != tc.ok || time.Since(began) > 6*time.Minute+time.Second && !tc.ok {
					t.Errorf("%d requests in %v: %v", len(service.Requests()), time.Since(began), err)
				}
			})
		})
	}
}

// Once nothing is refused any more the gate is open, however fast the service answers.
func TestR20GateOpensAgain(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{0, 100 * time.Microsecond, time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			service := &faulttest.Service{
				Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
					time.Sleep(takes)
					if n == 0 {
						return throttled("Retry-After", "1"), nil
					}
					return faulttest.Answer(200, `{"id":"1"}`), nil
				}),
			}
			client := faulttest.Client(t, service)
			var last vpptoken.Metadata
			for i := range 20 {
				if _, err := client.Get(t.Context(), faulttest.ID, vpptoken.WithMetadata(&last)); err != nil {
					t.Fatal(i, err)
				}
			}
			if last.Held != 0 {
				t.Errorf("answers in %v: the last call was held for %v", takes, last.Held)
			}
		})
	}
}
