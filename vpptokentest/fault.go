package vpptokentest

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
)

// Fault is what happens to a request instead of, or in addition to, its normal answer. Fields can
// be combined; the zero Fault lets its request pass, so that the next fault hits a later one.
type Fault struct {
	// Method and Path choose the request: the fault waits for one that matches both. Empty matches
	// every request to Graph. Path is the end of the request's path, without a query: "/syncLicenses"
	// for every sync, "vppTokens" for the list and for Create, the id of a token for Get, Update and
	// Delete. Only a fault whose Path matches a sign-in, such as "/token" or "/devicecode", hits it.
	Method, Path string
	// Times is how many requests in a row the fault hits. 0 means once.
	Times int

	// Status is answered instead of carrying the request out, with Graph's or the sign-in's error
	// body from 400 on and no body below. Zero carries the request out as usual. It is 200 to 599.
	Status     int
	RetryAfter string        // the Retry-After header, verbatim: "7", "2.128", a date or nonsense; "" sends none
	Header     http.Header   // added to the answer, replacing headers of the same name
	Body       string        // replaces the body of the answer; set a Content-Type in Header if it isn't JSON
	Delay      time.Duration // passes before the request is carried out and answered; ends early when the client leaves
	Intune     bool          // the error body is the kind that Intune nests: JSON in the message, twice for a 401
	Reset      bool          // the connection is closed before anything is answered
	Truncate   bool          // the connection is closed after half of the answer's body, or before it when there is none

	// AfterEffect carries the request out first, before the delay too, whatever the client then
	// gets to see.
	AfterEffect bool
}

// Fail scripts faults for the next requests. Each request takes the first matching fault that is
// not used up: without Method and Path, the first fault is for the next request, the second for the
// one after it. Later faults queue up behind. Fail panics when a Status is out of range, Times is
// negative, or Path holds a query.
func (s *Server) Fail(f ...Fault) {
	for _, one := range f {
		one.check()
	}
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	for _, one := range f {
		one.Times = max(one.Times, 1)
		s.script.faults = append(s.script.faults, one)
	}
}

func (f Fault) check() {
	switch {
	case f.Status != 0 && (f.Status < http.StatusOK || f.Status > 599):
		panic(fmt.Sprintf("vpptokentest: Fail: status %d is not one of 200 to 599", f.Status))
	case f.Times < 0:
		panic(fmt.Sprintf("vpptokentest: Fail: Times is %d", f.Times))
	case strings.ContainsAny(f.Path, "?#"):
		panic("vpptokentest: Fail: Path is the end of a path, without a query")
	}
}

// UnusedFaults returns how many scripted faults have not occurred yet; a fault with Times counts
// once for each remaining time. A test that ends with any has not tested what it claims.
func (s *Server) UnusedFaults() int {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	n := 0
	for _, f := range s.script.faults {
		n += f.Times
	}
	return n
}

// fits reports whether the request is one that the fault waits for.
func (f Fault) fits(r *http.Request) bool {
	if f.Path == "" && isSignIn(r) || f.Method != "" && !strings.EqualFold(f.Method, r.Method) {
		return false
	}
	return strings.HasSuffix(r.URL.Path, f.Path) || strings.HasSuffix(r.URL.EscapedPath(), f.Path)
}

// answer is the scripted status with its body.
func (f Fault) answer(ids identity) answer {
	a := answer{status: f.Status}
	switch {
	case f.Status < http.StatusBadRequest:
	case ids.signIn:
		return refusalOf(f.Status).answer(ids)
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
