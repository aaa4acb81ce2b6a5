package faulttest_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/rawserver"
)

// goodAnswer is what a healthy service sends for an operation.
func goodAnswer(op faulttest.Operation) string {
	if op.Status == http.StatusNoContent {
		return "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
	}
	return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + op.Answer
}

// What the network does to a request after the service may have read it.
func networkFaults() map[string]rawserver.Script {
	read := rawserver.ReadRequest()
	return map[string]rawserver.Script{
		"reset after reading":    {read, rawserver.Reset()},
		"closed after reading":   {read},
		"reset inside headers":   {read, rawserver.Write("HTTP/1.1 200 OK\r\nContent-Type: appl"), rawserver.Reset()},
		"closed inside headers":  {read, rawserver.Write("HTTP/1.1 200 OK\r\nContent-Type: appl")},
		"closed inside the body": {read, rawserver.Write("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"id\":\"")},
		"reset inside the body": {
			read, rawserver.Write("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"id\":\""),
			rawserver.Reset(),
		},
		"cut inside a chunk": {
			read,
			rawserver.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{\"id\":\""),
		},
		"no last chunk": {read, rawserver.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")},
	}
}

// An operation that acts is sent once, whatever the network does. The others are repeated until
// they succeed.
func TestR05NetworkFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range networkFaults() {
		for _, op := range faulttest.Operations() {
			t.Run(name+"/"+op.Name, func(t *testing.T) {
				t.Parallel()
				scripts := []rawserver.Script{fault}
				if op.Effect != faulttest.Unsafe {
					scripts = append(scripts, fault,
						rawserver.Script{rawserver.ReadRequest(), rawserver.Write(goodAnswer(op))})
				}
				server := rawserver.New(t, scripts...)
				var meta vpptoken.Metadata
				err := op.Run(t.Context(), faulttest.Loopback(t, server.URL(), faulttest.Quick(5*time.Second)),
					vpptoken.WithMetadata(&meta))
				requests := server.Requests()
				if len(requests) != len(scripts) || meta.Attempts != len(scripts) {
					t.Fatalf("%d requests, Metadata.Attempts %d; want %d", len(requests), meta.Attempts, len(scripts))
				}
				for _, r := range requests[1:] {
					if r.Body != requests[0].Body || r.Path != requests[0].Path || r.Method != requests[0].Method {
						t.Errorf("a repeat differs: %+v, first %+v", r, requests[0])
					}
				}
				if op.Effect != faulttest.Unsafe {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if e := faulttest.Error(t, err); !e.Ambiguous || e.Attempts != 1 || vpptoken.Retryable(err) {
					t.Errorf("error %+v; want it ambiguous after one attempt, and not Retryable", *e)
				}
			})
		}
	}
}

// A connection that was made and reset may have carried the request: an operation that acts does
// not try another one.
func TestR05ResetBeforeReading(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			dialled := make(chan struct{}, 4)
			script := rawserver.Script{rawserver.WaitFor(dialled), rawserver.Reset()}
			scripts := []rawserver.Script{script}
			if op.Effect != faulttest.Unsafe {
				scripts = append(scripts, script,
					rawserver.Script{rawserver.ReadRequest(), rawserver.Write(goodAnswer(op))})
			}
			server := rawserver.New(t, scripts...)
			transport := &http.Transport{
				DisableKeepAlives: true,
				DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
					c, err := new(net.Dialer).DialContext(ctx, network, addr)
					dialled <- struct{}{} // not before: connect itself could see the reset
					return c, err
				},
			}
			client := faulttest.Loopback(t, server.URL(), faulttest.Quick(5*time.Second),
				vpptoken.WithHTTPClient(&http.Client{Transport: transport}))
			err := op.Run(t.Context(), client)
			if server.Connections() != len(scripts) {
				t.Errorf("%d connections, want %d", server.Connections(), len(scripts))
			}
			if op.Effect != faulttest.Unsafe {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := faulttest.Error(t, err); !e.Ambiguous || e.Attempts != 1 {
				t.Errorf("error %+v; want it ambiguous after one attempt", *e)
			}
		})
	}
}

// The service closes a connection that the client holds for reuse, at the worst moment: when it has
// read the next request.
func TestR05StaleKeepAlive(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			const kept = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"id\":\"1\"}\n"
			// Any number of connections: net/http may dial one for a retry of its own.
			server := rawserver.NewHTTP1(t, func(n int, _ rawserver.Request) []rawserver.Step {
				switch n {
				case 0:
					return []rawserver.Step{rawserver.Write(kept)}
				case 1:
					return []rawserver.Step{rawserver.Reset()}
				}
				return []rawserver.Step{rawserver.Write(goodAnswer(op)), rawserver.EndWriting()}
			})
			client := faulttest.Loopback(t, server.URL(), faulttest.Quick(5*time.Second))
			if _, err := client.Get(t.Context(), faulttest.ID); err != nil {
				t.Fatal(err)
			}
			err := op.Run(t.Context(), client)
			if op.Effect != faulttest.Unsafe {
				if err != nil || len(server.Requests()) != 3 {
					t.Errorf("%d requests, error %v", len(server.Requests()), err)
				}
				return
			}
			if e := faulttest.Error(t, err); !e.Ambiguous || len(server.Requests()) != 2 || server.Connections() != 1 {
				t.Errorf("%d requests on %d connections, error %+v", len(server.Requests()), server.Connections(), *e)
			}
		})
	}
}

