package rawserver

import (
	"bufio"
	"errors"
	"net"
	"testing"
)

// NewHTTP1 starts a service that reads request after request from as many connections as come, and
// does with the nth of all, from 0, the steps that react returns. A connection is closed when a
// step fails.
func NewHTTP1(tb testing.TB, react func(n int, r Request) []Step) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it opens at once, and ends with the test
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{tb: tb, listener: l, react: react, open: make(map[net.Conn]struct{})}
	s.done.Go(s.accept)
	tb.Cleanup(s.end)
	return s
}

func (s *Server) serve(raw net.Conn) {
	c := &conn{Conn: raw, in: bufio.NewReader(raw), server: s}
	defer s.leave(c)
	for {
		n, r, err := c.read()
		if err != nil {
			return
		}
		for _, step := range s.react(n, r) {
			if step.do(c) != nil {
				return
			}
		}
	}
}

// EndWriting says that nothing follows, and goes on reading.
func EndWriting() Step {
	return Step{do: func(c *conn) error {
		tcp, ok := c.Conn.(*net.TCPConn)
		if !ok {
			return errors.New("no TCP connection")
		}
		return tcp.CloseWrite()
	}}
}
