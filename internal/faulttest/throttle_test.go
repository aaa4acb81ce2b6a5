package faulttest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

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

// A probe that ends in another way than with an answer does not leave the gate closed.
func TestR20ProbeThatFails(t *testing.T) {
	t.Parallel()
	for name, probe := range map[string]faulttest.Answers{
		"network": faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
			return nil, io.ErrUnexpectedEOF
		}),
		"silence":         silent(),
		"500":             faulttest.Always(500, ""),
		"404":             faulttest.Always(404, ""),
		"429 for an hour": faulttest.Always(429, "", "Retry-After", "3600"),
		"canceled": faulttest.AnswerFunc(func(_ int, r *http.Request) (*http.Response, error) {
			r.Context().Value(cancelKey{}).(context.CancelFunc)() //nolint:forcetypeassert // see below
			return nil, r.Context().Err()
		}),
		"panic": faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) { panic("made up") }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &faulttest.Service{
					Answer: faulttest.AnswerFunc(func(n int, r *http.Request) (*http.Response, error) {
						switch n {
						case 0:
							return throttled("Retry-After", "10"), nil
						case 1:
							return probe.To(n, r)
						}
						return faulttest.Answer(200, `{"id":"1"}`), nil
					}),
				}
				client := faulttest.Client(t, service, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
				_, err := client.Get(t.Context(), faulttest.ID)
				faulttest.WantError(t, err)
				var group sync.WaitGroup
				var failed atomic.Int32
				began := time.Now()
				for range 20 {
					group.Go(func() {
						defer func() {
							if recover() != nil {
								failed.Add(1)
							}
						}()
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						if _, err := client.Get(context.WithValue(ctx, cancelKey{}, cancel), faulttest.ID); err != nil {
							failed.Add(1)
						}
					})
				}
				group.Wait()
				if took := time.Since(began); failed.Load() != 1 || took > 41*time.Second {
					t.Errorf("%d of 20 calls failed, took %v", failed.Load(), took)
				}
			})
		})
	}
}

// After a second hold one probe goes again, whatever becomes of the attempts that were under way
// when it began.
func TestR20OneProbeAfterEachHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var under atomic.Int32
		most := make([]int32, 20) // under way, when each request was sent
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
				most[n] = under.Add(1)
				defer under.Add(-1)
				switch n {
				case 0:
					return throttled("Retry-After", "1"), nil
				case 2: // the first of the two that follow the probe
					time.Sleep(time.Second)
					return throttled("Retry-After", "10"), nil
				case 3:
					time.Sleep(2 * time.Second)
				default:
					time.Sleep(500 * time.Millisecond)
				}
				return faulttest.Answer(200, `{"id":"1"}`), nil
			}),
		}
		client := faulttest.Client(t, service)
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
			time.Sleep(time.Millisecond)
		}
		group.Wait()
		if n := len(service.Requests()); n != 12 || most[1] != 1 || most[3] != 2 || most[4] != 1 || most[5] != 1 {
			t.Errorf("%d requests, under way: %v", n, most)
		}
	})
}

// A probe whose caller did not wait for its answer says nothing: the next one goes alone as well.
func TestR20CanceledProbeSaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var under, most atomic.Int32
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, r *http.Request) (*http.Response, error) {
				switch n {
				case 0:
					return throttled("Retry-After", "1"), nil
				case 1:
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				under.Add(1)
				time.Sleep(time.Second)
				if n == 2 {
					most.Store(under.Load())
				}
				return faulttest.Answer(200, `{"id":"1"}`), nil
			}),
		}
		client := faulttest.Client(t, service)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		if _, err := client.Get(ctx, faulttest.ID); !errors.Is(err, context.Canceled) {
			t.Errorf("the probe: %v", err)
		}
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if most.Load() != 1 {
			t.Errorf("%d were under way before the next answer", most.Load())
		}
	})
}

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
		group.Go(func() {
			if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
				t.Error(err)
			}
		})
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
			faulttest.Always(429, "", "Retry-After", "15"), vpptoken.Retry{}, 15 * time.Second, 10,
		},
		"tiny": {
			faulttest.Always(429, ""), vpptoken.Retry{MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond},
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
				group.Go(func() {
					if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
						t.Error(err)
					}
				})
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
			group.Go(func() {
				if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		first := sent[together].Sub(began)
		if n := len(service.Requests()); n != 2*together || first < time.Second || first > 1100*time.Millisecond {
			t.Errorf("%d requests, the first after the hold came at %v", n, first)
		}
	})
}

// Nor does one for which nothing was sent, because its sign-in failed.
func TestR20ProbeWithoutToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var under, most atomic.Int32
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
				if n == 0 {
					return throttled("Retry-After", "1"), nil
				}
				under.Add(1)
				time.Sleep(time.Second)
				if n == 1 {
					most.Store(under.Load())
				}
				return faulttest.Answer(200, `{"id":"1"}`), nil
			}),
		}
		var asked atomic.Int32
		source := contextSource(func(context.Context) (*oauth2.Token, error) {
			if asked.Add(1) == 2 {
				return nil, errors.New("sealed")
			}
			return &oauth2.Token{AccessToken: faulttest.Bearer}, nil
		})
		client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
		if _, err := client.Get(t.Context(), faulttest.ID); !errors.Is(err, vpptoken.ErrSignIn) {
			t.Errorf("the probe: %v", err)
		}
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if most.Load() != 1 {
			t.Errorf("%d were under way before the next answer", most.Load())
		}
	})
}

