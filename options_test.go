package vpptoken_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

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
		c, mock := faulttest.Mock(t, vpptoken.WithCloud(vpptoken.CloudChina), vpptoken.WithBaseURL(root))
		mock.RegisterResponder("DELETE", "=~.*", faulttest.Respond(204, ""))
		if err := c.Delete(t.Context(), faulttest.ID); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"DELETE " + want + "/deviceAppManagement/vppTokens/" + faulttest.ID},
			mock.Lines()); diff != "" {
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
		own: true, faulttest.Root + "?$skiptoken=2": true,
		"https://graph.microsoft.us/beta/deviceAppManagement/vppTokens?$skiptoken=2": false,
		"http://127.0.0.1:8081/graph/beta/deviceAppManagement/vppTokens":             false,
		"http://127.0.0.1:8080/beta/deviceAppManagement/vppTokens":                   false,
	} {
		c, mock := faulttest.Mock(t, vpptoken.WithBaseURL(root))
		mock.RegisterResponder("GET", "=~.*", faulttest.Respond(200,
			faulttest.Page(link, "1")).Then(faulttest.Respond(200, faulttest.Page("", "2"))))
		got, err := faulttest.Collect(c.List(t.Context()))
		if trusted != (err == nil) || !trusted && !errors.Is(err, vpptoken.ErrUntrustedURL) ||
			trusted && len(got) != 2 {
			t.Errorf("%s: %d tokens, %v", link, len(got), err)
		}
	}
}

func TestRootMustNotNameAVersion(t *testing.T) {
	t.Parallel()
	for _, root := range []string{
		"https://graph.microsoft.com/beta", "https://graph.microsoft.com/v1.0/",
		"http://127.0.0.1:1/proxy/beta",
	} {
		if _, err := vpptoken.NewClient(new(faulttest.CountedSource), vpptoken.WithBaseURL(root)); err == nil ||
			!strings.Contains(err.Error(), "version") {
			t.Errorf("%s: %v", root, err)
		}
	}
}

func TestHTTPClientIsCopied(t *testing.T) {
	t.Parallel()
	mock, later := httpmock.NewMockTransport(), httpmock.NewMockTransport()
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
	hc := &http.Client{Transport: mock, Timeout: time.Minute}
	c, err := vpptoken.NewClient(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: faulttest.Bearer}),
		vpptoken.WithHTTPClient(hc))
	if err != nil {
		t.Fatal(err)
	}
	if hc.Transport != http.RoundTripper(mock) || hc.CheckRedirect != nil || hc.Jar != nil ||
		hc.Timeout != time.Minute {
		t.Error("the caller's http.Client was changed")
	}
	hc.Transport = later
	if _, err := c.Get(t.Context(), faulttest.ID); err != nil || later.GetTotalCallCount() != 0 {
		t.Errorf("%v after %d requests to a transport that was set later", err, later.GetTotalCallCount())
	}
}

// With a nil Transport in an http.Client, or without one, the client has a transport of its own.
func TestTransportIsOptional(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]vpptoken.Option{nil, {vpptoken.WithHTTPClient(&http.Client{})}} {
		if c, err := vpptoken.NewClient(new(faulttest.CountedSource), opts...); c == nil || err != nil {
			t.Errorf("got %v", err)
		}
	}
}

// Whoever sets one of the two waits gets no error about the other.
func TestRetryDefaultsFit(t *testing.T) {
	t.Parallel()
	for set, want := range map[vpptoken.Retry][2]time.Duration{
		{MaxWait: 100 * time.Millisecond}: {50 * time.Millisecond, 100 * time.Millisecond},
		{MinWait: 45 * time.Second}:       {22 * time.Second, 45 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			set.MaxAttempts = 2
			c, mock := faulttest.Mock(t, vpptoken.WithRetry(set))
			mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(503, ""))
			start := time.Now()
			if _, err := c.Get(t.Context(), faulttest.ID); err == nil {
				t.Fatal("no error")
			}
			if took := time.Since(start); took < want[0] || took > want[1] {
				t.Errorf("%+v: waited %v", set, took)
			}
		})
	}
}

func TestRetryOption(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]int{0: 4, 1: 1, 2: 2} {
		synctest.Test(t, func(t *testing.T) {
			c, mock := faulttest.Mock(t, vpptoken.WithRetry(vpptoken.Retry{
				MaxAttempts: attempts, MinWait: time.Minute,
				MaxWait: time.Minute,
			}))
			mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(503, ""))
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			_, err := c.Get(ctx, faulttest.ID)
			e, ok := errors.AsType[*vpptoken.Error](err)
			if !ok || e.StatusCode != http.StatusServiceUnavailable || e.Attempts != want ||
				mock.GetTotalCallCount() != want {
				t.Errorf("MaxAttempts %d: %d requests, %v", attempts, mock.GetTotalCallCount(), err)
			}
			least, most := time.Duration(want-1)*30*time.Second, time.Duration(want-1)*time.Minute
			if took := time.Since(start); took < least || took > most {
				t.Errorf("MaxAttempts %d: took %v, want %v to %v", attempts, took, least, most)
			}
		})
	}
}

