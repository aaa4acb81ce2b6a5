package vpptokentest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vpptoken/vpptoken/vpptokentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const collection = "/deviceAppManagement/vppTokens"

// service is a server with a plain HTTP client, which knows no more than the contract.
type service struct {
	*vpptokentest.Server
	t  *testing.T
	hc *http.Client
}

func newService(t *testing.T, opts ...vpptokentest.Option) *service {
	t.Helper()
	srv := vpptokentest.NewServer(opts...)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.Close()
	})
	return &service{Server: srv, t: t, hc: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is an answer that has been read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends one request with the server's own bearer. Headers are "Name: value"; "Name:" takes a
// header away.
func (s *service) send(method, path, body string, headers ...string) reply {
	s.t.Helper()
	r, err := s.try(method, path, body, headers...)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (s *service) try(method, path, body string, headers ...string) (reply, error) {
	s.t.Helper()
	if !strings.HasPrefix(path, "http://") {
		path = s.URL() + path
	}
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, path, reader)
	if err != nil {
		return reply{}, err
	}
	token, err := s.TokenSource().Token()
	if err != nil {
		return reply{}, err
	}
	token.SetAuthHeader(req)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		if value = strings.TrimSpace(value); value == "" {
			req.Header.Del(name)
		} else {
			req.Header.Set(name, value)
		}
	}
	resp, err := s.hc.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(text)}, err
}

// want fails the test unless the status is that, and returns the body as an object.
func (s *service) want(r reply, status int) map[string]any {
	s.t.Helper()
	if r.status != status {
		s.t.Fatalf("status = %d, want %d: %s", r.status, status, r.body)
	}
	var m map[string]any
	if r.body != "" {
		if err := json.Unmarshal([]byte(r.body), &m); err != nil {
			s.t.Fatalf("body is no JSON object: %v: %s", err, r.body)
		}
	}
	return m
}

func (s *service) get(id string) map[string]any {
	s.t.Helper()
	return s.want(s.send(http.MethodGet, "/beta"+collection+"/"+id, ""), http.StatusOK)
}

func (s *service) patch(id, body string) map[string]any {
	s.t.Helper()
	return s.want(s.send(http.MethodPatch, "/beta"+collection+"/"+id, body), http.StatusOK)
}

func (s *service) sync(id string) map[string]any {
	s.t.Helper()
	return s.want(s.send(http.MethodPost, "/beta"+collection+"/"+id+"/syncLicenses", ""), http.StatusOK)
}

// equal compares properties of m with want.
func equal(t *testing.T, m, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if m[name] != value {
			t.Errorf("%s = %v, want %v", name, m[name], value)
		}
	}
}

// clock is a time that only moves when it is told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock(t *testing.T) *clock {
	t.Helper()
	now, err := time.Parse(time.RFC3339, "2026-11-20T12:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	return &clock{now: now}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
