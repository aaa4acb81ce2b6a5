package faulttest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// get reads the token, and fails the test if it can't.
func get(t *testing.T, client *vpptoken.Client) {
	t.Helper()
	if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
		t.Error(err)
	}
}

// Who waits is served in the order of coming, and reads do not wait for the pace of writes.
func TestR20InOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{Answer: faulttest.Always(200, `{"id":"1"}`)}
		client := faulttest.Client(t, service, vpptoken.WithWriteLimit(1, time.Second))
		var group sync.WaitGroup
		for i := range 50 {
			group.Go(func() {
				_, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName(strconv.Itoa(i)))
				if err != nil {
					t.Error(err)
				}
			})
			time.Sleep(time.Millisecond)
		}
		var meta vpptoken.Metadata
		if _, err := client.Get(t.Context(), faulttest.ID, vpptoken.WithMetadata(&meta)); err != nil || meta.Held != 0 {
			t.Errorf("a read was held for %v: %v", meta.Held, err)
		}
		group.Wait()
		i := 0
		for _, sent := range service.Requests() {
			if sent.Method == http.MethodPatch {
				if want := fmt.Sprintf(`{"displayName":"%d"}`, i); sent.Body != want {
					t.Errorf("write %d was %s", i, sent.Body)
				}
				i++
			}
		}
	})
}

// Whoever gives up leaves the line, and holds up nobody behind.
func TestR20GivingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{
			Answer: faulttest.Once(faulttest.Always(429, "", "Retry-After", "10"), faulttest.Always(200, `{"id":"1"}`)),
		}
		client := faulttest.Client(t, service)
		var group sync.WaitGroup
		began := time.Now()
		for i := range 100 {
			group.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%2 == 0 && i > 0 {
					time.AfterFunc(5*time.Second, cancel)
				}
				_, err := client.Get(ctx, faulttest.ID)
				took := time.Since(began)
				canceled := errors.Is(err, context.Canceled)
				if canceled != (i%2 == 0 && i > 0) || canceled && took != 5*time.Second || !canceled && err != nil {
					t.Errorf("%d after %v: %v", i, took, err)
				}
			})
			synctest.Wait()
		}
		group.Wait()
		if took := time.Since(began); len(service.Requests()) != 52 || took > 11*time.Second {
			t.Errorf("%d requests in %v", len(service.Requests()), took)
		}
	})
}

// A call whose deadline and whose turn come at the same moment passes its turn on.
func TestR20TurnAtTheDeadline(t *testing.T) {
	t.Parallel()
	for range 20 { // which of the two is seen first is open
		synctest.Test(t, func(t *testing.T) {
			service := &faulttest.Service{
				Answer: faulttest.Once(faulttest.Always(429, "", "Retry-After", "10"),
					faulttest.Always(200, `{"id":"1"}`)),
			}
			client := faulttest.Client(t, service, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
			_, err := client.Get(t.Context(), faulttest.ID)
			faulttest.WantError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var group sync.WaitGroup
			group.Go(func() {
				if _, err := client.Get(ctx, faulttest.ID); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("at the deadline: %v", err)
				}
			})
			synctest.Wait()
			late, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			began := time.Now()
			if _, err := client.Get(late, faulttest.ID); err != nil || time.Since(began) > 11*time.Second {
				t.Errorf("the next call, after %v: %v", time.Since(began), err)
			}
			group.Wait()
		})
	}
}

type cancelKey struct{}

// Waiting is outside of an attempt's time and of the two minutes of a call without a deadline, and
// Metadata tells it.
func TestR20HeldTimeIsNotTheCalls(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &faulttest.Service{
					Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
						time.Sleep(25 * time.Second)
						if n < 3 {
							return throttled("Retry-After", []string{"300", "60", "30"}[n]), nil
						}
						return faulttest.Answer(op.Status, op.Answer), nil
					}),
				}
				var meta vpptoken.Metadata
				err := op.Run(t.Context(), faulttest.Client(t, service), vpptoken.WithMetadata(&meta))
				if n := len(service.Requests()); n != 4 || err != nil {
					t.Errorf("%d requests: %v", n, err)
				}
				if meta.Held < 300*time.Second || meta.Attempts != len(service.Requests()) {
					t.Errorf("metadata %+v", meta)
				}
			})
		})
	}
}

