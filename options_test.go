package vpptoken_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

func TestNewClientRefusals(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]vpptoken.Option{
		"nil option":             nil,
		"zero cloud":             vpptoken.WithCloud(vpptoken.Cloud{}),
		"no version":             vpptoken.WithAPIVersion(""),
		"unknown version":        vpptoken.WithAPIVersion("v2.0"),
		"version with a slash":   vpptoken.WithAPIVersion("beta/users"),
		"nil http.Client":        vpptoken.WithHTTPClient(nil),
		"nil logger":             vpptoken.WithLogger(nil),
		"no product":             vpptoken.WithUserAgent(""),
		"product with CR LF":     vpptoken.WithUserAgent("a\r\nAuthorization: x"),
		"product that is no key": vpptoken.WithUserAgent("a\x00"),
		"negative attempts":      vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: -1}),
		"negative MinWait":       vpptoken.WithRetry(vpptoken.Retry{MinWait: -1}),
		"negative MaxWait":       vpptoken.WithRetry(vpptoken.Retry{MaxWait: -1}),
		"negative MaxRetryAfter": vpptoken.WithRetry(vpptoken.Retry{MaxRetryAfter: -1}),
		"negative AttemptTime":   vpptoken.WithRetry(vpptoken.Retry{AttemptTimeout: math.MinInt64}),
		"MinWait above MaxWait":  vpptoken.WithRetry(vpptoken.Retry{MinWait: 2 * time.Second, MaxWait: time.Second}),
		"no URL":                 vpptoken.WithBaseURL(""),
		"no scheme":              vpptoken.WithBaseURL("graph.microsoft.com"),
		"no host":                vpptoken.WithBaseURL("https://"),
		"port alone":             vpptoken.WithBaseURL("https://:443"),
		"path alone":             vpptoken.WithBaseURL("/beta"),
		"opaque":                 vpptoken.WithBaseURL("https:graph.microsoft.com"),
		"http elsewhere":         vpptoken.WithBaseURL("http://graph.microsoft.com"),
		"http like loopback":     vpptoken.WithBaseURL("http://localhost.evil.example"),
		"http 127.0.0.1.example": vpptoken.WithBaseURL("http://127.0.0.1.example"),
		"other scheme":           vpptoken.WithBaseURL("ftp://127.0.0.1"),
		"user":                   vpptoken.WithBaseURL("https://user:canary@graph.microsoft.com"),
		"query":                  vpptoken.WithBaseURL("https://graph.microsoft.com?canary=1"),
		"empty query":            vpptoken.WithBaseURL("https://graph.microsoft.com?"),
		"fragment":               vpptoken.WithBaseURL("https://graph.microsoft.com#canary"),
		"empty fragment":         vpptoken.WithBaseURL("https://graph.microsoft.com#"),
		"dot dot":                vpptoken.WithBaseURL("https://graph.microsoft.com/a/../b"),
		"encoded path":           vpptoken.WithBaseURL("https://graph.microsoft.com/a%2Fb"),
		"space":                  vpptoken.WithBaseURL("https://graph.microsoft.com/a b"),
		"CR LF":                  vpptoken.WithBaseURL("https://graph.microsoft.com\r\n"),
		"backslash":              vpptoken.WithBaseURL(`https://graph.microsoft.com\evil`),
		"not a URL":              vpptoken.WithBaseURL("https://[canary"),
		"bad port":               vpptoken.WithBaseURL("https://graph.microsoft.com:canary"),
	} {
		ts := &countingSource{}
		c, err := vpptoken.NewClient(ts, o)
		if c != nil || err == nil {
			t.Errorf("%s is taken", name)
			continue
		}
		if text := err.Error(); !strings.HasPrefix(text, "vpptoken: ") || strings.Contains(text, "\n") || strings.Contains(text, "canary") || ts.asked != 0 {
			t.Errorf("%s: %q", name, text)
		}
	}
	if c, err := vpptoken.NewClient(nil); c != nil || err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") {
		t.Errorf("a nil token source: %v", err)
	}
}

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	for root, want := range map[string]string{
		"http://127.0.0.1:8080":        "http://127.0.0.1:8080/beta",
		"http://127.0.0.1:8080/":       "http://127.0.0.1:8080/beta",
		"http://[::1]:8080":            "http://[::1]:8080/beta",
		"http://localhost":             "http://localhost/beta",
		"http://127.9.9.9":             "http://127.9.9.9/beta",
		"https://proxy.example/graph":  "https://proxy.example/graph/beta",
		"https://proxy.example/graph/": "https://proxy.example/graph/beta",
	} {
		c, mock := newClient(t, vpptoken.WithCloud(vpptoken.CloudChina), vpptoken.WithBaseURL(root))
		var w wire
		mock.RegisterResponder("DELETE", "=~.*", w.answer(204, ""))
		if err := c.Delete(t.Context(), tokenID); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"DELETE " + want + "/deviceAppManagement/vppTokens/" + tokenID}, w.lines()); diff != "" {
			t.Error(diff)
		}
	}
}

