package faulttest_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/rawserver"
)

// trusting makes http.DefaultTransport, whose settings the client's own transport takes, trust the
// services of this process.
func trusting(t *testing.T) {
	t.Helper()
	std := http.DefaultTransport.(*http.Transport)
	before := std.TLSClientConfig
	_, pool := rawserver.Certificate()
	std.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	t.Cleanup(func() { std.TLSClientConfig = before })
}

// A connection that dies in silence costs one attempt: the next one takes another, over HTTP/1.1
// and HTTP/2.
func TestR17DeadConnection(t *testing.T) { //nolint:paralleltest // it changes http.DefaultTransport
	trusting(t)
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} { //nolint:paralleltest // see above
		for _, name := range []string{"get", "update", "create"} {
			t.Run(protocol+"/"+name, func(t *testing.T) {
				op := faulttest.Named(t, name)
				root, address := plainService(t, op)
				if protocol == "HTTP/2" {
					server := rawserver.NewHTTP2(t, func(int, rawserver.Request) rawserver.Reaction { return good(op) })
					root, address = "https://", server.Addr()
				}
				relay := rawserver.NewRelay(t, address)
				client := faulttest.Loopback(t, root+relay.Addr(), faulttest.Quick(500*time.Millisecond))
				var meta vpptoken.Metadata
				var warm sync.WaitGroup
				for range 4 { // over HTTP/1.1 each has a connection
					warm.Go(func() {
						if err := op.Run(t.Context(), client); err != nil {
							t.Error(err)
						}
					})
				}
				warm.Wait()
				relay.Swallow()
				err := op.Run(t.Context(), client, vpptoken.WithMetadata(&meta))
				if op.Effect == faulttest.Unsafe {
					if e := faulttest.Error(t, err); !e.Ambiguous || e.Attempts != 1 {
						t.Errorf("error %+v", *e)
					}
					err = op.Run(t.Context(), client)
				} else if meta.Attempts != 2 {
					t.Errorf("%d attempts", meta.Attempts)
				}
				if err != nil {
					t.Errorf("on new connections: %v", err)
				}
			})
		}
	}
}

// mute is a connection whose other side stops hearing, without a sign.
type mute struct {
	net.Conn

	deaf *atomic.Bool
}

func (m mute) Write(p []byte) (int, error) {
	if m.deaf.Load() {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

// pipes is a listener without a network.
type pipes chan net.Conn

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p pipes) Close() error   { return nil }
func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

// Over HTTP/2 a ping finds the dead connection, long before the attempt is out of time.
func TestR17PingFindsTheDead(t *testing.T) { //nolint:paralleltest // it changes http.DefaultTransport
	std := http.DefaultTransport.(*http.Transport)
	dial, protocols := std.DialContext, std.Protocols
	t.Cleanup(func() { std.DialContext, std.Protocols = dial, protocols })
	std.Protocols = new(http.Protocols)
	std.Protocols.SetUnencryptedHTTP2(true)
	op := faulttest.Named(t, "get")
	synctest.Test(t, func(t *testing.T) {
		server := &http.Server{Protocols: std.Protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(op.Answer))
		})}
		listener := make(pipes, 2)
		go func() { _ = server.Serve(listener) }()
		defer func() {
			close(listener)
			_ = server.Close()
		}()
		var deaf []*atomic.Bool
		std.DialContext = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			listener <- theirs
			deaf = append(deaf, new(atomic.Bool))
			return mute{ours, deaf[len(deaf)-1]}, nil
		}
		client := faulttest.Loopback(t, "http://127.0.0.1:1")
		if err := op.Run(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		deaf[0].Store(true)
		began := time.Now()
		var meta vpptoken.Metadata
		if err := op.Run(t.Context(), client, vpptoken.WithMetadata(&meta)); err != nil || meta.Attempts != 2 {
			t.Errorf("%d attempts, %v", meta.Attempts, err)
		}
		if took := time.Since(began); took > 20*time.Second { // an attempt has 30 s
			t.Errorf("it took %v", took)
		}
	})
}

// plainService is a healthy service over HTTP/1.1.
func plainService(t *testing.T, op faulttest.Operation) (scheme, address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(op.Status)
		_, _ = w.Write([]byte(op.Answer))
	}))
	t.Cleanup(server.Close)
	return "http://", strings.TrimPrefix(server.URL, "http://")
}

// Requests under way finish on the connections that are left, which are closed when the last one
// has: nothing is left behind, however often it happens.
func TestR17ConnectionsThatAreLeftEnd(t *testing.T) { //nolint:paralleltest // it counts goroutines
	trusting(t)
	op := faulttest.Named(t, "get")
	server := rawserver.NewHTTP2(t, func(n int, _ rawserver.Request) rawserver.Reaction {
		if n%4 == 3 {
			return rawserver.Silence()
		}
		return good(op)
	})
	client := faulttest.Loopback(t, server.URL(), vpptoken.WithRetry(vpptoken.Retry{
		MaxAttempts: 20, MinWait: time.Millisecond, MaxWait: 2 * time.Millisecond,
		AttemptTimeout: 200 * time.Millisecond,
	}))
	if err := op.Run(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for range 5 {
				if err := op.Run(t.Context(), client); err != nil {
					t.Error(err)
				}
			}
		})
	}
	calls.Wait()
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before+2 && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before+2 {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}
