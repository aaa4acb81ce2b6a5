package leaktest_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

const childVariable = "VPPTOKEN_LEAK_CHILD"

// runChild runs this test binary again, for TestLeakChild alone.
func runChild(t *testing.T) (stdout, stderr string, err error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, self, "-test.run=^TestLeakChild$", "-test.count=1")
	cmd.Env = append(os.Environ(), childVariable+"=1", "GOCOVERDIR="+t.TempDir())
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// goThroughFaults makes every operation meet every kind of fault once, and counts the failures.
func goThroughFaults(t *testing.T) (failures int) {
	t.Helper()
	faults := []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://[", http.StatusFound) },
		func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "{")
		},
		func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(40 * time.Millisecond)
			w.WriteHeader(http.StatusNoContent)
		},
	}
	for _, answer := range []string{
		"", "HTTP/1.1 2OO " + faulttest.Bearer + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: x" + faulttest.Bearer + "\r\n\r\n", "HTTP/1.1 101 X\r\n\r\n",
		faulttest.Bearer + "\r\n",
	} {
		faults = append(faults, func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, answer)
			if tcp, ok := c.(*net.TCPConn); ok && answer == "" {
				_ = tcp.SetLinger(0)
			}
			_ = c.Close()
		})
	}
	for _, fault := range faults {
		server := httptest.NewUnstartedServer(fault)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		client := faulttest.Loopback(t, server.URL, vpptoken.WithRetry(vpptoken.Retry{
			MaxAttempts: 2, MinWait: time.Millisecond, MaxWait: 2 * time.Millisecond,
			AttemptTimeout: 20 * time.Millisecond,
		}))
		for _, op := range faulttest.Operations() {
			if op.Run(t.Context(), client) != nil {
				failures++
			}
		}
		server.Close()
	}
	for _, source := range []faulttest.SourceFunc{
		func() (*oauth2.Token, error) { panic(faulttest.ClientSecret) }, nil,
	} {
		if faulttest.Named(t, "get").Run(t.Context(), faulttest.ClientFor(t, source)) != nil {
			failures++
		}
	}
	return failures
}
