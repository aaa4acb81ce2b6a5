package faulttest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/rawserver"
)

// The hooks that a caller puts into the context are called once an attempt.
func TestR21HooksOnceAnAttempt(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			server := rawserver.NewHTTP2(t, func(n int, _ rawserver.Request) rawserver.Reaction {
				if n < 3 {
					return rawserver.Respond(503, "", "retry-after", "0.1")
				}
				return good(op)
			})
			var get, got, headers, wrote, first atomic.Int32
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GetConn:              func(string) { get.Add(1) },
				GotConn:              func(httptrace.GotConnInfo) { got.Add(1) },
				WroteHeaders:         func() { headers.Add(1) },
				WroteRequest:         func(httptrace.WroteRequestInfo) { wrote.Add(1) },
				GotFirstResponseByte: func() { first.Add(1) },
			})
			if err := op.Run(ctx, secureClient(t, server.URL(), faulttest.Quick(20*time.Second))); err != nil {
				t.Fatal(err)
			}
			for name, n := range map[string]*atomic.Int32{
				"GetConn": &get, "GotConn": &got, "WroteHeaders": &headers, "WroteRequest": &wrote,
				"GotFirstResponseByte": &first,
			} {
				for range 200 { // HTTP/2 may write on beside the answer
					if n.Load() >= 4 {
						break
					}
					time.Sleep(10 * time.Millisecond)
				}
				if n.Load() != 4 {
					t.Errorf("%s was called %d times in 4 attempts", name, n.Load())
				}
			}
		})
	}
}

// A dial that outlives its attempt goes on calling hooks: the next attempt does not race with it.
func TestR21DialOutlivesItsAttempt(t *testing.T) {
	t.Parallel()
	op := faulttest.Named(t, "update")
	_, address := plainService(t, op)
	var dials sync.WaitGroup
	var n atomic.Int32
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		defer dials.Done()
		if n.Add(1) <= 3 {
			time.Sleep(500 * time.Millisecond) // whatever ctx says
		}
		return new(net.Dialer).DialContext(context.WithoutCancel(ctx), network, addr)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	var hooks atomic.Int32
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		ConnectStart: func(string, string) { hooks.Add(1) },
		ConnectDone:  func(string, string, error) { hooks.Add(1) },
	})
	client := faulttest.Client(t, transport, vpptoken.WithBaseURL("http://"+address),
		faulttest.Quick(250*time.Millisecond))
	if err := op.Run(ctx, client); err != nil {
		t.Error(err)
	}
	dials.Wait()
	if h, d := hooks.Load(), 2*n.Load(); h != d {
		t.Errorf("%d hooks in %d dials", h, n.Load())
	}
}

// The handshake of a dial behind a proxy does not race with an attempt that the caller ends. Nothing
// here may put the two in order, or the race detector would see nothing: so a timer ends the attempt.
func TestR21HandshakeOutlivesItsAttempt(t *testing.T) {
	t.Parallel()
	proxy := rawserver.New(t, rawserver.Script{
		rawserver.ReadRequest(), rawserver.Write("HTTP/1.1 200 OK\r\n\r\n"), rawserver.Stall(),
	})
	began := make(chan struct{})
	ctx, cancel := context.WithCancel(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		TLSHandshakeStart: func() { close(began) },
	}))
	defer cancel()
	time.AfterFunc(time.Second, cancel)
	err := faulttest.Named(t, "create").Run(ctx, proxied(t, proxy.URL(), "https://service.example"))
	if e := faulttest.Error(t, err); !errors.Is(err, context.Canceled) || e.Ambiguous {
		t.Errorf("error %+v (%v)", *e, err)
	}
	select {
	case <-began:
	case <-time.After(10 * time.Second):
		t.Error("no handshake: nothing could race")
	}
}
