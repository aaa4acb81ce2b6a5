package rawserver_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken/internal/rawserver"
)

// recorder is a testing.TB that keeps what fails, and runs its cleanups when told.
type recorder struct {
	testing.TB

	cleanup func()
	failed  int
}

func (r *recorder) Cleanup(f func())      { r.cleanup = f }
func (r *recorder) Errorf(string, ...any) { r.failed++ }
func (*recorder) Helper()                 {}

func dial(t *testing.T, s *rawserver.Server) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestScriptRuns(t *testing.T) {
	t.Parallel()
	s := rawserver.New(t, rawserver.Script{rawserver.ReadRequest(), rawserver.Write("HTTP/1.1 204 No Content\r\n\r\n")})
	c := dial(t, s)
	_, _ = io.WriteString(c, "POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	got := s.Requests()
	if resp.StatusCode != http.StatusNoContent || len(got) != 1 || got[0].Method != http.MethodPost ||
		got[0].Path != "/a?b=c" || got[0].Body != "body" {
		t.Errorf("status %d, requests %+v", resp.StatusCode, got)
	}
}

func TestUnusedScriptFails(t *testing.T) {
	t.Parallel()
	never := rawserver.Script{rawserver.ReadRequest()}
	for name, tc := range map[string]struct {
		scripts []rawserver.Script
		use     func(t *testing.T, s *rawserver.Server)
	}{
		"no connection": {[]rawserver.Script{never}, func(*testing.T, *rawserver.Server) {}},
		"no request": {[]rawserver.Script{never}, func(t *testing.T, s *rawserver.Server) {
			t.Helper()
			c := dial(t, s)
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		}},
		"one connection too many": {nil, func(t *testing.T, s *rawserver.Server) {
			t.Helper()
			_, _ = io.Copy(io.Discard, dial(t, s))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			s := rawserver.New(r, tc.scripts...)
			tc.use(t, s)
			r.cleanup()
			if r.failed == 0 {
				t.Error("the test did not fail")
			}
		})
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	connected := make(chan struct{})
	s := rawserver.New(t, rawserver.Script{rawserver.WaitFor(connected), rawserver.Reset()})
	c := dial(t, s)
	close(connected)
	_, err := io.Copy(io.Discard, c)
	if err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("reading from a connection that was reset: %v", err)
	}
}
