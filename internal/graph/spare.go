package graph

import (
	"sync"
	"weak"
)

// spare lends the memory of a long answer to the next one. Its pointer is weak, so it adds nothing
// to what a program holds: the garbage collector takes memory that no answer needs soon.
type spare struct {
	mu   sync.Mutex
	last weak.Pointer[[]byte]
}

// least is what is worth keeping, in bytes.
const least = 64 << 10

func (s *spare) take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.last.Value()
	s.last = weak.Pointer[[]byte]{}
	if last == nil {
		return nil
	}
	return *last
}

func (s *spare) give(b []byte) {
	if cap(b) < least {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = weak.Make(&b)
}

// Reuse takes back the Body of a call with Reuse set. Nothing may refer to it any more.
func (c *Client) Reuse(o *Outcome) {
	c.spare.give(o.Body)
	o.Body = nil
}
