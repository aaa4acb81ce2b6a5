package vpptoken_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

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

func TestFreshClientRequestIDs(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	var w wire
	mock.RegisterResponder("GET", itemURL, w.answer(200, bareToken))
	for range 3 {
		if _, err := c.Get(t.Context(), tokenID); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]bool{}
	for _, s := range w.sent {
		ids[s.Header.Get("Client-Request-Id")] = true
	}
	if len(ids) != 3 {
		t.Errorf("three calls sent %d different ids", len(ids))
	}
}

func TestUpdateReadsAfter204(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	var w wire
	mock.RegisterResponder("PATCH", itemURL, w.answer(204, ""))
	mock.RegisterResponder("GET", itemURL, w.answer(200, bareToken))
	got, err := c.Update(t.Context(), tokenID, vpptoken.NewPatch().SetDisplayName("Field iPads"))
	if err != nil || got == nil || got.DisplayName != "Field iPads" {
		t.Fatalf("got %v, %v", got, err)
	}
	want := []string{"PATCH " + itemURL + ` {"displayName":"Field iPads"}`, "GET " + itemURL}
	if diff := cmp.Diff(want, w.lines()); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateAcceptedButNotReadable(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	var w wire
	mock.RegisterResponder("PATCH", itemURL, w.answer(204, ""))
	mock.RegisterResponder("GET", itemURL, w.answer(403, `{"error":{"code":"Forbidden","message":"no reads"}}`))
	got, err := c.Update(t.Context(), tokenID, vpptoken.NewPatch().SetDisplayName("Field iPads"))
	e, ok := errors.AsType[*vpptoken.Error](err)
	if got != nil || !ok {
		t.Fatalf("got %v, %v, want an *Error", got, err)
	}
	if !e.Ambiguous || !strings.Contains(err.Error(), "accepted") || strings.Count(err.Error(), "403") != 1 || e.Op != "update" {
		t.Errorf("got %q, Ambiguous %v, Op %q: it must say that the update was accepted", err, e.Ambiguous, e.Op)
	}
}

func TestUpdateRefusesEmptyPatch(t *testing.T) {
	t.Parallel()
	for _, p := range []*vpptoken.Patch{nil, {}, vpptoken.NewPatch()} {
		ts := &countingSource{}
		c, mock := newClientFor(t, ts)
		got, err := c.Update(t.Context(), tokenID, p)
		if got != nil || !errors.Is(err, vpptoken.ErrEmptyPatch) {
			t.Errorf("got %v, %v, want ErrEmptyPatch", got, err)
		}
		if _, ok := errors.AsType[*vpptoken.Error](err); ok || mock.GetTotalCallCount() != 0 || ts.asked != 0 {
			t.Errorf("sent %d requests, asked for %d bearers, *Error %v", mock.GetTotalCallCount(), ts.asked, ok)
		}
	}
}

// Graph ignores this word in a PATCH, so a caller who sends it would wait for nothing.
func TestUpdateRefusesUnknownFutureValue(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t)
	_, err := c.Update(t.Context(), tokenID, vpptoken.NewPatch().SetAppDeliveryProtocolType(vpptoken.DeliveryProtocolUnknownFutureValue))
	if err == nil || !strings.Contains(err.Error(), "unknownFutureValue") {
		t.Errorf("got %v", err)
	}
}