// Throttled attempts are free: they count neither against MaxAttempts nor against the budget. With
// one attempt there is none.
func TestR20ThrottledAttemptsAreFree(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]int{1: 1, 2: 12, 4: 14} {
		synctest.Test(t, func(t *testing.T) {
			service := &faulttest.Service{
				Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
					if n < 10 {
						return throttled("Retry-After", "1"), nil
					}
					return faulttest.Answer(500, ""), nil
				}),
			}
			client := faulttest.Client(t, service, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: attempts}))
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			_, err := client.Get(ctx, faulttest.ID)
			if e := faulttest.Error(t, err); len(service.Requests()) != want || e.Attempts != want {
				t.Errorf("MaxAttempts %d: %d requests, %d attempts, want %d",
					attempts, len(service.Requests()), e.Attempts, want)
			}
		})
	}
}

// A throttled attempt is free as well if the call has only one attempt left.
func TestR20LastAttemptIsThrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		statuses := []int{500, 503, 429, 429, 504, 429, 200}
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
				return faulttest.Answer(statuses[n], faulttest.BareToken), nil
			}),
		}
		_, err := faulttest.Client(t, service).Get(t.Context(), faulttest.ID)
		if err != nil || len(service.Requests()) != len(statuses) {
			t.Errorf("%d requests: %v", len(service.Requests()), err)
		}
	})
}

// A single call that is refused for another reason than the load (a 429 that says "already
// running") ends, and stops nobody else.
func TestR20OneCallIsNotWanted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(_ int, r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost {
					return throttled(), nil
				}
				time.Sleep(50 * time.Millisecond)
				return faulttest.Answer(200, `{"id":"1"}`), nil
			}),
		}
		client := faulttest.Client(t, service)
		began := time.Now()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := client.SyncLicenses(t.Context(), faulttest.ID); !errors.Is(err, vpptoken.ErrThrottled) {
				t.Errorf("it ended with %v", err)
			}
			if took := time.Since(began); took > 2*time.Minute {
				t.Errorf("it ended after %v", took)
			}
		})
		for range 4 {
			group.Go(func() {
				for range 100 {
					get(t, client)
				}
			})
		}
		group.Wait()
		if took := time.Since(began); took > 3*time.Minute {
			t.Errorf("the others took %v", took)
		}
	})
}

// Nobody waits where nobody needs to: a write alone, or a hundred of them, or any against another
// service.
func TestR20NobodyWaitsInVain(t *testing.T) {
	t.Parallel()
	custom, err := vpptoken.NewCloud("https://graph.example", "https://login.example")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		options []vpptoken.Option
		writes  int
	}{
		"Microsoft":     {nil, 100},
		"Bleu":          {[]vpptoken.Option{vpptoken.WithCloud(vpptoken.CloudBleu)}, 100},
		"a proxy":       {[]vpptoken.Option{vpptoken.WithBaseURL("https://proxy.example")}, -1},
		"another cloud": {[]vpptoken.Option{vpptoken.WithCloud(custom)}, -1},
		"none":          {[]vpptoken.Option{vpptoken.WithWriteLimit(0, 0)}, -1},
		"three an hour": {
			[]vpptoken.Option{vpptoken.WithBaseURL("https://proxy.example"), vpptoken.WithWriteLimit(3, time.Hour)}, 3,
		},
		"the last counts": {
			[]vpptoken.Option{vpptoken.WithWriteLimit(3, time.Hour), vpptoken.WithWriteLimit(0, time.Hour)}, -1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Always(200, `{"id":"1"}`)},
					tc.options...)
				began := time.Now()
				most := tc.writes
				if most < 0 {
					most = 500
				}
				for i := range most + 1 {
					_, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("x"))
					if err != nil {
						t.Fatal(err)
					}
					if waited := time.Since(began) > 0; waited != (i == tc.writes) {
						t.Fatalf("write %d: %v have passed", i, time.Since(began))
					}
				}
			})
		})
	}
}

// A bad limit is an error of NewClient.
func TestR20BadLimits(t *testing.T) {
	t.Parallel()
	for _, o := range []vpptoken.Option{
		vpptoken.WithWriteLimit(-1, time.Second), vpptoken.WithWriteLimit(math.MinInt, 0),
		vpptoken.WithWriteLimit(1, 0),
		vpptoken.WithWriteLimit(1, -time.Second), vpptoken.WithWriteLimit(0, -1),
	} {
		if c, err := vpptoken.NewClient(oauth2.StaticTokenSource(&oauth2.Token{}), o); err == nil || c != nil {
			t.Errorf("a client, and %v", err)
		}
	}
}
