package renew_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	org    = "Nordwind School District"
	canary = "canary-of-the-inner-token-0123456789"
)

// The clock of all tests but one stands still here.
var (
	today   = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	expires = time.Date(2027, 11, 20, 18, 13, 52, 0, time.UTC) // of the file
)

func clock() time.Time { return today }

// file is a content token as Apple makes it.
func file(t *testing.T, organization string, expires time.Time) *contenttoken.ContentToken {
	t.Helper()
	text := fmt.Sprintf(`{"token":%q,"expDate":%q,"orgName":%q}`,
		canary, expires.Format("2006-01-02T15:04:05-0700"), organization)
	ct, err := contenttoken.Parse([]byte(base64.StdEncoding.EncodeToString([]byte(text))))
	if err != nil {
		t.Fatal(err)
	}
	ct.Location = "Nordwind"
	return ct
}

// service is a tenant with one token that expires tomorrow. A sync is over at once.
type service struct {
	*vpptokentest.Server
	client *vpptoken.Client
	id     string
	answer *recorder
}

func newService(t *testing.T, opts ...vpptokentest.Option) *service {
	t.Helper()
	srv := vpptokentest.NewServer(append([]vpptokentest.Option{
		vpptokentest.WithNow(clock), vpptokentest.WithSyncDuration(0),
	}, opts...)...)
	answers := &recorder{next: &http.Transport{}}
	t.Cleanup(func() {
		if n := srv.UnusedFaults(); n != 0 {
			t.Errorf("%d faults were not met", n)
		}
		answers.next.CloseIdleConnections()
		srv.Close()
	})
	return &service{
		Server: srv, answer: answers,
		client: srv.Client(vpptoken.WithHTTPClient(&http.Client{Transport: answers})),
		id: srv.Add(vpptoken.VPPToken{
			DisplayName: "Field iPads", OrganizationName: org, LocationName: "Nordwind",
			ExpirationDateTime: today.AddDate(0, 0, 1), LastSyncDateTime: today.Add(-time.Hour),
		}),
	}
}

// sent is what the service was asked, a line each, without what stands before the id.
func (s *service) sent() []string {
	requests := s.Requests()
	lines := make([]string, len(requests))
	for i, r := range requests {
		lines[i] = r.Method + " " + strings.TrimPrefix(r.Path, "/beta/deviceAppManagement/vppTokens")
		lines[i] = strings.Replace(lines[i], s.id, "id", 1)
	}
	return lines
}

// patches are the bodies of all PATCHes.
func (s *service) patches() []string {
	var bodies []string
	for _, r := range s.Requests() {
		if r.Method == http.MethodPatch {
			bodies = append(bodies, r.Body)
		}
	}
	return bodies
}

// recorder keeps the id that the service gave each request.
type recorder struct {
	next   *http.Transport
	before func(*http.Request) // is called before each request; nil is fine
	mu     sync.Mutex
	ids    []string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.before != nil {
		r.before(req)
	}
	resp, err := r.next.RoundTrip(req)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ids = append(r.ids, resp.Header.Get("request-id"))
	}
	return resp, err
}

// pick returns the ids of the answers with these numbers.
func (r *recorder) pick(numbers ...int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, n := range numbers {
		ids = append(ids, r.ids[n])
	}
	return ids
}

func options() renew.Options { return renew.Options{Now: clock} }

// plan makes a plan that must succeed.
func (s *service) plan(t *testing.T, ct *contenttoken.ContentToken) *renew.Plan {
	t.Helper()
	p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, options())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// started is a plan whose sync has been started.
func (s *service) started(t *testing.T) *renew.Plan {
	t.Helper()
	ct := file(t, org, expires)
	p := s.plan(t, ct)
	ok(t, p.Apply(t.Context(), s.client, ct))
	ok(t, p.StartSync(t.Context(), s.client))
	return p
}

// another sends v to another process.
func another[T any](t *testing.T, v *T) *T {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	checkHidden(t, string(text))
	fresh := new(T)
	if err := json.Unmarshal(text, fresh); err != nil {
		t.Fatal(err)
	}
	return fresh
}

// checkHidden fails when text holds the file, what is inside it, or a longer part of it.
func checkHidden(t *testing.T, text string) {
	t.Helper()
	encoded := base64.StdEncoding.EncodeToString([]byte(`{"token":"` + canary))
	for _, secret := range []string{canary[:12], canary[12:24], encoded[:16], encoded[20:36]} {
		if strings.Contains(text, secret) {
			t.Errorf("the secret shows: %s", text)
		}
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