func TestInvalidIDs(t *testing.T) {
	t.Parallel()
	ids := []string{
		"", ".", "..", "a/b", "../x", `a\b`, "a b", "a?b", "a#b", "a%2Fb", "a\r\nb", "a\x00b", "é", "a'b", "a(b)", "a;b", "a:b", "a@b",
		strings.Repeat("a", 129),
	}
	type call struct {
		name string
		run  func(c *vpptoken.Client, id string) error
	}
	calls := []call{
		{"startSync", func(c *vpptoken.Client, id string) error { _, err := c.StartSync(t.Context(), id); return err }},
		{"waitSync", func(c *vpptoken.Client, id string) error {
			_, err := c.WaitSync(t.Context(), &vpptoken.Sync{TokenID: id})
			return err
		}},
	}
	for _, op := range operations() {
		if op.item {
			calls = append(calls, call{op.name, func(c *vpptoken.Client, id string) error { _, err := op.call(t.Context(), c, id); return err }})
		}
	}
	if len(calls) != 7 {
		t.Fatalf("%d calls take an id", len(calls))
	}
	for _, call := range calls {
		for _, id := range ids {
			ts := &countingSource{}
			c, mock := newClientFor(t, ts)
			err := call.run(c, id)
			if !errors.Is(err, vpptoken.ErrInvalidID) || !strings.HasPrefix(err.Error(), "vpptoken: ") {
				t.Errorf("%s(%q): got %v, want ErrInvalidID", call.name, id, err)
			}
			if _, ok := errors.AsType[*vpptoken.Error](err); ok || mock.GetTotalCallCount() != 0 || ts.asked != 0 {
				t.Errorf("%s(%q): something left the process", call.name, id)
			}
		}
	}
}

