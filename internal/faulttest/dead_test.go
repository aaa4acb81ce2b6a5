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
				if name == "get" { // an http.Client without a transport means none either
					client = faulttest.Loopback(t, root+relay.Addr(), faulttest.Quick(500*time.Millisecond),
						vpptoken.WithHTTPClient(&http.Client{Timeout: time.Minute}))
				}
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

// wire is a connection whose other side can stop hearing, without a sign.
type wire struct {
	net.Conn

	deaf, closed atomic.Bool
}

func (w *wire) Write(p []byte) (int, error) {
	if w.deaf.Load() {
		return len(p), nil
	}
	return w.Conn.Write(p)
}

func (w *wire) Close() error {
	w.closed.Store(true)
	return w.Conn.Close()
}

// wires are a service without a network, in a bubble of synctest, for the client's own transport.
type wires struct {
	mu    sync.Mutex
	all   []*wire
	calls chan net.Conn
}

func (w *wires) Addr() net.Addr { return &net.TCPAddr{} }
func (w *wires) Close() error   { return nil }
func (w *wires) Accept() (net.Conn, error) {
	if c, ok := <-w.calls; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (w *wires) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, &wire{Conn: ours})
	w.calls <- theirs
	return w.all[len(w.all)-1], nil
}

// open counts the connections that the client has not closed.
func (w *wires) open() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.all {
		if !c.closed.Load() {
			n++
		}
	}
	return n
}

// wired changes http.DefaultTransport until the test ends.
func wired(t *testing.T, protocols *http.Protocols, handler http.HandlerFunc) *wires {
	t.Helper()
	std := http.DefaultTransport.(*http.Transport)
	dial, before := std.DialContext, std.Protocols
	w := &wires{calls: make(chan net.Conn, 10)}
	std.DialContext, std.Protocols = w.dial, protocols
	server := &http.Server{Protocols: protocols, Handler: handler}
	go func() { _ = server.Serve(w) }()
	t.Cleanup(func() {
		std.DialContext, std.Protocols = dial, before
		close(w.calls)
		_ = server.Close()
	})
	return w
}

// Over HTTP/2 a ping finds the dead connection, long before the attempt is out of time.
func TestR17PingFindsTheDead(t *testing.T) { //nolint:paralleltest // it changes http.DefaultTransport
	op := faulttest.Named(t, "get")
	synctest.Test(t, func(t *testing.T) {
		h2 := new(http.Protocols)
		h2.SetUnencryptedHTTP2(true)
		service := wired(t, h2, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(op.Answer))
		})
		client := faulttest.Loopback(t, "http://127.0.0.1:1")
		if err := op.Run(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		service.all[0].deaf.Store(true)
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

// A request that was under way when its connection was left, and ends long after, leaves it to
// nobody: the connection is closed.
func TestR17LateRequestClosesItsConnection(t *testing.T) { //nolint:paralleltest // it changes http.DefaultTransport
	op := faulttest.Named(t, "get")
	synctest.Test(t, func(t *testing.T) {
		h2 := new(http.Protocols)
		h2.SetUnencryptedHTTP2(true) // HTTP/1.1 closes what becomes idle on its own
		var requests atomic.Int32
		service := wired(t, h2, func(w http.ResponseWriter, r *http.Request) {
			switch requests.Add(1) {
			case 1:
				<-r.Context().Done() // its attempt ends after 30 s
				return
			case 2:
				time.Sleep(20 * time.Second)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(op.Answer))
		})
		client := faulttest.Loopback(t, "http://127.0.0.1:1")
		var calls sync.WaitGroup
		for range 2 { // the second one's request lasts from the 20th to the 40th second
			calls.Go(func() {
				if err := op.Run(t.Context(), client); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(20 * time.Second)
		}
		calls.Wait()
		time.Sleep(5 * time.Second)
		if n := service.open(); n != 1 || requests.Load() != 3 {
			t.Errorf("%d connections are open after %d requests; want that of the last one", n, requests.Load())
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
