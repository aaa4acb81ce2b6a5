package faulttest_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/rawserver"
)

// nobody is an address that refuses connections, and that no test can get.
const nobody = "127.0.0.1:1"

// secureClient returns a client for a service of internal/rawserver that speaks TLS.
func secureClient(t *testing.T, root string, opts ...vpptoken.Option) *vpptoken.Client {
	t.Helper()
	opts = append([]vpptoken.Option{vpptoken.WithHTTPClient(&http.Client{Transport: rawserver.Transport(t)})}, opts...)
	return faulttest.Loopback(t, root, opts...)
}

// good answers an operation as a healthy service does.
func good(op faulttest.Operation) rawserver.Reaction {
	return rawserver.Respond(op.Status, op.Answer, "content-type", "application/json")
}

// Over HTTP/2, whatever happens to a request that was read, an attempt is one request, what acts is
// sent once, and Attempts is what the service counted. Only a stream that it refused unseen is
// repeated for every operation.
func TestR16OneRequestAnAttempt(t *testing.T) {
	t.Parallel()
	faults := map[string]rawserver.Reaction{
		"GOAWAY":                   rawserver.GoAway(0, rawserver.NoError, ""),
		"GOAWAY with an error":     rawserver.GoAway(0, rawserver.InternalError, "PROTOCOL_ERROR"),
		"GOAWAY that knows it":     rawserver.InTurn(rawserver.GoAway(1, rawserver.NoError, ""), rawserver.HangUp()),
		"GOAWAY and closed":        rawserver.InTurn(rawserver.GoAway(0, rawserver.NoError, ""), rawserver.HangUp()),
		"closed":                   rawserver.HangUp(),
		"reset":                    rawserver.Sever(),
		"cut in the body":          rawserver.CutShort(`{"id":"`, rawserver.HangUp()),
		"stream reset in the body": rawserver.CutShort(`{"id":"`, rawserver.ResetStream(rawserver.ProtocolError)),
	}
	for code := range uint32(rawserver.LastKnownErrorCode + 1) {
		faults[fmt.Sprintf("RST_STREAM %d", code)] = rawserver.ResetStream(code)
	}
	for name, fault := range faults {
		for _, once := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/once=%v", name, once), func(t *testing.T) {
				t.Parallel()
				for _, op := range faulttest.Operations() {
					server := rawserver.NewHTTP2(t, func(n int, _ rawserver.Request) rawserver.Reaction {
						if once && n > 0 {
							return good(op)
						}
						return fault
					})
					unseen := name == fmt.Sprintf("RST_STREAM %d", rawserver.RefusedStream)
					var meta vpptoken.Metadata
					err := op.Run(t.Context(), secureClient(t, server.URL(), faulttest.Quick(20*time.Second)),
						vpptoken.WithMetadata(&meta))
					want := 4
					switch {
					case op.Effect == faulttest.Unsafe && !unseen:
						want = 1
					case once:
						want = 2
					}
					if n := len(server.Requests()); n != want || meta.Attempts != n {
						t.Errorf("%s: the service read %d requests, Attempts %d, want %d: %v",
							op.Name, n, meta.Attempts, want, err)
					}
					if want == 2 {
						if err != nil {
							t.Errorf("%s: %v", op.Name, err)
						}
						continue
					}
					ambiguous := op.Effect != faulttest.Safe && !unseen
					if e := faulttest.Error(t, err); e.Ambiguous != ambiguous ||
						vpptoken.Retryable(err) != (op.Effect != faulttest.Unsafe || unseen) {
						t.Errorf("%s: Ambiguous %v, Retryable %v: %v",
							op.Name, e.Ambiguous, vpptoken.Retryable(err), err)
					}
				}
			})
		}
	}
}

