package vpptoken_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func TestRootMustNotNameAVersion(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"https://graph.microsoft.com/beta", "https://graph.microsoft.com/v1.0/", "http://127.0.0.1:1/proxy/beta"} {
		if _, err := vpptoken.NewClient(new(faulttest.CountedSource), vpptoken.WithBaseURL(root)); err == nil || !strings.Contains(err.Error(), "version") {
			t.Errorf("%s: %v", root, err)
		}
	}
}

// The log shows what an operator needs and nothing that was sent.
func ExampleWithLogger() {
	srv := vpptokentest.NewServer(vpptokentest.WithCountRoute())
	defer srv.Close()
	srv.Add(vpptoken.VPPToken{})
	srv.Fail(vpptokentest.Fault{Status: http.StatusServiceUnavailable})

	keep := func(_ []string, a slog.Attr) slog.Attr { // what differs from run to run
		switch a.Key {
		case "time", "duration", "wait", "request_id":
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: keep}))
	client := srv.Client(vpptoken.WithLogger(logger), vpptoken.WithRetry(vpptoken.Retry{MinWait: time.Millisecond}))
	n, err := client.Count(context.Background())
	fmt.Println(n, err)
	// Output:
	// level=DEBUG msg="vpptoken: attempt" method=GET path=/deviceAppManagement/vppTokens/$count status=503 attempt=1
	// level=WARN msg="vpptoken: retry" method=GET path=/deviceAppManagement/vppTokens/$count status=503 attempt=1 reason="Service Unavailable"
	// level=DEBUG msg="vpptoken: attempt" method=GET path=/deviceAppManagement/vppTokens/$count status=200 attempt=2
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

// What is repeated is fixed; how often and how patiently can be chosen. Zero fields keep their defaults.
func ExampleWithRetry() {
	srv := vpptokentest.NewServer(vpptokentest.WithCountRoute())
	defer srv.Close()
	srv.Fail(vpptokentest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "0.02"})

	patient := vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 6, MaxRetryAfter: 5 * time.Minute}) // an option of NewClient
	client := srv.Client(patient)
	var m vpptoken.Metadata
	n, err := client.Count(context.Background(), vpptoken.WithMetadata(&m))
	fmt.Println(n, err, "after", m.Attempts, "attempts")
	// Output: 0 <nil> after 2 attempts
}
