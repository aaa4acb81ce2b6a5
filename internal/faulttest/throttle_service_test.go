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
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// limited is a service that takes so many requests in a period and refuses the others, as Intune
// does.
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
		limit: limit, per: 20 * time.Second, refuse: refuse, there: 150 * time.Millisecond,
		back: 150 * time.Millisecond,
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
	body, _ := json.Marshal(map[string]any{
		"error": map[string]string{"code": "InternalServerError", "message": message},
	})
	return faulttest.Answer(status, string(body))
}

// The forms in which a service asks to wait for as long as it means, and those in which it does
// not.
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
			return intuneSays(429,
				fmt.Sprintf(`{"Message":"Too many requests","RetryAfter":"%d"}`, int(math.Ceil(wait.Seconds()))))
		},
		"in the body of a 500": func(_ time.Time, wait time.Duration) *http.Response {
			return intuneSays(500,
				fmt.Sprintf(`{"Message":"`+rateLimit+`","RetryAfter":%d}`, int(math.Ceil(wait.Seconds()))))
		},
		"date of a skewed clock": func(now time.Time, wait time.Duration) *http.Response {
			theirs := now.Add(-7 * time.Hour).UTC()
			return throttled("Date", theirs.Format(http.TimeFormat), "Retry-After",
				theirs.Add(wait+time.Second).Format(http.TimeFormat))
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
