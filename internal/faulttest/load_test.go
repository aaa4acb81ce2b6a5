package faulttest_test

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
	"github.com/vpptoken/vpptoken/internal/faulttest"
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
	throttled := n%41 == 0
	if r.Method == http.MethodPost && !throttled && n%13 != 0 {
		f.created[string(body)]++
	}
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case throttled:
		w.Header().Set("Retry-After", "0.1")
		w.WriteHeader(http.StatusTooManyRequests)
	case n%13 == 0:
		w.Header().Set("Retry-After", "0.1")
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

// A hundred goroutines share a client under mixed faults: nothing races, nothing acts twice, and
// nothing is left behind.
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
	client := faulttest.ClientFor(t, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: faulttest.Bearer}),
		vpptoken.WithBaseURL(server.URL),
		vpptoken.WithHTTPClient(theirs), vpptoken.WithRetry(vpptoken.Retry{
			MinWait: time.Millisecond,
			MaxWait: 5 * time.Millisecond,
		}))

	var calls sync.WaitGroup
	var good, bad atomic.Int32
	for i := range 100 {
		calls.Go(func() {
			for j := range 10 {
				var err error
				switch j % 4 {
				case 0:
					name := fmt.Sprintf("%d-%d", i, j)
					_, err = client.Create(t.Context(), vpptoken.NewSecret(faulttest.AppleToken),
						vpptoken.NewPatch().SetDisplayName(name))
				case 1:
					err = faulttest.Last(client.List(t.Context()))
				case 2:
					_, err = client.Update(t.Context(), faulttest.ID,
						vpptoken.NewPatch().SetDisplayName(strconv.Itoa(i)))
				default:
					_, err = client.Get(t.Context(), faulttest.ID)
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
	if theirs.Transport != http.RoundTripper(transport) || theirs.CheckRedirect != nil || theirs.Jar != nil ||
		theirs.Timeout != 10*time.Second {
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
		for _, answer := range []faulttest.Answers{
			faulttest.Always(503, ""),
			faulttest.Once(faulttest.Always(503, ""), silent()),
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, err := faulttest.Client(t, &closable{faulttest.Service{Answer: answer}, &closed}).Get(ctx, faulttest.ID)
			cancel()
			faulttest.WantError(t, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel) // in the wait, where retryablehttp closes connections
		_, err := faulttest.Client(t, &closable{
			faulttest.Service{Answer: faulttest.Always(503, "", "Retry-After", "9")},
			&closed,
		}).Get(ctx, faulttest.ID)
		if faulttest.WantError(t, err); closed.Load() != 0 {
			t.Errorf("the idle connections were closed %d times", closed.Load())
		}
	})
}

type closable struct {
	faulttest.Service

	closed *atomic.Int32
}

func (c *closable) CloseIdleConnections() { c.closed.Add(1) }

// With the service down for good, the budget of the client stops the storm of repeats.
func TestR14ServiceDown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]faulttest.Answers{
		"503": faulttest.Always(503, ""),
		"500": faulttest.Always(500, ""),
		"reset": faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
			return nil, io.ErrUnexpectedEOF
		}),
		"dial": faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
			return nil,
				&net.OpError{Op: "dial", Err: io.EOF}
		}),
	} {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/together=%v", name, together), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					service := &faulttest.Service{Answer: answer}
					client := faulttest.Client(t, service)
					var calls sync.WaitGroup
					for range 30 {
						calls.Go(func() {
							_, err := client.Get(t.Context(), faulttest.ID)
							faulttest.WantError(t, err)
						})
						if !together {
							calls.Wait()
						}
					}
					calls.Wait()
					if n := len(service.Requests()); n > 50 || n < 30 {
						t.Errorf("thirty calls made %d requests", n)
					}
				})
			})
		}
	}
}

// Successes fill the budget again, one for each: five of them pay for a repeat. What is throttled
// costs nothing.
func TestR14BudgetIsPaidBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := 503
		service := &faulttest.Service{Answer: faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
			return faulttest.Answer(status, `{"id":"1"}`), nil
		})}
		client := faulttest.Client(t, service)
		call := func(answer, times int) (requests int) {
			status = answer
			before := len(service.Requests())
			for range times {
				_, _ = client.Get(t.Context(), faulttest.ID)
			}
			return len(service.Requests()) - before
		}
		call(503, 30)
		for _, step := range []struct{ status, calls, want int }{
			{503, 1, 1},
			{200, 4, 4},
			{503, 1, 1},
			{200, 1, 1},
			{503, 1, 2},
			{503, 1, 1},
			{200, 1, 1},
			{200, 1000, 1000},
			{503, 30, 50},
		} {
			if got := call(step.status, step.calls); got != step.want {
				t.Errorf("%+v: %d requests", step, got)
			}
		}
	})
}

