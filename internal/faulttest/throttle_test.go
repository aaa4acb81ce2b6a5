package faulttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// limited is a service that takes so many requests in a period and refuses the others, as Intune does.
type limited struct {
	limit       int
	per         time.Duration
	fixed       bool          // periods follow each other; they slide otherwise
	strict      bool          // refused requests count as well
	refuse      refusal       // of what is one too many
	there, back time.Duration // how long a request and its answer take at most; the least is a sixth

	mu      sync.Mutex
	counted []time.Time
	done    map[string]int // updates that were carried out, by name
	sent    int
	refused int
}

// refusal answers a request at a time when the limit has room again after another one.
type refusal func(now time.Time, wait time.Duration) *http.Response

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	var body struct {
		DisplayName string `json:"displayName"`
	}
	if r.Body != nil {
		text, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err := json.Unmarshal(text, &body); err != nil {
			return nil, err
		}
	}
	if err := travel(r, l.there); err != nil {
		return nil, err
	}
	answer := l.take(body.DisplayName)
	return answer, travel(r, l.back)
}

// travel takes up to d, unless the request ends before.
func travel(r *http.Request, d time.Duration) error {
	if d == 0 {
		return nil
	}
	select {
	case <-time.After(d/6 + rand.N(d-d/6)):
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	}
}

func (l *limited) take(name string) *http.Response {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.sent++
	for len(l.counted) > 0 && !now.Before(l.expires(l.counted[0])) {
		l.counted = l.counted[1:]
	}
	room := len(l.counted) < l.limit
	if room || l.strict {
		l.counted = append(l.counted, now)
	}
	if room {
		l.done[name]++
		return faulttest.Answer(200, `{"id":"1"}`)
	}
	l.refused++
	wait := l.per
	if l.limit > 0 {
		wait = l.expires(l.counted[len(l.counted)-l.limit]).Sub(now)
	}
	return l.refuse(now, wait)
}

func (l *limited) expires(at time.Time) time.Time {
	if l.fixed {
		return at.Truncate(l.per).Add(l.per)
	}
	return at.Add(l.per)
}

// intune is a service with Intune's periods and so many writes in each.
func intune(limit int, refuse refusal) *limited {
	return &limited{
		limit: limit, per: 20 * time.Second, refuse: refuse, there: 150 * time.Millisecond, back: 150 * time.Millisecond,
		done: make(map[string]int),
	}
}

// ideal is how long so many updates take at least.
func (l *limited) ideal(updates int) time.Duration {
	return time.Duration((updates-1)/l.limit) * l.per
}

func throttled(headers ...string) *http.Response {
	return faulttest.Answer(429, `{"error":{"code":"TooManyRequests","message":"Wait."}}`, headers...)
}

func seconds(wait time.Duration) refusal {
	return func(time.Time, time.Duration) *http.Response {
		return throttled("Retry-After", strconv.FormatFloat(wait.Seconds(), 'f', -1, 64))
	}
}

const rateLimit = "Rate limit reached because of too many requests - Please retry after sometime."

// intuneSays is an error whose message is one of Intune's own.
func intuneSays(status int, message string) *http.Response {
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": "InternalServerError", "message": message}})
	return faulttest.Answer(status, string(body))
}