// A GOAWAY that lets the request under way finish costs nothing, and the next one takes another
// connection.
func TestR16GracefulEnd(t *testing.T) {
	t.Parallel()
	create := faulttest.Named(t, "create")
	server := rawserver.NewHTTP2(t, func(int, rawserver.Request) rawserver.Reaction {
		return rawserver.InTurn(rawserver.GoAway(1, rawserver.NoError, ""), good(create))
	})
	client := secureClient(t, server.URL(), faulttest.Quick(20*time.Second))
	for range 5 {
		var meta vpptoken.Metadata
		if err := create.Run(t.Context(), client, vpptoken.WithMetadata(&meta)); err != nil || meta.Attempts != 1 {
			t.Errorf("%d attempts: %v", meta.Attempts, err)
		}
	}
	if server.Connections() != 5 || len(server.Requests()) != 5 {
		t.Errorf("%d connections, %d requests", server.Connections(), len(server.Requests()))
	}
}

// What was carried out, reset, and then met a service that is gone, is ambiguous: that the last
// connection was refused says nothing of the first.
func TestR16CarriedOutThenGone(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			var gone atomic.Bool
			server := rawserver.NewHTTP2(t, func(int, rawserver.Request) rawserver.Reaction {
				gone.Store(true)
				return rawserver.ResetStream(rawserver.ProtocolError)
			})
			transport := rawserver.Transport(t)
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				if gone.Load() {
					address = nobody // the server's own port could soon be another test's
				}
				return new(net.Dialer).DialContext(ctx, network, address)
			}
			err := op.Run(t.Context(), faulttest.Loopback(t, server.URL(), faulttest.Quick(5*time.Second),
				vpptoken.WithHTTPClient(&http.Client{Transport: transport})))
			e := faulttest.Error(t, err)
			if len(server.Requests()) != 1 || e.Ambiguous != (op.Effect != faulttest.Safe) ||
				vpptoken.Retryable(err) != (op.Effect != faulttest.Unsafe) {
				t.Errorf("%d requests, error %+v (%v)", len(server.Requests()), *e, err)
			}
		})
	}
}

// A delete that was carried out, reset, and then finds nothing has succeeded. One whose stream was
// refused has not.
func TestR16DeleteThatIsDone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first rawserver.Reaction
		done  bool
	}{
		"PROTOCOL_ERROR": {rawserver.ResetStream(rawserver.ProtocolError), true},
		"GOAWAY":         {rawserver.GoAway(0, rawserver.NoError, ""), true},
		"REFUSED_STREAM": {rawserver.ResetStream(rawserver.RefusedStream), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := rawserver.NewHTTP2(t, func(n int, _ rawserver.Request) rawserver.Reaction {
				if n == 0 {
					return tc.first
				}
				return rawserver.Respond(404, `{"error":{"code":"ResourceNotFound"}}`, "content-type",
					"application/json")
			})
			err := faulttest.Named(t, "delete").Run(t.Context(),
				secureClient(t, server.URL(), faulttest.Quick(20*time.Second)))
			if (err == nil) != tc.done || len(server.Requests()) != 2 {
				t.Errorf("%d requests: %v", len(server.Requests()), err)
			}
		})
	}
}

// Without TLS, where a caller's transport speaks HTTP/2 all the same, the promise is the same.
func TestR16WithoutTLS(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault    rawserver.Reaction
		requests int
	}{
		"GOAWAY":         {rawserver.GoAway(0, rawserver.NoError, ""), 1},
		"PROTOCOL_ERROR": {rawserver.ResetStream(rawserver.ProtocolError), 1},
		"REFUSED_STREAM": {rawserver.ResetStream(rawserver.RefusedStream), 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op := faulttest.Named(t, "syncLicenses")
			server := rawserver.NewPlainHTTP2(t, func(int, rawserver.Request) rawserver.Reaction { return tc.fault })
			transport := &http.Transport{Protocols: new(http.Protocols)}
			transport.Protocols.SetUnencryptedHTTP2(true)
			t.Cleanup(transport.CloseIdleConnections)
			client := faulttest.Loopback(t, server.URL(), faulttest.Quick(20*time.Second),
				vpptoken.WithHTTPClient(&http.Client{Transport: transport}))
			e := faulttest.Error(t, op.Run(t.Context(), client))
			if e.Ambiguous != (tc.requests == 1) || e.Attempts != tc.requests || len(server.Requests()) != tc.requests {
				t.Errorf("%d requests, error %+v", len(server.Requests()), *e)
			}
		})
	}
}