// With a logger: method, path, status, attempt, duration and request-id, and nothing of what was
// sent.
func TestLogger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		l := slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c, mock := faulttest.Mock(t, vpptoken.WithLogger(l))
		const serviceID = "00000000-0000-4000-8000-000000000077"
		mock.RegisterResponder("PATCH", faulttest.Item,
			faulttest.Respond(503, canary).Then(faulttest.Respond(200, faulttest.BareToken, "Request-Id", serviceID)))
		mock.RegisterResponder("GET", faulttest.Root, faulttest.Respond(200, faulttest.Page("")))
		p := vpptoken.NewPatch().SetToken(vpptoken.NewSecret(canary)).SetDisplayName("Field iPads")
		if _, err := c.Update(t.Context(), faulttest.ID, p, vpptoken.WithHeader("X-Custom", canary)); err != nil {
			t.Fatal(err)
		}
		_, err := faulttest.Collect(c.List(t.Context(), vpptoken.WithFilter("displayName eq '"+canary+"'")))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"PATCH", "/deviceAppManagement/vppTokens/" + faulttest.ID, "503", "200", serviceID,
			`"level":"WARN"`,
		} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("the log lacks %s", want)
			}
		}
		for _, not := range []string{
			canary, faulttest.Bearer, "Field iPads", "filter", "https://", "graph.microsoft.com",
		} {
			if strings.Contains(b.String(), not) {
				t.Errorf("the log holds %s", not)
			}
		}
		if t.Failed() {
			t.Log(b.String())
		}
	})
}

// The log shows what an operator needs and nothing that was sent.
func ExampleWithLogger() {
	srv := vpptokentest.NewServer(vpptokentest.WithCountRoute())
	defer srv.Close()
	srv.Add(vpptoken.VPPToken{})
	srv.Fail(vpptokentest.Fault{Status: http.StatusServiceUnavailable})

	keep := func(_ []string, a slog.Attr) slog.Attr { // what differs from run to run
		switch a.Key {
		case "time", "duration", "wait", "request_id", "client_request_id":
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: keep}))
	client := srv.Client(vpptoken.WithLogger(logger), vpptoken.WithRetry(vpptoken.Retry{MinWait: time.Millisecond}))
	n, err := client.Count(context.Background())
	fmt.Println(n, err)
	// Output:
	// level=DEBUG msg="vpptoken: sign-in" operation=count
	// level=DEBUG msg="vpptoken: attempt" operation=count method=GET path=/deviceAppManagement/vppTokens/$count status=503 attempt=1
	// level=WARN msg="vpptoken: retry" operation=count method=GET path=/deviceAppManagement/vppTokens/$count status=503 attempt=1 reason="Service Unavailable"
	// level=DEBUG msg="vpptoken: attempt" operation=count method=GET path=/deviceAppManagement/vppTokens/$count status=200 attempt=2
	// 1 <nil>
}

// The Transport of the caller's http.Client carries the requests: a proxy, a recorder, a tracer.
func ExampleWithHTTPClient() {
	srv := vpptokentest.NewServer(vpptokentest.WithCountRoute())
	defer srv.Close()
	counter := roundTripper(func(r *http.Request) (*http.Response, error) {
		fmt.Println(r.Method, r.URL.Path)
		return http.DefaultTransport.RoundTrip(r)
	})
	client := srv.Client(vpptoken.WithHTTPClient(&http.Client{Transport: counter}))
	n, err := client.Count(context.Background())
	fmt.Println(n, err)
	// Output:
	// GET /beta/deviceAppManagement/vppTokens/$count
	// 0 <nil>
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What is repeated is fixed; how often and how patiently can be chosen. Zero fields keep their
// defaults.
func ExampleWithRetry() {
	srv := vpptokentest.NewServer(vpptokentest.WithCountRoute())
	defer srv.Close()
	srv.Fail(vpptokentest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "0.02"})

	// An option of NewClient.
	patient := vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 6, MaxRetryAfter: 5 * time.Minute})
	client := srv.Client(patient)
	var m vpptoken.Metadata
	n, err := client.Count(context.Background(), vpptoken.WithMetadata(&m))
	fmt.Println(n, err, "after", m.Attempts, "attempts")
	// Output: 0 <nil> after 2 attempts
}
