package vpptoken_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// flaky is a service on loopback that carries requests out and then fails to say so, in turn.
type flaky struct {
	mu      sync.Mutex
	n       int
	created map[string]int // by name, how often
	conns   atomic.Int32
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.n++
	n := f.n
	throttled := n%11 == 0
	if r.Method == http.MethodPost && !throttled && n%13 != 0 {
		f.created[string(body)]++
	}
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case throttled:
		w.Header().Set("Retry-After", "0.02")
		w.WriteHeader(http.StatusTooManyRequests)
	case n%13 == 0:
		w.Header().Set("Retry-After", "0.01")
		w.WriteHeader(http.StatusServiceUnavailable)
	case n%17 == 0:
		w.WriteHeader(http.StatusBadGateway)
	case n%19 == 0:
		hijacked, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = hijacked.(*net.TCPConn).SetLinger(0)
			_ = hijacked.Close()
		}
	case n%23 == 0:
		w.Header().Set("Content-Length", "500")
		_, _ = io.WriteString(w, `{"id":"1`)
	case strings.HasSuffix(r.URL.Path, "/vppTokens") && r.Method == http.MethodGet:
		_, _ = io.WriteString(w, `{"value":[{"id":"1"}]}`)
	default:
		_, _ = io.WriteString(w, `{"id":"1"}`)
	}
}

// A hundred goroutines share a client under mixed faults: nothing races, nothing acts twice, and nothing is left behind.
func TestR14HundredGoroutines(t *testing.T) { //nolint:paralleltest // it counts goroutines
	before := goleak.IgnoreCurrent()
	service := &flaky{created: map[string]int{}}
	server := httptest.NewUnstartedServer(service)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			service.conns.Add(1)
		}
	}
	server.Start()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	jar := http.CookieJar(nil)
	theirs := &http.Client{Transport: transport, Jar: jar, Timeout: 10 * time.Second}
	client := faultClientFor(t, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: canaryBearer}), vpptoken.WithBaseURL(server.URL),
		vpptoken.WithHTTPClient(theirs), vpptoken.WithRetry(vpptoken.Retry{MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond}))

	var calls sync.WaitGroup
	var good, bad atomic.Int32
	for i := range 100 {
		calls.Go(func() {
			for j := range 10 {
				var err error
				switch j % 4 {
				case 0:
					name := fmt.Sprintf("%d-%d", i, j)
					_, err = client.Create(t.Context(), &vpptoken.NewToken{Token: vpptoken.NewSecret(canaryApple), DisplayName: name})
				case 1:
					err = last(client.List(t.Context()))
				case 2:
					_, err = client.Update(t.Context(), faultID, vpptoken.NewPatch().SetDisplayName(strconv.Itoa(i)))
				default:
					_, err = client.Get(t.Context(), faultID)
				}
				if err == nil {
					good.Add(1)
					continue
				}
				bad.Add(1)
				if _, ok := errors.AsType[*vpptoken.Error](err); !ok {
					t.Errorf("error %v (%T)", err, err)
				}
			}
		})
	}
	calls.Wait()
	for body, n := range service.created {
		if n != 1 {
			t.Errorf("created %d times: %.80s", n, body)
		}
	}
	if good.Load() < 700 {
		t.Errorf("only %d calls of 1000 succeeded", good.Load())
	}
	// Each broken answer ends its connection. All others are used again.
	if conns, most := int(service.conns.Load()), 100+service.n/6; conns > most {
		t.Errorf("%d connections for %d requests of 100 goroutines, want at most %d", conns, service.n, most)
	}
	if theirs.Transport != http.RoundTripper(transport) || theirs.CheckRedirect != nil || theirs.Jar != nil || theirs.Timeout != 10*time.Second {
		t.Errorf("the caller's client was changed: %+v", theirs)
	}
	transport.CloseIdleConnections()
	server.Close()
	goleak.VerifyNone(t, before)
}

// The client does not close connections of a transport that it shares with others.
func TestR14SharedConnectionsStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Int32
		for _, answer := range []faultAnswers{always(503, ""), once(always(503, ""), silent())} {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, err := faultClient(t, &closable{faultService{answer: answer}, &closed}).Get(ctx, faultID)
			cancel()
			wantFault(t, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel) // in the wait, where retryablehttp closes connections
		_, err := faultClient(t, &closable{faultService{answer: always(503, "", "Retry-After", "9")}, &closed}).Get(ctx, faultID)
		if wantFault(t, err); closed.Load() != 0 {
			t.Errorf("the idle connections were closed %d times", closed.Load())
		}
	})
}

type closable struct {
	faultService

	closed *atomic.Int32
}

func (c *closable) CloseIdleConnections() { c.closed.Add(1) }

// With the service down for good, the budget of the client stops the storm of repeats.
func TestR14ServiceDown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]faultAnswers{
		"503":   always(503, ""),
		"500":   always(500, ""),
		"reset": answerFunc(func(int, *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }),
		"dial":  answerFunc(func(int, *http.Request) (*http.Response, error) { return nil, &net.OpError{Op: "dial", Err: io.EOF} }),
	} {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/together=%v", name, together), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					service := &faultService{answer: answer}
					client := faultClient(t, service)
					var calls sync.WaitGroup
					for range 30 {
						calls.Go(func() {
							_, err := client.Get(t.Context(), faultID)
							wantFault(t, err)
						})
						if !together {
							calls.Wait()
						}
					}
					calls.Wait()
					if n := len(service.requests()); n > 50 || n < 30 {
						t.Errorf("thirty calls made %d requests", n)
					}
				})
			})
		}
	}
}