// A 429 holds back all calls of the client, and they go on one after the other, not all at once.
func TestR14SharedHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{Answer: faulttest.Once(faulttest.Always(429, "", "Retry-After", "10"),
			faulttest.Always(200, `{"id":"1"}`))}
		client := faulttest.Client(t, service)
		var calls sync.WaitGroup
		calls.Go(func() {
			if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		for i := range 99 {
			calls.Go(func() {
				time.Sleep(time.Duration(i) * 50 * time.Millisecond)
				err := faulttest.Operations()[i%10].Run(t.Context(), client)
				if err != nil && i%10 != 0 && i%10 != 5 && i%10 != 9 {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		sent := service.Requests()
		times := map[time.Time]bool{}
		for _, s := range sent[1:] {
			wait := s.At.Sub(sent[0].At)
			if wait < 10*time.Second || wait > 11*time.Second {
				t.Errorf("a request after %v, want 10 s to 11 s", wait)
			}
			times[s.At] = true
		}
		if len(sent) != 101 || len(times) < 90 {
			t.Errorf("%d requests at %d different times", len(sent), len(times))
		}
	})
}

// A call that a hold would hold past its deadline ends at once, without a request, and says
// both why.
func TestR14HeldPastTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{Answer: faulttest.Always(429, "", "Retry-After", "10")}
		client := faulttest.Client(t, service, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
		_, err := client.Get(t.Context(), faulttest.ID)
		faulttest.WantError(t, err)
		time.Sleep(4 * time.Second)
		for _, op := range faulttest.Operations() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			var meta vpptoken.Metadata
			began := time.Now()
			err := op.Run(ctx, client, vpptoken.WithMetadata(&meta))
			cancel()
			e := faulttest.Error(t, err)
			if time.Since(began) != 0 || !errors.Is(err, vpptoken.ErrThrottled) ||
				!errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: took %v: %v", op.Name, time.Since(began), err)
			}
			if wait, ok := vpptoken.RetryAfter(err); !ok || wait != 6*time.Second || !vpptoken.Retryable(err) ||
				e.Ambiguous ||
				e.Attempts != 0 || meta.Attempts != 0 || e.StatusCode != 0 {
				t.Errorf("%s: RetryAfter %v, error %+v", op.Name, wait, *e)
			}
		}
		if len(service.Requests()) != 1 {
			t.Errorf("%d requests", len(service.Requests()))
		}
	})
}

// A hold is not part of the two minutes of a call without a deadline, and holds nobody who
// gives up.
func TestR14HoldAndTheEndOfACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 50 { // how much longer than asked a call waits is chance
			client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Always(429, "", "Retry-After", "119")},
				vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1, MaxRetryAfter: 3 * time.Minute}))
			_, err := client.Get(t.Context(), faulttest.ID)
			faulttest.WantError(t, err)

			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			began := time.Now()
			_, err = client.Get(ctx, faulttest.ID)
			if took := time.Since(began); took != time.Millisecond || !errors.Is(err, context.Canceled) {
				t.Errorf("canceled: took %v: %v", took, err)
			}
			began = time.Now()
			_, err = client.Get(t.Context(), faulttest.ID)
			if took := time.Since(began); took > 119*time.Second*21/20+50*time.Millisecond || err == nil {
				t.Errorf("took %v: %v", took, err)
			}
		}
	})
}

// A 503 holds back nobody else, and neither does a 429 that asks for more than a call obeys.
func TestR14NoHold(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]faulttest.Answers{
		"503":             faulttest.Always(503, "", "Retry-After", "30"),
		"429 for an hour": faulttest.Always(429, "", "Retry-After", "3600"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Once(answer,
					faulttest.Always(200, `{"id":"1"}`))}, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
				_, err := client.Get(t.Context(), faulttest.ID)
				faulttest.WantError(t, err)
				began := time.Now()
				if _, err := client.Get(t.Context(), faulttest.ID); err != nil || time.Since(began) != 0 {
					t.Errorf("took %v: %v", time.Since(began), err)
				}
			})
		})
	}
}

// Who is not repeated for want of a budget learns it; who ran out of attempts does not.
func TestR14SpentBudgetIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Always(503, "")})
		_, err := client.Get(t.Context(), faulttest.ID)
		if text := faulttest.Error(t, err).Error(); strings.Contains(text, "budget") {
			t.Errorf("the first call of a client: %s", text)
		}
		for range 20 {
			_, err = client.Get(t.Context(), faulttest.ID)
		}
		if text := faulttest.Error(t, err).Error(); !strings.Contains(text, "budget of retries is spent") {
			t.Errorf("the budget is spent: %s", text)
		}
	})
}