// A deadline that comes while the call waits behind a probe is the hold's doing as well.
func TestR20DeadlineBehindAProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
				if n == 0 {
					return throttled("Retry-After", "2"), nil
				}
				time.Sleep(20 * time.Second)
				return faulttest.Answer(200, `{"id":"1"}`), nil
			}),
		}
		client := faulttest.Client(t, service)
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, err := client.Get(ctx, faulttest.ID)
		e := faulttest.Error(t, err)
		if !errors.Is(err, vpptoken.ErrThrottled) || !errors.Is(err, context.DeadlineExceeded) || e.Attempts != 0 ||
			time.Since(began) != 5*time.Second {
			t.Errorf("%d attempts, after %v: %v", e.Attempts, time.Since(began), err)
		}
		group.Wait()
	})
}

type cancelKey struct{}

// A slow sign-in beside it: the bearer is asked for after the wait, and the pace counts from when
// the request leaves.
func TestR20SlowSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := intune(100, otherwise["absent"])
		s.strict = true
		source := faulttest.SourceFunc(func() (*oauth2.Token, error) {
			time.Sleep(8 * time.Second)
			return &oauth2.Token{AccessToken: faulttest.Bearer, Expiry: time.Now().Add(90 * time.Second)}, nil
		})
		client := faulttest.ClientFor(t, oauth2.ReuseTokenSource(nil, source),
			vpptoken.WithHTTPClient(&http.Client{Transport: s}))
		var group sync.WaitGroup
		for i := range 500 {
			group.Go(func() {
				_, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName(strconv.Itoa(i)))
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if s.refused > 0 || len(s.done) != 500 {
			t.Errorf("%d refused, %d done", s.refused, len(s.done))
		}
	})
}

// A write whose sign-in took longer than the period counts from when it was sent, and one whose
// answer took long does not slow the pace.
func TestR20PaceCountsWhatIsSent(t *testing.T) {
	t.Parallel()
	type write struct{ at, source, answer, sent time.Duration }
	for name, writes := range map[string][]write{
		"slow sources": {
			{0, 15 * time.Second, 0, 15 * time.Second}, {0, 15 * time.Second, 0, 15 * time.Second},
			{5 * time.Second, 0, 0, 5 * time.Second}, {5 * time.Second, 0, 0, 5 * time.Second},
			{12 * time.Second, 0, 0, 12 * time.Second}, {16 * time.Second, 0, 0, 16 * time.Second},
			{17 * time.Second, 0, 0, 22 * time.Second},
		},
		"slow answers": {
			{0, 0, 9 * time.Second, 0}, {0, 0, 9 * time.Second, 0}, {0, 0, 9 * time.Second, 0},
			{0, 0, 9 * time.Second, 0}, {time.Second, 0, 0, 10 * time.Second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				type key struct{}
				began := time.Now()
				source := contextSource(func(ctx context.Context) (*oauth2.Token, error) {
					w, _ := ctx.Value(key{}).(write)
					time.Sleep(w.source)
					return &oauth2.Token{AccessToken: faulttest.Bearer}, nil
				})
				service := &faulttest.Service{
					Answer: faulttest.AnswerFunc(func(_ int, r *http.Request) (*http.Response, error) {
						w, _ := r.Context().Value(key{}).(write)
						if sent := time.Since(began); sent < w.sent || sent > w.sent+time.Second {
							t.Errorf("the write of %v was sent at %v, want %v", w.at, sent, w.sent)
						}
						time.Sleep(w.answer)
						return faulttest.Answer(200, faulttest.BareToken), nil
					}),
				}
				client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}),
					vpptoken.WithWriteLimit(4, 10*time.Second))
				var group sync.WaitGroup
				for _, w := range writes {
					group.Go(func() {
						time.Sleep(w.at)
						_, err := client.Update(context.WithValue(t.Context(), key{}, w), faulttest.ID,
							vpptoken.NewPatch().SetDisplayName("x"))
						if err != nil {
							t.Error(err)
						}
					})
				}
				group.Wait()
			})
		})
	}
}

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
				if n := len(service.Requests()); n == 1 || n == 4 && err != nil {
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
					if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
						t.Error(err)
					}
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

// The longest period is one, however many wait for it.
func TestR20LongestPeriod(t *testing.T) {
	t.Parallel()
	for _, per := range []time.Duration{math.MaxInt64, math.MaxInt64 / 2, math.MaxInt64 / 20} {
		synctest.Test(t, func(t *testing.T) {
			service := &faulttest.Service{Answer: faulttest.Always(200, `{"id":"1"}`)}
			client := faulttest.Client(t, service, vpptoken.WithWriteLimit(2, per))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began, sent := time.Now(), 0
			var group sync.WaitGroup
			var without context.Context
			without, cancel = context.WithCancel(t.Context()) // without a deadline they stay in line
			defer cancel()
			for range 2 + 100 {
				group.Go(func() { _, _ = client.Update(without, faulttest.ID, vpptoken.NewPatch().SetDisplayName("a")) })
			}
			synctest.Wait()
			_, err := client.Update(ctx, faulttest.ID, vpptoken.NewPatch().SetDisplayName("b"))
			if sent = len(service.Requests()); sent != 2 || !errors.Is(err, context.DeadlineExceeded) ||
				time.Since(began) != 0 {
				t.Errorf("%v: %d were sent, the last took %v: %v", per, sent, time.Since(began), err)
			}
			cancel()
			group.Wait()
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