// Successes fill the budget again, one for each: five of them pay for a repeat, two for one after a throttle.
func TestR14BudgetIsPaidBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := 503
		service := &faultService{answer: answerFunc(func(int, *http.Request) (*http.Response, error) { return faultAnswer(status, `{"id":"1"}`), nil })}
		client := faultClient(t, service)
		call := func(answer, times int) (requests int) {
			status = answer
			before := len(service.requests())
			for range times {
				_, _ = client.Get(t.Context(), faultID)
			}
			return len(service.requests()) - before
		}
		call(503, 30)
		for _, step := range []struct{ status, calls, want int }{
			{503, 1, 1}, {200, 4, 4}, {503, 1, 1}, {200, 1, 1}, {503, 1, 2}, {503, 1, 1}, {200, 1, 1}, {429, 1, 1}, {200, 1, 1}, {429, 1, 2}, {200, 1000, 1000}, {503, 30, 50},
		} {
			if got := call(step.status, step.calls); got != step.want {
				t.Errorf("%+v: %d requests", step, got)
			}
		}
	})
}

// A 429 holds back all calls of the client, and they go on one after the other, not all at once.
func TestR14SharedCoolDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faultService{answer: once(always(429, "", "Retry-After", "10"), always(200, `{"id":"1"}`))}
		client := faultClient(t, service)
		var calls sync.WaitGroup
		calls.Go(func() {
			if _, err := client.Get(t.Context(), faultID); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		for i := range 99 {
			calls.Go(func() {
				time.Sleep(time.Duration(i) * 50 * time.Millisecond)
				if err := faultOps()[i%10].run(t.Context(), client); err != nil && i%10 != 0 && i%10 != 5 && i%10 != 9 {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		sent := service.requests()
		times := map[time.Time]bool{}
		for _, s := range sent[1:] {
			wait := s.at.Sub(sent[0].at)
			if wait < 10*time.Second || wait > 11*time.Second {
				t.Errorf("a request after %v, want 10 s to 11 s", wait)
			}
			times[s.at] = true
		}
		if len(sent) != 101 || len(times) < 90 {
			t.Errorf("%d requests at %d different times", len(sent), len(times))
		}
	})
}

// A call that a cool-down would hold past its deadline ends at once, without a request, and says both why.
func TestR14HeldPastTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faultService{answer: always(429, "", "Retry-After", "10")}
		client := faultClient(t, service, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
		_, err := client.Get(t.Context(), faultID)
		wantFault(t, err)
		time.Sleep(4 * time.Second)
		for _, op := range faultOps() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			var meta vpptoken.Metadata
			began := time.Now()
			err := op.run(ctx, client, vpptoken.WithMetadata(&meta))
			cancel()
			e := faultError(t, err)
			if time.Since(began) != 0 || !errors.Is(err, vpptoken.ErrThrottled) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: took %v: %v", op.name, time.Since(began), err)
			}
			if wait, ok := vpptoken.RetryAfter(err); !ok || wait != 6*time.Second || !vpptoken.Retryable(err) || e.Ambiguous || e.Attempts != 0 || meta.Attempts != 0 || e.StatusCode != 0 {
				t.Errorf("%s: RetryAfter %v, error %+v", op.name, wait, *e)
			}
		}
		if len(service.requests()) != 1 {
			t.Errorf("%d requests", len(service.requests()))
		}
	})
}

// A cool-down holds nobody past the end of a call without a deadline, and nobody who gives up.
func TestR14CoolDownAndTheEndOfACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 50 { // how much longer than asked a call waits is chance
			client := faultClient(t, &faultService{answer: always(429, "", "Retry-After", "119")},
				vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1, MaxRetryAfter: 3 * time.Minute}))
			_, err := client.Get(t.Context(), faultID)
			wantFault(t, err)

			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			began := time.Now()
			_, err = client.Get(ctx, faultID)
			if took := time.Since(began); took != time.Millisecond || !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: took %v: %v", took, err)
			}
			began = time.Now()
			_, err = client.Get(t.Context(), faultID)
			if took := time.Since(began); took > 2*time.Minute+50*time.Millisecond || err == nil {
				t.Errorf("took %v: %v", took, err)
			}
		}
	})
}

// A 503 and a 429 without a time hold back nobody else.
func TestR14NoCoolDown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]faultAnswers{
		"503": always(503, "", "Retry-After", "30"), "429 without a time": always(429, ""), "429 for an hour": always(429, "", "Retry-After", "3600"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := faultClient(t, &faultService{answer: once(answer, always(200, `{"id":"1"}`))}, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
				_, err := client.Get(t.Context(), faultID)
				wantFault(t, err)
				began := time.Now()
				if _, err := client.Get(t.Context(), faultID); err != nil || time.Since(began) != 0 {
					t.Errorf("took %v: %v", time.Since(began), err)
				}
			})
		})
	}
}
