package vpptokentest

import (
	"fmt"
	"maps"
	"net/http"
	"time"
)

// Fault is what happens to one request instead of, or on top of, its normal answer. Fields can be combined; the zero
// Fault lets its request pass, so that a fault behind it meets a later one.
type Fault struct {
	// Status is answered instead of carrying the request out, with Graph's error body from 400 on and no body below.
	// Zero carries the request out as usual. It is 200 to 599.
	Status     int
	RetryAfter string        // the Retry-After header as it is: "7", "2.128", a date or nonsense; "" sends none
	Header     http.Header   // added to the answer, replacing headers of the same name
	Body       string        // replaces the body of the answer; give a Content-Type in Header when it is no JSON
	Delay      time.Duration // passes before the answer, and before the request is carried out; ends early when the client leaves
	Intune     bool          // the error body is the kind that Intune nests: JSON in the message, twice for a 401
	Reset      bool          // the connection is closed before anything is answered
	Truncate   bool          // the connection is closed after half of the answer's body, or before an answer without a body

	// AfterEffect carries the request out first, before the delay too, whatever the client then gets to see.
	AfterEffect bool
}

// Fail scripts the next requests: the first fault is for the next request, the second for the one after it, whatever they
// ask for. Faults given later queue up behind. It panics when a Status is out of range.
func (s *Server) Fail(f ...Fault) {
	for _, one := range f {
		if one.Status != 0 && (one.Status < http.StatusOK || one.Status > 599) {
			panic(fmt.Sprintf("vpptokentest: Fail: status %d is not one of 200 to 599", one.Status))
		}
	}
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.faults = append(s.script.faults, f...)
}

// UnusedFaults returns how many scripted faults no request has met yet. A test that ends with any has not tested what
// it says.
func (s *Server) UnusedFaults() int {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	return len(s.script.faults)
}

// answer is the scripted status with its body.
func (f Fault) answer(ids identity) answer {
	a := answer{status: f.Status}
	switch {
	case f.Status < http.StatusBadRequest:
	case f.Intune:
		a.body = intuneBody(f.Status, ids)
	default:
		a.body = errorBody(codeOf(f.Status), "The test asked for this answer.", ids)
	}
	return a
}

// change puts the fault's own headers and body into a.
func (f Fault) change(a *answer) {
	a.header = maps.Clone(a.header)
	if a.header == nil {
		a.header = http.Header{}
	}
	for name, values := range f.Header {
		a.header[http.CanonicalHeaderKey(name)] = values
	}
	if f.RetryAfter != "" {
		a.header.Set("Retry-After", f.RetryAfter)
	}
	if f.Body != "" {
		a.body = []byte(f.Body)
	}
}