// Where no connection is made, nothing can have been carried out: every operation is repeated, and
// none is ambiguous.
func TestR05Refused(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			err := op.Run(t.Context(), faulttest.Loopback(t, "http://"+nobody, faulttest.Quick(5*time.Second)))
			e := faulttest.Error(t, err)
			if e.Attempts != 4 || e.Ambiguous || e.StatusCode != 0 || !vpptoken.Retryable(err) {
				t.Errorf("error %+v", *e)
			}
		})
	}
}

// What another attempt can't mend is not repeated.
func TestR05HopelessConnections(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"NXDOMAIN": &net.OpError{Op: "dial", Err: &net.DNSError{
			Err: "no such host", Name: "graph.example",
			IsNotFound: true,
		}},
		"authority": x509.UnknownAuthorityError{},
		"host name": x509.HostnameError{Certificate: &x509.Certificate{}, Host: "graph.example"},
		"expired":   x509.CertificateInvalidError{Reason: x509.Expired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &faulttest.Service{
					Answer: faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
						return nil, cause
					}),
				}
				_, err := faulttest.Client(t, service).Get(t.Context(), faulttest.ID)
				if faulttest.WantError(t, err); len(service.Requests()) != 1 {
					t.Errorf("%d requests, want 1: %v", len(service.Requests()), err)
				}
			})
		})
	}
	t.Run("DNS fails for now", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			service := &faulttest.Service{Answer: faulttest.AnswerFunc(func(
				int, *http.Request,
			) (*http.Response, error) {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "server misbehaving", IsTemporary: true}}
			})}
			err := faulttest.Named(t, "create").Run(t.Context(), faulttest.Client(t, service))
			if e := faulttest.Error(t, err); len(service.Requests()) != 4 || e.Ambiguous {
				t.Errorf("%d requests, error %+v", len(service.Requests()), *e)
			}
		})
	})
}

// A certificate is refused before anything is sent, so that a create is not ambiguous.
func TestR05Certificate(t *testing.T) {
	t.Parallel()
	asked := false
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	err := faulttest.Named(t, "create").Run(t.Context(),
		faulttest.Loopback(t, server.URL, faulttest.Quick(5*time.Second)))
	server.Close()
	if e := faulttest.Error(t, err); e.Attempts != 1 || e.Ambiguous || asked || vpptoken.Retryable(err) {
		t.Errorf("error %+v (%v), request seen %v", *e, err, asked)
	}
}

// After an unclear failure a delete that finds nothing has succeeded; without one it has not.
func TestR05DeleteThatIsDone(t *testing.T) {
	t.Parallel()
	gone := faulttest.Always(404, `{"error":{"code":"ResourceNotFound"}}`)
	gone400 := faulttest.Always(400, `{"error":{"code":"ResourceNotFound"}}`) // Intune says that too
	reset := faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	refused := faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	})
	for name, tc := range map[string]struct {
		first faulttest.Answers
		done  bool
	}{
		"reset": {reset, true},
		"500":   {faulttest.Always(500, ""), true},
		"504":   {faulttest.Always(504, ""), true},
		"body breaks off": {faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
			return brokenAnswer(200), nil
		}), true},
		"429":                  {faulttest.Always(429, ""), false},
		"refused":              {refused, false},
		"503 with Retry-After": {faulttest.Always(503, "", "Retry-After", "1"), false},
		"404 at once":          {gone, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, then := range []faulttest.Answers{gone, gone400} {
				synctest.Test(t, func(t *testing.T) {
					client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Once(tc.first, then)})
					err := client.Delete(t.Context(), faulttest.ID)
					if tc.done && err != nil || !tc.done && !errors.Is(err, vpptoken.ErrNotFound) {
						t.Errorf("error %v, want success %v", err, tc.done)
					}
				})
			}
		})
	}
}

// Once ambiguous, a call stays so: a clear refusal of the repeat says nothing of the first attempt.
func TestR05AmbiguousStays(t *testing.T) {
	t.Parallel()
	for _, last := range []int{400, 401, 403, 404, 409, 412, 429} {
		synctest.Test(t, func(t *testing.T) {
			client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Once(faulttest.Always(502, ""),
				faulttest.Always(last, ""))})
			err := faulttest.Named(t, "update").Run(t.Context(), client)
			if e := faulttest.Error(t, err); !e.Ambiguous || e.StatusCode != last {
				t.Errorf("502, then %d: error %+v", last, *e)
			}
		})
	}
}

func brokenAnswer(status int) *http.Response {
	resp := faulttest.Answer(status, "")
	resp.Body, resp.ContentLength = io.NopCloser(errorReader{io.ErrUnexpectedEOF}), 500
	return resp
}
