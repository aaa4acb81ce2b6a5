package vpptokentest

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

const redacted = "REDACTED"

// Request is a request as it arrived. It prints, logs and encodes without its body, which may hold
// an Apple token; a printer that walks memory instead of calling methods does show it.
type Request struct {
	Method string      `json:"method"`
	Path   string      `json:"path"`   // as sent, escaped: "/beta/deviceAppManagement/vppTokens"
	Query  url.Values  `json:"query"`  // decoded; nil when there was none or it could not be read
	Header http.Header `json:"header"` // Authorization is there when it was sent, but its value is "Bearer REDACTED"
	Body   string      `json:"-"`      // as it came, but for a sign-in's secrets; "" when there was none, cut above 1 MiB
}

// Format writes the method, the path and the size of the body, under every verb.
func (r Request) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(r.line())) }

// LogValue returns the same as Format writes.
func (r Request) LogValue() slog.Value { return slog.StringValue(r.line()) }

func (r Request) line() string {
	path := r.Path
	if len(r.Query) > 0 {
		path += "?" + r.Query.Encode()
	}
	return fmt.Sprintf("%s %s (%d bytes)", r.Method, path, len(r.Body))
}

// Requests returns all requests so far, sign-ins included, in the order in which they arrived,
// refused and failed ones too. What is returned is the caller's own.
func (s *Server) Requests() []Request {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	list := slices.Clone(s.script.requests)
	for i, r := range list {
		list[i].Header = r.Header.Clone()
		list[i].Query = url.Values(http.Header(r.Query).Clone())
	}
	return list
}

// script is what has come in, and what is to come back. One lock, so that the nth fault meets the
// nth request.
type script struct {
	mu       sync.Mutex
	requests []Request
	faults   []Fault
}

// record keeps the request and takes the first fault that fits it.
func (s *script) record(r *http.Request, body []byte) (f Fault, scripted bool) {
	text, rawQuery := string(body[:min(len(body), maxBody)]), r.URL.RawQuery
	if isSignIn(r) {
		text, rawQuery = withoutSecrets(text), withoutSecrets(rawQuery)
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil || len(query) == 0 {
		query = nil
	}
	header := r.Header.Clone()
	if value := header.Get("Authorization"); strings.HasPrefix(value, "Bearer ") {
		header.Set("Authorization", "Bearer "+redacted)
	} else if value != "" {
		header.Set("Authorization", redacted)
	}
	seen := Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: query, Header: header, Body: text}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, seen)
	i := slices.IndexFunc(s.faults, func(f Fault) bool { return f.fits(r) })
	if i < 0 {
		return Fault{}, false
	}
	f = s.faults[i]
	if s.faults[i].Times--; s.faults[i].Times == 0 {
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	return f, true
}