// A list stays on the root that was given, too.
func TestNextLinkUnderABaseURL(t *testing.T) {
	t.Parallel()
	const root = "http://127.0.0.1:8080/graph"
	own := root + "/beta/deviceAppManagement/vppTokens?$skiptoken=2"
	for link, trusted := range map[string]bool{
		own: true, betaURL + "?$skiptoken=2": true, "https://graph.microsoft.us/beta/deviceAppManagement/vppTokens?$skiptoken=2": false, "http://127.0.0.1:8081/graph/beta/deviceAppManagement/vppTokens": false,
		"http://127.0.0.1:8080/beta/deviceAppManagement/vppTokens": false,
	} {
		c, mock := newClient(t, vpptoken.WithBaseURL(root))
		mock.RegisterResponder("GET", "=~.*", (&wire{}).answer(200, page(link, "1")).Then((&wire{}).answer(200, page("", "2"))))
		got, err := collect(c.List(t.Context()))
		if trusted != (err == nil) || !trusted && !errors.Is(err, vpptoken.ErrUntrustedURL) || trusted && len(got) != 2 {
			t.Errorf("%s: %d tokens, %v", link, len(got), err)
		}
	}
}

func TestHTTPClientIsCopied(t *testing.T) {
	t.Parallel()
	mock, later := httpmock.NewMockTransport(), httpmock.NewMockTransport()
	mock.RegisterResponder("GET", itemURL, (&wire{}).answer(200, bareToken))
	hc := &http.Client{Transport: mock, Timeout: time.Minute}
	c, err := vpptoken.NewClient(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: bearer}), vpptoken.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	if hc.Transport != http.RoundTripper(mock) || hc.CheckRedirect != nil || hc.Jar != nil || hc.Timeout != time.Minute {
		t.Error("the caller's http.Client was changed")
	}
	hc.Transport = later
	if _, err := c.Get(t.Context(), tokenID); err != nil || later.GetTotalCallCount() != 0 {
		t.Errorf("%v after %d requests to a transport that was set later", err, later.GetTotalCallCount())
	}
}

// A nil Transport in an http.Client is http.DefaultTransport; no WithHTTPClient at all works, too.
func TestTransportIsOptional(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]vpptoken.Option{nil, {vpptoken.WithHTTPClient(&http.Client{})}} {
		if c, err := vpptoken.NewClient(&countingSource{}, opts...); c == nil || err != nil {
			t.Errorf("got %v", err)
		}
	}
}

func TestTimeoutOfTheHTTPClientBoundsAnAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hc := &http.Client{Timeout: 2 * time.Second, Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		c, err := vpptoken.NewClient(
			&countingSource{}, vpptoken.WithHTTPClient(hc), vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}),
		)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := c.Get(t.Context(), tokenID); err == nil || time.Since(start) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestUserAgent(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t, vpptoken.WithUserAgent("nordwind-monitor/2.1"))
	var w wire
	mock.RegisterResponder("GET", itemURL, w.answer(200, bareToken))
	if _, err := c.Get(t.Context(), tokenID); err != nil {
		t.Fatal(err)
	}
	if got := w.sent[0].Header.Get("User-Agent"); !strings.HasPrefix(got, "nordwind-monitor/2.1 vpptoken/") {
		t.Errorf("User-Agent %q", got)
	}
}

func TestRetryOption(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]int{0: 4, 1: 1, 2: 2} {
		synctest.Test(t, func(t *testing.T) {
			c, mock := newClient(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: attempts, MinWait: time.Minute, MaxWait: time.Minute}))
			mock.RegisterResponder("GET", itemURL, (&wire{}).answer(503, ""))
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			_, err := c.Get(ctx, tokenID)
			e, ok := errors.AsType[*vpptoken.Error](err)
			if !ok || e.StatusCode != http.StatusServiceUnavailable || e.Attempts != want || mock.GetTotalCallCount() != want {
				t.Errorf("MaxAttempts %d: %d requests, %v", attempts, mock.GetTotalCallCount(), err)
			}
			least, most := time.Duration(want-1)*30*time.Second, time.Duration(want-1)*time.Minute
			if took := time.Since(start); took < least || took > most {
				t.Errorf("MaxAttempts %d: took %v, want %v to %v", attempts, took, least, most)
			}
		})
	}
}

// With a logger: method, path, status, attempt, duration and request-id, and nothing of what was sent.
func TestLogger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		l := slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c, mock := newClient(t, vpptoken.WithLogger(l))
		var w wire
		const serviceID = "00000000-0000-4000-8000-000000000077"
		mock.RegisterResponder("PATCH", itemURL, w.answer(503, canary).Then(w.answer(200, bareToken, "Request-Id", serviceID)))
		mock.RegisterResponder("GET", betaURL, w.answer(200, page("")))
		p := vpptoken.NewPatch().SetToken(vpptoken.NewSecret(canary)).SetDisplayName("Field iPads")
		if _, err := c.Update(t.Context(), tokenID, p, vpptoken.WithHeader("X-Custom", canary)); err != nil {
			t.Fatal(err)
		}
		if _, err := collect(c.List(t.Context(), vpptoken.WithFilter("displayName eq '"+canary+"'"))); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"PATCH", "/deviceAppManagement/vppTokens/" + tokenID, "503", "200", serviceID, `"level":"WARN"`} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("the log lacks %s", want)
			}
		}
		for _, not := range []string{canary, bearer, "Field iPads", "filter", "https://", "graph.microsoft.com"} {
			if strings.Contains(b.String(), not) {
				t.Errorf("the log holds %s", not)
			}
		}
		if t.Failed() {
			t.Log(b.String())
		}
	})
}
