package vpptokentest

import (
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

// maxBody is how much of a request body is read: far more than the largest content token needs.
const maxBody = 1 << 20

// answer is what goes back, apart from the headers that every answer has. A body without a type is
// JSON.
type answer struct {
	status      int
	contentType string
	header      http.Header
	body        []byte
}

// ServeHTTP answers as the server at [Server.URL] does, so that it can be served at a fixed address
// too, behind TLS, or behind a handler that counts or logs. Links lead to where the request came.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone: nobody is left to answer
	}
	f, scripted := s.script.record(r, body)
	ids := newIdentity(r, s.now)
	if !scripted {
		ids.write(w, s.carryOut(r, body, ids))
		return
	}
	var a answer
	if f.AfterEffect {
		a = s.carryOut(r, body, ids)
	}
	if !s.wait(r, f.Delay) {
		panic(http.ErrAbortHandler)
	}
	switch {
	case f.Reset:
		reset(w)
		return
	case f.Status != 0:
		a = f.answer(ids)
	case !f.AfterEffect:
		a = s.carryOut(r, body, ids)
	}
	f.change(&a)
	if f.Truncate {
		ids.writeHalf(w, a)
		return
	}
	ids.write(w, a)
}

// carryOut has the authority answer a sign-in, and otherwise checks the bearer and the size and has
// the tenant do the rest.
func (s *Server) carryOut(r *http.Request, body []byte, ids identity) answer {
	if ids.signIn {
		return s.authority.do(r, body, ids)
	}
	var a answer
	p := s.authority.check(r.Header.Get("Authorization"))
	switch {
	case p != nil:
	case len(body) > maxBody:
		p = &problem{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body is too large.", nil}
	default:
		a, p = s.tenant.do(r, body)
	}
	if p != nil {
		return p.answer(ids)
	}
	return a
}

// wait reports whether d has passed, false when the client or the server went away before.
func (s *Server) wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.closing:
	}
	return false
}

// identity is what names one request in its answer.
type identity struct {
	requestID, clientRequestID string
	now                        time.Time
	signIn                     bool // at the authority, which has headers of its own
}

func newIdentity(r *http.Request, now func() time.Time) identity {
	ids := identity{requestID: newGUID(), now: now().UTC(), signIn: isSignIn(r)}
	ids.clientRequestID = r.Header.Get("client-request-id")
	if ids.clientRequestID == "" {
		ids.clientRequestID = ids.requestID
	}
	return ids
}

func (i identity) write(w http.ResponseWriter, a answer) {
	i.header(w, a)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// writeHalf announces the whole body, sends half of it and closes the connection.
func (i identity) writeHalf(w http.ResponseWriter, a answer) {
	if len(a.body) == 0 {
		reset(w)
		return
	}
	i.header(w, a)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func (i identity) header(w http.ResponseWriter, a answer) {
	h := w.Header()
	h.Set("Date", i.now.Format(http.TimeFormat))
	h.Set("client-request-id", i.clientRequestID)
	if i.signIn {
		h.Set("x-ms-request-id", i.requestID)
	} else {
		h.Set("request-id", i.requestID)
		h.Set("x-ms-ags-diagnostic", `{"ServerInfo":{"DataCenter":"Loopback"}}`)
	}
	if len(a.body) > 0 {
		h.Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	if a.contentType != "" {
		h.Set("Content-Type", a.contentType)
	}
	maps.Copy(h, a.header)
}

// reset closes the connection so that the client sees a reset rather than an orderly end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// origin is the root that r was sent to.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its contract
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
