package bench

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/vpptoken/vpptoken"
)

// Throttled is a service that accepts a limited number of requests in any period, and counts the
// refused ones too, as Intune does. It is made for a testing/synctest bubble, where a bulk update
// of minutes takes no time.
type Throttled struct {
	Limit      int
	Period     time.Duration
	RetryAfter bool // it says how long to wait

	mu      sync.Mutex
	counted []time.Time
	done    map[string]int // by id
	refused int
}

// RoundTrip takes 50 to 300 ms.
func (s *Throttled) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	half := 25*time.Millisecond + rand.N(125*time.Millisecond) //nolint:gosec // a delay
	time.Sleep(half)
	defer time.Sleep(half)
	s.mu.Lock()
	defer s.mu.Unlock()
	now, header := time.Now(), http.Header{"Content-Type": {"application/json"}}
	for len(s.counted) > 0 && now.Sub(s.counted[0]) >= s.Period {
		s.counted = s.counted[1:]
	}
	room := len(s.counted) < s.Limit
	s.counted = append(s.counted, now)
	if room {
		if s.done == nil {
			s.done = map[string]int{}
		}
		id := req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]
		s.done[id]++
		return answerOf(req, http.StatusOK, header, `{"id":"`+id+`"}`), nil
	}
	s.refused++
	if s.RetryAfter {
		opens := s.counted[len(s.counted)-1-s.Limit].Add(s.Period)
		header.Set("Retry-After", strconv.Itoa(int((opens.Sub(now)+time.Second-1)/time.Second)))
	}
	return answerOf(req, http.StatusTooManyRequests, header,
		`{"error":{"code":"TooManyRequests","message":"Wait."}}`), nil
}

func answerOf(req *http.Request, status int, header http.Header, body string) *http.Response {
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}

// NewPaced is the [Maker] of this project's client as used with Microsoft's clouds: with the
// documented limit.
func NewPaced(_ string, carrier http.RoundTripper) (Client, error) {
	return newOurs(Expiring, vpptoken.WithHTTPClient(&http.Client{Transport: carrier}))
}

// NewLimited is the [Maker] of the program written by hand, behind a limiter of
// golang.org/x/time/rate. It keeps a tenth below the documented limit of 100 in 20 seconds: at the
// limit itself, requests that overtake each other are refused.
func NewLimited(root string, carrier http.RoundTripper) (Client, error) {
	c, err := NewFloor(root, carrier)
	if err != nil {
		return nil, err
	}
	return limited{c, rate.NewLimiter(rate.Every(20*time.Second/90), 1)}, nil
}

type limited struct {
	Client

	limiter *rate.Limiter
}

func (l limited) Update(ctx context.Context, id string, c Change) (string, error) {
	if err := l.limiter.Wait(ctx); err != nil {
		return "", err
	}
	return l.Client.Update(ctx, id, c)
}

// Bulk is the result of many updates.
type Bulk struct {
	Lost, Twice, Refused int
	Ideal                float64 // the time, in proportion to the shortest that the limit allows
}

// Updates makes n updates of different tokens, by so many goroutines.
func (s *Throttled) Updates(ctx context.Context, c Client, n, goroutines int) (b Bulk) {
	began, change := time.Now(), Renewal()
	var next, lost atomic.Int32
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for i := next.Add(1); int(i) <= n; i = next.Add(1) {
				if _, err := c.Update(ctx, "id-"+strconv.Itoa(int(i)), change); err != nil {
					lost.Add(1)
				}
			}
		})
	}
	group.Wait()
	for _, times := range s.done {
		if times > 1 {
			b.Twice++
		}
	}
	b.Lost, b.Refused = int(lost.Load()), s.refused
	b.Ideal = float64(time.Since(began)) / float64(time.Duration((n-1)/s.Limit)*s.Period)
	return b
}