// The forms in which a service asks to wait for as long as it means, and those in which it does not.
var (
	inFull = map[string]refusal{
		"seconds": func(_ time.Time, wait time.Duration) *http.Response {
			return throttled("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		},
		"fraction": func(_ time.Time, wait time.Duration) *http.Response {
			return throttled("Retry-After", fmt.Sprintf("%.3f", wait.Seconds()+0.001))
		},
		"list": func(_ time.Time, wait time.Duration) *http.Response {
			return throttled("Retry-After", fmt.Sprintf("1,%d", int(math.Ceil(wait.Seconds()))), "Retry-After", "0")
		},
		"in the body": func(_ time.Time, wait time.Duration) *http.Response {
			return intuneSays(429, fmt.Sprintf(`{"Message":"Too many requests","RetryAfter":"%d"}`, int(math.Ceil(wait.Seconds()))))
		},
		"in the body of a 500": func(_ time.Time, wait time.Duration) *http.Response {
			return intuneSays(500, fmt.Sprintf(`{"Message":"`+rateLimit+`","RetryAfter":%d}`, int(math.Ceil(wait.Seconds()))))
		},
		"date of a skewed clock": func(now time.Time, wait time.Duration) *http.Response {
			theirs := now.Add(-7 * time.Hour).UTC()
			return throttled("Date", theirs.Format(http.TimeFormat), "Retry-After", theirs.Add(wait+time.Second).Format(http.TimeFormat))
		},
	}
	otherwise = map[string]refusal{
		"absent":     func(time.Time, time.Duration) *http.Response { return throttled() },
		"a 500":      func(time.Time, time.Duration) *http.Response { return intuneSays(500, rateLimit) },
		"unreadable": func(time.Time, time.Duration) *http.Response { return throttled("Retry-After", "soon") },
		"a second":   seconds(time.Second),
		"an instant": seconds(time.Millisecond),
		"half": func(_ time.Time, wait time.Duration) *http.Response {
			return throttled("Retry-After", fmt.Sprintf("%.3f", wait.Seconds()/2))
		},
		"a period": seconds(20 * time.Second),
		"too long": seconds(50 * time.Second),
	}
)

// bulk is many updates by many goroutines of several clients.
type bulk struct {
	service    *limited
	updates    int
	clients    int // 0 is one
	goroutines int // of each client
	options    []vpptoken.Option
	timeout    time.Duration // of each call, 0 for none
}

// run runs it, and checks that nothing was done twice, and nothing that failed.
func (b *bulk) run(t *testing.T) (took time.Duration, lost []error) {
	t.Helper()
	clients := make([]*vpptoken.Client, max(1, b.clients))
	for i := range clients {
		clients[i] = faulttest.Client(t, b.service, b.options...)
	}
	began := time.Now()
	var next atomic.Int32
	var mu sync.Mutex
	var group sync.WaitGroup
	for g := range b.goroutines * len(clients) {
		group.Go(func() {
			for {
				n := int(next.Add(1))
				if n > b.updates {
					return
				}
				err := b.update(t, clients[g%len(clients)], strconv.Itoa(n))
				if err != nil {
					mu.Lock()
					lost = append(lost, err)
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	took = time.Since(began)
	total := 0
	for name, n := range b.service.done {
		if total += n; n > 1 {
			t.Errorf("update %s was carried out %d times", name, n)
		}
	}
	if total != b.updates-len(lost) {
		t.Errorf("%d of %d updates were carried out, and %d are said to have failed", total, b.updates, len(lost))
	}
	return took, lost
}

func (b *bulk) update(t *testing.T, c *vpptoken.Client, name string) error {
	t.Helper()
	ctx := t.Context()
	if b.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, b.timeout)
		defer cancel()
	}
	began := time.Now()
	_, err := c.Update(ctx, faulttest.ID, vpptoken.NewPatch().SetDisplayName(name))
	if took := time.Since(began); b.timeout > 0 && took > b.timeout+50*time.Millisecond {
		t.Errorf("a call with %v took %v", b.timeout, took)
	}
	underWay := errors.Is(err, context.DeadlineExceeded) && b.service.back > 0
	if err != nil && !underWay && (!errors.Is(err, vpptoken.ErrThrottled) || !vpptoken.Retryable(err)) {
		t.Errorf("lost for another reason: %v", err)
	}
	return err
}

// Writes against a cloud of Microsoft are paced by themselves: none is refused, whatever the kind of window.
func TestR20Paced(t *testing.T) {
	t.Parallel()
	for _, goroutines := range []int{4, 16, 64, 256} {
		for _, fixed := range []bool{false, true} {
			for _, latency := range []time.Duration{0, 25 * time.Millisecond, 150 * time.Millisecond, 300 * time.Millisecond} {
				t.Run(fmt.Sprintf("%d goroutines/fixed=%v/%v", goroutines, fixed, latency), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := intune(100, otherwise["absent"])
						s.fixed, s.strict, s.there, s.back = fixed, true, latency, latency
						if goroutines == 4 && latency > 200*time.Millisecond {
							t.Skip("so few are slower than the limit")
						}
						took, lost := (&bulk{service: s, updates: 1000, goroutines: goroutines}).run(t)
						if ratio := float64(took) / float64(s.ideal(1000)); len(lost) > 0 || s.refused > 0 || ratio > 1.05 {
							t.Errorf("%d lost, %d refused, %.3f of the ideal time", len(lost), s.refused, ratio)
						}
					})
				})
			}
		}
	}
}

// Where the limit is not known, it is found, and worked at.
func TestR20UnknownLimit(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		for _, fixed := range []bool{false, true} {
			for name, refuse := range inFull {
				t.Run(fmt.Sprintf("strict=%v/fixed=%v/%s", strict, fixed, name), func(t *testing.T) {
					t.Parallel()
					testUnknown(t, strict, fixed, refuse, 1.15)
				})
			}
			for name, refuse := range otherwise {
				t.Run(fmt.Sprintf("strict=%v/fixed=%v/%s", strict, fixed, name), func(t *testing.T) {
					t.Parallel()
					most := 1.45
					if name == "too long" {
						most = 2.9 // it is the service's word
					}
					testUnknown(t, strict, fixed, refuse, most)
				})
			}
		}
	}
}

func testUnknown(t *testing.T, strict, fixed bool, refuse refusal, most float64) {
	t.Helper()
	for _, goroutines := range []int{1, 4, 64, 256} {
		for _, limit := range []vpptoken.Option{vpptoken.WithWriteLimit(0, 0), vpptoken.WithWriteLimit(100, 20*time.Second)} {
			if testing.Short() && goroutines > 4 {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				s := intune(50, refuse)
				s.strict, s.fixed = strict, fixed
				took, lost := (&bulk{service: s, updates: 1000, goroutines: goroutines, options: []vpptoken.Option{limit}}).run(t)
				ideal := s.ideal(1000)
				if goroutines == 1 { // its own requests take half of each period
					ideal += time.Duration(1000/s.limit) * s.per / 12
				}
				if ratio := float64(took) / float64(ideal); len(lost) > 0 || ratio > most {
					t.Errorf("%d goroutines: %d lost, %d refused, %.3f of the ideal time", goroutines, len(lost), s.refused, ratio)
				}
			})
		}
	}
}