func TestValidIDs(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"0", "...", "a.b", "-._~", "aZ09", strings.Repeat("a", 128)} {
		c, mock := newClient(t)
		var w wire
		mock.RegisterResponder("DELETE", "=~.*", w.answer(204, ""))
		if err := c.Delete(t.Context(), id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
		if diff := cmp.Diff([]string{"DELETE " + betaURL + "/" + id}, w.lines()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCreateBodies(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]vpptoken.NewToken{
		`{"@odata.type":"#microsoft.graph.vppToken","token":"t","automaticallyUpdateApps":false}`: {Token: vpptoken.NewSecret("t")},
		`{"@odata.type":"#microsoft.graph.vppToken","token":"t","automaticallyUpdateApps":true,"dataSharingConsentGranted":true,` +
			`"displayName":"d","claimTokenManagementFromExternalMdm":true,"roleScopeTagIds":["0","7"]}`: {
			Token: vpptoken.NewSecret("t"), AutomaticallyUpdateApps: true, DataSharingConsentGranted: true, DisplayName: "d",
			ClaimTokenManagementFromExternalMDM: true, RoleScopeTagIDs: []string{"0", "7"},
		},
	} {
		c, mock := newClient(t)
		var w wire
		mock.RegisterResponder("POST", betaURL, w.answer(201, bareToken))
		if _, err := c.Create(t.Context(), &n); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"POST " + betaURL + " " + want}, w.lines()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	secret := vpptoken.NewSecret("Token value")
	for name, tc := range map[string]struct {
		version vpptoken.APIVersion
		token   *vpptoken.NewToken
		want    string
	}{
		"nil":         {vpptoken.VersionBeta, nil, "oken"},
		"no token":    {vpptoken.VersionBeta, &vpptoken.NewToken{AppleID: "apps@nordwind.example"}, "oken"},
		"displayName": {vpptoken.VersionV1, &vpptoken.NewToken{Token: secret, DisplayName: "d"}, "displayName"},
		"claim":       {vpptoken.VersionV1, &vpptoken.NewToken{Token: secret, ClaimTokenManagementFromExternalMDM: true}, "claimTokenManagementFromExternalMdm"},
		"consent":     {vpptoken.VersionV1, &vpptoken.NewToken{Token: secret, DataSharingConsentGranted: true}, "dataSharingConsentGranted"},
		"scope tags":  {vpptoken.VersionV1, &vpptoken.NewToken{Token: secret, RoleScopeTagIDs: []string{"0"}}, "roleScopeTagIds"},
		"not UTF-8":   {vpptoken.VersionBeta, &vpptoken.NewToken{Token: secret, DisplayName: "a\xff"}, "displayName"},
	} {
		c, mock := newClient(t, vpptoken.WithAPIVersion(tc.version))
		got, err := c.Create(t.Context(), tc.token)
		if got != nil || err == nil || !strings.Contains(err.Error(), tc.want) || mock.GetTotalCallCount() != 0 {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
		if tc.version == vpptoken.VersionV1 && !errors.Is(err, vpptoken.ErrNotInVersion) {
			t.Errorf("%s: %v is not ErrNotInVersion", name, err)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]int{"0": 0, "42": 42, "\uFEFF17": 17, "5\r\n": 5, "3000": 3000} {
		c, mock := newClient(t)
		mock.RegisterResponder("GET", betaURL+"/$count", httpmock.NewStringResponder(200, answer))
		if got, err := c.Count(t.Context()); got != want || err != nil {
			t.Errorf("%q: got %d, %v, want %d", answer, got, err, want)
		}
	}
	for _, answer := range []string{"", "many", "-1", "1.5", `{"value":3}`, "0x10", "99999999999999999999", "1 2", "<html>"} {
		c, mock := newClient(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
		mock.RegisterResponder("GET", betaURL+"/$count", httpmock.NewStringResponder(200, answer))
		got, err := c.Count(t.Context())
		if _, ok := errors.AsType[*vpptoken.Error](err); got != 0 || !ok {
			t.Errorf("%q: got %d, %v, want an *Error", answer, got, err)
		}
	}
}

// Nothing may panic without a client, and nothing may be sent without a context.
func TestNilContextAndUnmadeClients(t *testing.T) {
	t.Parallel()
	type call struct {
		name string
		run  func(ctx context.Context, c *vpptoken.Client) error
	}
	calls := []call{
		{"startSync", func(ctx context.Context, c *vpptoken.Client) error { _, err := c.StartSync(ctx, tokenID); return err }},
		{"waitSync", func(ctx context.Context, c *vpptoken.Client) error {
			_, err := c.WaitSync(ctx, &vpptoken.Sync{TokenID: tokenID})
			return err
		}},
	}
	for _, op := range operations() {
		calls = append(calls, call{op.name, func(ctx context.Context, c *vpptoken.Client) error { _, err := op.call(ctx, c, tokenID); return err }})
	}
	for _, call := range calls {
		ts := &countingSource{}
		c, mock := newClientFor(t, ts)
		var noContext context.Context
		for name, err := range map[string]error{
			"nil ctx":     call.run(noContext, c),
			"zero Client": call.run(t.Context(), new(vpptoken.Client)),
			"nil Client":  call.run(t.Context(), nil),
		} {
			if err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") {
				t.Errorf("%s, %s: got %v", call.name, name, err)
			}
			if _, ok := errors.AsType[*vpptoken.Error](err); ok {
				t.Errorf("%s, %s: an *Error although nothing left the process", call.name, name)
			}
		}
		if mock.GetTotalCallCount() != 0 || ts.asked != 0 {
			t.Errorf("%s: something left the process", call.name)
		}
	}
}

// ctxSource is a token source with the optional method.
type ctxSource struct {
	countingSource

	seen   []context.Context
	claims []string
}

func (s *ctxSource) TokenContext(ctx context.Context, claims string) (*oauth2.Token, error) {
	s.seen, s.claims = append(s.seen, ctx), append(s.claims, claims)
	return &oauth2.Token{AccessToken: fmt.Sprintf("bearer-%d", len(s.seen))}, nil
}

// The context's values must arrive: tracing and the HTTP client of x/oauth2 travel in them.
func TestTokenContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	ts := &ctxSource{}
	c, mock := newClientFor(t, ts)
	var w wire
	const challenge = `Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ=="`
	mock.RegisterResponder("GET", itemURL, w.answer(401, `{}`, "WWW-Authenticate", challenge).Then(w.answer(200, bareToken)))
	hc := &http.Client{}
	ctx := context.WithValue(context.WithValue(t.Context(), key{}, "trace"), oauth2.HTTPClient, hc)
	if _, err := c.Get(ctx, tokenID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"", `{"access_token":{"nbf":{"essential":true}}}`}, ts.claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	for _, seen := range ts.seen {
		if seen.Value(key{}) != "trace" || seen.Value(oauth2.HTTPClient) != hc {
			t.Error("the values of the call's context did not arrive")
		}
	}
	if ts.asked != 0 {
		t.Error("Token was called although there is TokenContext")
	}
	for i, s := range w.sent {
		if want := fmt.Sprintf("Bearer bearer-%d", i+1); s.Header.Get("Authorization") != want {
			t.Errorf("request %d: not %s", i, want)
		}
	}
}
