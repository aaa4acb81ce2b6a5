// Package rawserver is a TCP server that misbehaves by script, for tests: it answers with bytes
// that no HTTP server would send, stalls, trickles, resets and hangs up. A script that a test does
// not use up fails the test.
package rawserver

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Script is what happens on one connection, step by step. The connection is closed after the last
// step, or when a step fails because the client has gone.
type Script []Step

// Step is one thing that the server does on a connection.
type Step struct {
	do     func(c *conn) error
	expect bool // the test fails when the client never lets it happen
}

// Request is a whole request as it arrived.
type Request struct {
	Method string
	Path   string // with its query
	Header http.Header
	Body   string
}

// maxKept is how many requests are kept for Requests.
const maxKept = 10_000

// Server runs its scripts on loopback, one for each connection in the order in which they are
// accepted.
type Server struct {
	tb       testing.TB
	listener net.Listener
	react    func(n int, r Request) []Step // of NewHTTP1
	done     sync.WaitGroup

	mu       sync.Mutex
	scripts  []Script
	open     map[net.Conn]struct{}
	read     int
	requests []Request
	accepted int
	closed   bool
	problems []string
}

type conn struct {
	net.Conn

	in     *bufio.Reader
	server *Server
}

// New starts a server that ends with the test.
func New(tb testing.TB, scripts ...Script) *Server {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it opens at once, and ends with the test
	if err != nil {
		tb.Fatal(err)
	}
	return NewOn(tb, l, scripts...)
}

// NewOn is New on a listener of the test's own, for TLS.
func NewOn(tb testing.TB, l net.Listener, scripts ...Script) *Server {
	tb.Helper()
	s := &Server{tb: tb, listener: l, scripts: scripts, open: make(map[net.Conn]struct{})}
	s.done.Go(s.accept)
	tb.Cleanup(s.end)
	return s
}

// Addr returns host and port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL returns the root address, for plain HTTP.
func (s *Server) URL() string { return "http://" + s.Addr() }

// Requests returns the requests that were read whole, and of very many the first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Connections returns how many were accepted.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

func (s *Server) accept() {
	for {
		raw, err := s.listener.Accept()
		if err != nil {
			return
		}
		script, ok := s.next(raw)
		if !ok {
			_ = raw.Close()
			continue
		}
		if s.react != nil {
			s.done.Go(func() { s.serve(raw) })
			continue
		}
		s.done.Go(func() { s.run(&conn{Conn: raw, in: bufio.NewReader(raw), server: s}, script) })
	}
}

func (s *Server) next(raw net.Conn) (Script, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	s.accepted++
	if s.react != nil {
		s.open[raw] = struct{}{}
		return nil, true
	}
	if s.accepted > len(s.scripts) {
		s.problems = append(s.problems, "a connection more than there are scripts")
		return nil, false
	}
	s.open[raw] = struct{}{}
	return s.scripts[s.accepted-1], true
}

func (s *Server) run(c *conn, script Script) {
	defer s.leave(c)
	for i, step := range script {
		if step.do(c) == nil {
			continue
		}
		for _, left := range script[i:] {
			if left.expect {
				s.problem("a script was not used up")
				return
			}
		}
		return
	}
}

func (s *Server) leave(c *conn) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c.Conn)
}

func (s *Server) problem(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, text)
}

func (s *Server) end() {
	s.tb.Helper()
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
	for _, p := range s.problems {
		s.tb.Errorf("rawserver: %s", p)
	}
	if s.accepted < len(s.scripts) {
		s.tb.Errorf("rawserver: %d of %d scripts were not used", len(s.scripts)-s.accepted, len(s.scripts))
	}
}

// ReadRequest reads a whole request and keeps it. The client must send one.
func ReadRequest() Step {
	return Step{expect: true, do: func(c *conn) error {
		_, _, err := c.read()
		return err
	}}
}

// read reads a whole request and keeps it.
func (c *conn) read() (int, Request, error) {
	in, err := http.ReadRequest(c.in)
	if err != nil {
		return 0, Request{}, err
	}
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return 0, Request{}, err
	}
	r := Request{in.Method, in.RequestURI, in.Header, string(body)}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if c.server.read++; c.server.read <= maxKept {
		c.server.requests = append(c.server.requests, r)
	}
	return c.server.read - 1, r, nil
}

// Write sends text as it is.
func Write(text string) Step {
	return Step{do: func(c *conn) error {
		_, err := io.WriteString(c.Conn, text)
		return err
	}}
}

// Flood sends text again and again until the client has gone.
func Flood(text string) Step {
	block := bytes.Repeat([]byte(text), 1+(32<<10)/len(text))
	return Step{do: func(c *conn) error {
		for {
			if _, err := c.Write(block); err != nil {
				return err
			}
		}
	}}
}

// Drip sends text again and again, one byte at a time, until the client has gone.
func Drip(text string, every time.Duration) Step {
	return Step{do: func(c *conn) error {
		for i := 0; ; i++ {
			if _, err := c.Write([]byte{text[i%len(text)]}); err != nil {
				return err
			}
			time.Sleep(every)
		}
	}}
}

// Stall sends nothing until the client has gone.
func Stall() Step {
	return Step{do: func(c *conn) error {
		_, err := io.Copy(io.Discard, c.in)
		return err
	}}
}

// Reset ends the connection with a TCP reset.
func Reset() Step {
	return Step{do: func(c *conn) error {
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
		return nil
	}}
}

// WaitFor lets the test say when the script goes on.
func WaitFor(signal <-chan struct{}) Step {
	return Step{do: func(*conn) error {
		select {
		case <-signal:
			return nil
		case <-time.After(10 * time.Second):
			return errors.New("no signal came")
		}
	}}
}

// Do runs f on the connection, for other protocols than HTTP/1. An error fails the test.
func Do(f func(in io.Reader, out io.Writer) error) Step {
	return Step{expect: true, do: func(c *conn) error {
		err := f(c.in, c.Conn)
		if err != nil {
			c.server.problem(err.Error())
		}
		return err
	}}
}