// Clients of several processes share what the tenant has, and none of them loses anything.
func TestR20FourClients(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		for _, fixed := range []bool{false, true} {
			for _, forms := range []map[string]refusal{inFull, otherwise} {
				for name, refuse := range forms {
					t.Run(fmt.Sprintf("strict=%v/fixed=%v/%s", strict, fixed, name), func(t *testing.T) {
						t.Parallel()
						for _, goroutines := range []int{1, 16, 64} {
							synctest.Test(t, func(t *testing.T) {
								s := intune(100, refuse)
								s.strict, s.fixed = strict, fixed
								_, lost := (&bulk{service: s, updates: 1000, clients: 4, goroutines: goroutines}).run(t)
								if len(lost) > 0 {
									t.Errorf("%d goroutines each: %d lost, the first: %v", goroutines, len(lost), lost[0])
								}
							})
						}
					})
				}
			}
		}
	}
}

// With its share of the limit, each of four clients is never refused.
func TestR20Shares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := intune(100, otherwise["absent"])
		s.strict = true
		b := &bulk{service: s, updates: 1000, clients: 4, goroutines: 16, options: []vpptoken.Option{vpptoken.WithWriteLimit(25, 20*time.Second)}}
		took, lost := b.run(t)
		if ratio := float64(took) / float64(s.ideal(1000)); len(lost) > 0 || s.refused > 0 || ratio > 1.15 { // they take of one list, and not the same number each
			t.Errorf("%d lost, %d refused, %.3f of the ideal time", len(lost), s.refused, ratio)
		}
	})
}

// A service that refuses for good gets few requests, and all calls end in time.
func TestR20RefusedForGood(t *testing.T) {
	t.Parallel()
	for _, forms := range []map[string]refusal{inFull, otherwise} {
		for name, refuse := range forms {
			for _, latency := range []time.Duration{0, 150 * time.Millisecond} {
				t.Run(fmt.Sprintf("%s/%v", name, latency), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := intune(0, refuse)
						s.there, s.back = latency, latency
						_, lost := (&bulk{service: s, updates: 64, goroutines: 64, timeout: time.Minute}).run(t)
						if s.sent > 124 || len(lost) != 64 {
							t.Errorf("%d requests, %d calls failed", s.sent, len(lost))
						}
						for _, err := range lost {
							if !errors.Is(err, context.DeadlineExceeded) {
								t.Errorf("%v does not tell that time ran out", err)
							}
						}
					})
				})
			}
		}
	}
}

// Calls without a deadline end as well when everything is refused: in two minutes, each with a request of its own.
func TestR20RefusedForGoodWithoutDeadline(t *testing.T) {
	t.Parallel()
	for name, refuse := range otherwise {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := intune(0, refuse)
				took, lost := (&bulk{service: s, updates: 64, goroutines: 64}).run(t)
				if took > 2*time.Minute+time.Second || len(lost) != 64 {
					t.Errorf("took %v, %d calls failed", took, len(lost))
				}
			})
		})
	}
}

// A deadline of any length holds. What it leaves no time for is refused at once, and nothing of it is sent.
func TestR20Deadlines(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{time.Millisecond, time.Second, 10 * time.Second, 25 * time.Second, time.Minute, 3 * time.Minute, time.Hour} {
		for _, limit := range []int{50, 100} {
			t.Run(fmt.Sprintf("%v/%d", timeout, limit), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := intune(limit, inFull["seconds"])
					s.there, s.back = 0, 0
					_, lost := (&bulk{service: s, updates: 300, goroutines: 300, timeout: timeout}).run(t)
					want := max(0, 300-limit*(1+int(timeout/(s.per+s.per/50))))
					if len(lost) != want {
						t.Errorf("%d lost, %d expected", len(lost), want)
					}
				})
			})
		}
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
				if _, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName(strconv.Itoa(i))); err != nil {
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
		service := &faulttest.Service{Answer: faulttest.Once(faulttest.Always(429, "", "Retry-After", "10"), faulttest.Always(200, `{"id":"1"}`))}
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
				if canceled := errors.Is(err, context.Canceled); canceled != (i%2 == 0 && i > 0) || canceled && took != 5*time.Second || !canceled && err != nil {
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
		"network":         faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }),
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
				service := &faulttest.Service{Answer: faulttest.AnswerFunc(func(n int, r *http.Request) (*http.Response, error) {
					switch n {
					case 0:
						return throttled("Retry-After", "10"), nil
					case 1:
						return probe.To(n, r)
					}
					return faulttest.Answer(200, `{"id":"1"}`), nil
				})}
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

