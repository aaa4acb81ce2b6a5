package vpptoken_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jarcoal/httpmock"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// What follows goes when the last file has turned to internal/faulttest.
const (
	tokenID = "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c"
	bearer  = "bearer-canary"

	betaURL = "https://graph.microsoft.com/beta/deviceAppManagement/vppTokens"
	v1URL   = "https://graph.microsoft.com/v1.0/deviceAppManagement/vppTokens"
	itemURL = betaURL + "/" + tokenID

	bareToken    = `{"id":"` + tokenID + `","displayName":"Field iPads"}`
	wrappedToken = `{"value":` + bareToken + `}`
)

// newClient returns a client and the transport of its own. A request that the test did not register fails the test.
func newClient(t *testing.T, opts ...vpptoken.Option) (*vpptoken.Client, *httpmock.MockTransport) {
	t.Helper()
	return newClientFor(t, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: bearer}), opts...)
}

func newClientFor(t *testing.T, ts oauth2.TokenSource, opts ...vpptoken.Option) (*vpptoken.Client, *httpmock.MockTransport) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		t.Errorf("a request that nobody expected: %s %s", r.Method, r.URL)
		return httpmock.NewStringResponse(http.StatusTeapot, ""), nil
	})
	c, err := vpptoken.NewClient(ts, slices.Concat([]vpptoken.Option{vpptoken.WithHTTPClient(&http.Client{Transport: mock})}, opts)...)
	if err != nil {
		t.Fatal(err)
	}
	return c, mock
}

// sent is a request as the transport got it.
type sent struct {
	Method, URL, Body string
	Header            http.Header
}

// wire keeps what was sent to its answers, in order.
type wire struct {
	mu   sync.Mutex
	sent []sent
}

// answer is a responder that keeps the request. headers are pairs.
func (w *wire) answer(status int, body string, headers ...string) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		s := sent{Method: r.Method, URL: r.URL.String(), Header: r.Header.Clone()}
		if r.Body != nil {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			s.Body = string(b)
		}
		w.mu.Lock()
		w.sent = append(w.sent, s)
		w.mu.Unlock()
		resp := httpmock.NewStringResponse(status, body)
		if strings.HasPrefix(body, "{") {
			resp.Header.Set("Content-Type", "application/json")
		}
		for pair := range slices.Chunk(headers, 2) {
			resp.Header.Set(pair[0], pair[1])
		}
		return resp, nil
	}
}

// lines are the requests as "METHOD URL BODY".
func (w *wire) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, s := range w.sent {
		out = append(out, strings.TrimSpace(s.Method+" "+s.URL+" "+s.Body))
	}
	return out
}

// countingSource counts how often it is asked.
type countingSource struct{ asked int }

func (s *countingSource) Token() (*oauth2.Token, error) {
	s.asked++
	return &oauth2.Token{AccessToken: bearer}, nil
}

func fixture(tb testing.TB, name string) string {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
}
