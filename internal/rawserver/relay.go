package rawserver

import (
	"net"
	"sync"
	"testing"
)

// Relay passes connections on to a service, until it swallows the current ones: nothing goes
// through them anymore, in either direction, and neither side is told.
type Relay struct {
	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	age      int
	accepted int
	open     []net.Conn
}

// NewRelay starts a relay to host and port that ends with the test.
func NewRelay(tb testing.TB, target string) *Relay {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it opens at once, and ends with the test
	if err != nil {
		tb.Fatal(err)
	}
	r := &Relay{listener: l, target: target}
	r.done.Go(r.accept)
	tb.Cleanup(r.Close)
	return r
}

// Addr returns host and port.
func (r *Relay) Addr() string { return r.listener.Addr().String() }

// Swallow makes all current connections dead, and leaves them open. New ones work.
func (r *Relay) Swallow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.age++
}

// Connections returns how many were accepted.
func (r *Relay) Connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accepted
}

// Close ends all connections.
func (r *Relay) Close() {
	_ = r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for _, c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.done.Wait()
}

func (r *Relay) accept() {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", r.target) //nolint:noctx // on loopback
		if err != nil {
			_ = in.Close()
			continue
		}
		r.mu.Lock()
		if r.closed {
			_ = in.Close()
			_ = out.Close()
		}
		r.accepted++
		r.open = append(r.open, in, out)
		age := r.age
		r.mu.Unlock()
		r.done.Go(func() { r.pass(in, out, age) })
		r.done.Go(func() { r.pass(out, in, age) })
	}
}

// pass copies until one side ends, or the connection is swallowed: then it only reads.
func (r *Relay) pass(from, to net.Conn, age int) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		r.mu.Lock()
		dead := r.age > age
		r.mu.Unlock()
		if dead && err == nil {
			continue
		}
		if err == nil {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			_ = from.Close()
			if !dead {
				_ = to.Close()
			}
			return
		}
	}
}