type cancelKey struct{}

// A slow sign-in beside it: the bearer is asked for after the wait, and the pace counts from when the request leaves.
func TestR20SlowSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := intune(100, otherwise["absent"])
		s.strict = true
		source := faulttest.SourceFunc(func() (*oauth2.Token, error) {
			time.Sleep(8 * time.Second)
			return &oauth2.Token{AccessToken: faulttest.Bearer, Expiry: time.Now().Add(90 * time.Second)}, nil
		})
		client := faulttest.ClientFor(t, oauth2.ReuseTokenSource(nil, source), vpptoken.WithHTTPClient(&http.Client{Transport: s}))
		var group sync.WaitGroup
		for i := range 500 {
			group.Go(func() {
				if _, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName(strconv.Itoa(i))); err != nil {
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

// Waiting is outside of an attempt's time and of the two minutes of a call without a deadline, and Metadata tells it.
func TestR20HeldTimeIsNotTheCalls(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &faulttest.Service{Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
					time.Sleep(25 * time.Second)
					if n < 3 {
						return throttled("Retry-After", []string{"300", "60", "30"}[n]), nil
					}
					return faulttest.Answer(op.Status, op.Answer), nil
				})}
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

// Throttled attempts are free: they count neither against MaxAttempts nor against the budget. With one attempt there is none.
func TestR20ThrottledAttemptsAreFree(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]int{1: 1, 2: 12, 4: 14} {
		synctest.Test(t, func(t *testing.T) {
			service := &faulttest.Service{Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
				if n < 10 {
					return throttled("Retry-After", "1"), nil
				}
				return faulttest.Answer(500, ""), nil
			})}
			client := faulttest.Client(t, service, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: attempts}))
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			_, err := client.Get(ctx, faulttest.ID)
			if e := faulttest.Error(t, err); len(service.Requests()) != want || e.Attempts != want {
				t.Errorf("MaxAttempts %d: %d requests, %d attempts, want %d", attempts, len(service.Requests()), e.Attempts, want)
			}
		})
	}
}

// A single call that is refused for another reason than the load (a 429 that says "already running") ends, and stops nobody else.
func TestR20OneCallIsNotWanted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{Answer: faulttest.AnswerFunc(func(_ int, r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				return throttled(), nil
			}
			time.Sleep(50 * time.Millisecond)
			return faulttest.Answer(200, `{"id":"1"}`), nil
		})}
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

// Nobody waits where nobody needs to: a write alone, or a hundred of them, or any against another service.
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
		"Microsoft":       {nil, 100},
		"Bleu":            {[]vpptoken.Option{vpptoken.WithCloud(vpptoken.CloudBleu)}, 100},
		"a proxy":         {[]vpptoken.Option{vpptoken.WithBaseURL("https://proxy.example")}, -1},
		"another cloud":   {[]vpptoken.Option{vpptoken.WithCloud(custom)}, -1},
		"none":            {[]vpptoken.Option{vpptoken.WithWriteLimit(0, 0)}, -1},
		"three an hour":   {[]vpptoken.Option{vpptoken.WithBaseURL("https://proxy.example"), vpptoken.WithWriteLimit(3, time.Hour)}, 3},
		"the last counts": {[]vpptoken.Option{vpptoken.WithWriteLimit(3, time.Hour), vpptoken.WithWriteLimit(0, time.Hour)}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Always(200, `{"id":"1"}`)}, tc.options...)
				began := time.Now()
				most := tc.writes
				if most < 0 {
					most = 500
				}
				for i := range most + 1 {
					if _, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("x")); err != nil {
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
		vpptoken.WithWriteLimit(-1, time.Second), vpptoken.WithWriteLimit(math.MinInt, 0), vpptoken.WithWriteLimit(1, 0),
		vpptoken.WithWriteLimit(1, -time.Second), vpptoken.WithWriteLimit(0, -1),
	} {
		if c, err := vpptoken.NewClient(oauth2.StaticTokenSource(&oauth2.Token{}), o); err == nil || c != nil {
			t.Errorf("a client, and %v", err)
		}
	}
}
