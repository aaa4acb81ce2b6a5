package faulttest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// MockService is a Service whose answers are registered with httpmock, by method and address.
type MockService struct {
	*httpmock.MockTransport

	service *Service
}

// Mock returns a client and the service of its own. A request that the test did not register fails
// the test.
func Mock(tb testing.TB, opts ...vpptoken.Option) (*vpptoken.Client, *MockService) {
	tb.Helper()
	return MockFor(tb, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: Bearer}), opts...)
}

// MockFor is Mock with a client that asks ts for its access tokens.
func MockFor(tb testing.TB, ts oauth2.TokenSource, opts ...vpptoken.Option) (*vpptoken.Client, *MockService) {
	tb.Helper()
	m := &MockService{MockTransport: httpmock.NewMockTransport(), service: &Service{}}
	m.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		tb.Errorf("a request that nobody expected: %s %s", r.Method, r.URL)
		return httpmock.NewStringResponse(http.StatusTeapot, ""), nil
	})
	m.service.Answer = AnswerFunc(func(_ int, r *http.Request) (*http.Response, error) { return m.RoundTrip(r) })
	hc := &http.Client{Transport: m.service}
	return ClientFor(tb, ts, slices.Concat([]vpptoken.Option{vpptoken.WithHTTPClient(hc)}, opts)...), m
}

// Requests returns what was sent so far, in order.
func (m *MockService) Requests() []Sent { return m.service.Requests() }

// Forget makes Requests and Lines start over.
func (m *MockService) Forget() {
	m.service.mu.Lock()
	defer m.service.mu.Unlock()
	m.service.sent = nil
}

// Lines returns the requests as "METHOD URL BODY".
func (m *MockService) Lines() (lines []string) {
	for _, s := range m.Requests() {
		lines = append(lines, strings.TrimSpace(s.Method+" "+s.URL+" "+s.Body))
	}
	return lines
}

// Respond answers as Answer does; for an object it sets the JSON Content-Type.
func Respond(status int, body string, headers ...string) httpmock.Responder {
	return func(*http.Request) (*http.Response, error) {
		resp := Answer(status, body, headers...)
		if resp.Header.Get("Content-Type") == "" && strings.HasPrefix(body, "{") {
			resp.Header.Set("Content-Type", "application/json")
		}
		return resp, nil
	}
}

// Page is the body of one page of a list.
func Page(nextLink string, ids ...string) string {
	var items []string
	for _, id := range ids {
		items = append(items, `{"id":"`+id+`"}`)
	}
	link := ""
	if nextLink != "" {
		link = `"@odata.nextLink":` + strconv.Quote(nextLink) + `,`
	}
	return `{"@odata.context":"https://graph.microsoft.com/beta/$metadata#deviceAppManagement/vppTokens",` + link +
		`"value":[` + strings.Join(items, ",") + `]}`
}
