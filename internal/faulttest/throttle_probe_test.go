package faulttest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

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
			group.Go(func() { get(t, client) })
			synctest.Wait()
			time.Sleep(time.Millisecond)
		}
		group.Wait()
		if n := len(service.Requests()); n != 12 || most[1] != 1 || most[3] != 2 || most[4] != 1 || most[5] != 1 {
			t.Errorf("%d requests, under way: %v", n, most)
		}
	})
}

// crowd counts requests that take a second, and how many had come when the first of them is
// answered.
type crowd struct{ came, before atomic.Int32 }

func (c *crowd) answer(first bool) *http.Response {
	c.came.Add(1)
	time.Sleep(time.Second)
	if first {
		c.before.Store(c.came.Load())
	}
	return faulttest.Answer(200, `{"id":"1"}`)
}

// beginsWithOne makes five calls at once, of which one goes and the others wait for its answer.
func (c *crowd) beginsWithOne(t *testing.T, client *vpptoken.Client) {
	t.Helper()
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() { get(t, client) })
	}
	group.Wait()
	if n := c.before.Load(); n != 1 {
		t.Errorf("%d were under way before the next answer", n)
	}
}

// A probe whose caller did not wait for its answer says nothing: the next one goes alone as well.
func TestR20CanceledProbeSaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var crowd crowd
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, r *http.Request) (*http.Response, error) {
				switch n {
				case 0:
					return throttled("Retry-After", "1"), nil
				case 1:
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				return crowd.answer(n == 2), nil
			}),
		}
		client := faulttest.Client(t, service)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		if _, err := client.Get(ctx, faulttest.ID); !errors.Is(err, context.Canceled) {
			t.Errorf("the probe: %v", err)
		}
		crowd.beginsWithOne(t, client)
	})
}

// Nor does one for which nothing was sent, because its sign-in failed.
func TestR20ProbeWithoutToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var crowd crowd
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
				if n == 0 {
					return throttled("Retry-After", "1"), nil
				}
				return crowd.answer(n == 1), nil
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
		crowd.beginsWithOne(t, client)
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
		group.Go(func() { get(t, client) })
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
