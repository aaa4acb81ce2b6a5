package graph

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
)

// watch holds net/http to one request per attempt. On its own net/http sends some requests again: a
// GET whose connection broke, and over HTTP/2 any request whose stream was refused, was reset with
// PROTOCOL_ERROR (Go 1.26) or is above a GOAWAY's last stream, although the service may have
// carried it out. So an attempt whose request was written ends when net/http asks for a second
// connection. Which connection it would get shows why: HTTP/2 reuses the same one only for a
// refused stream, which the service has not processed.
//
// Each attempt has its own watch: net/http may still be dialing for the previous one, and
// WithClientTrace writes the caller's hooks into it. The request's other data is here too, to share
// the allocation.
type watch struct {
	trace  httptrace.ClientTrace
	cancel context.CancelFunc
	safe   bool // net/http retries it over HTTP/1 too
	sent   []byte
	body   bytes.Reader
	values [5]string // of headers

	mu         sync.Mutex
	host       string
	conn       net.Conn
	wanted     bool // a connection
	handshakes int  // of TLS that began
	wrote      bool // the headers
	plain2     bool // HTTP/2 without TLS
	lost       bool // the connection, after the request was written
	refused    bool // the stream
}

// in returns ctx with the watch in it. Without TLS only the names of header fields tell HTTP/2 from
// HTTP/1; with TLS, and perhaps behind a proxy, the handshake tells that the proxy let it through.
func (w *watch) in(ctx context.Context, secure, proxy bool) context.Context {
	w.trace.GetConn = w.getConn
	w.trace.GotConn = w.gotConn
	w.trace.WroteHeaders = w.wroteHeaders
	switch {
	case !secure:
		w.trace.WroteHeaderField = w.wroteHeaderField
	case proxy:
		w.trace.TLSHandshakeStart = w.handshake
	}
	return httptrace.WithClientTrace(ctx, &w.trace)
}

func (w *watch) getConn(host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.again(host)
	w.wanted, w.host = true, host
}

// gotConn may come without getConn: HTTP/2 does not call getConn for a connection that was dialed
// for another request.
func (w *watch) gotConn(info httptrace.GotConnInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.again(w.host)
	switch {
	case !w.lost:
		w.wanted, w.conn = true, info.Conn
	case !w.http2():
		_ = info.Conn.Close() // HTTP/1 would write regardless of the context
	default:
		switch info.Conn.(type) {
		case *tls.Conn, *net.TCPConn: // a caller's own type may be one that == panics on
			w.refused = w.conn == info.Conn
		}
	}
}

// again ends the attempt when net/http is about to send a request that was already written. HTTP/2
// checks the context before it writes.
func (w *watch) again(host string) {
	if w.wrote && (w.host == host || w.host == "") && (w.safe || w.http2()) {
		w.lost = true
		w.cancel()
	}
}

func (w *watch) handshake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handshakes++
}

func (w *watch) wroteHeaders() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote = true
}

func (w *watch) wroteHeaderField(name string, _ []string) {
	if strings.HasPrefix(name, ":") {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.plain2 = true
	}
}

// http2 reports whether the request went, or goes, over HTTP/2.
func (w *watch) http2() bool {
	secure, ok := w.conn.(interface{ ConnectionState() tls.ConnectionState })
	return w.plain2 || ok && secure.ConnectionState().NegotiatedProtocol == "h2"
}

// getBody is for net/http, which needs the body again when a connection turns out to be unusable
// before anything was written.
func (w *watch) getBody() (io.ReadCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost {
		return nil, errors.New("an attempt writes one request")
	}
	return io.NopCloser(bytes.NewReader(w.sent)), nil
}

// ended returns what is known of an attempt that failed with err: whether it may have reached the
// service, and the cause. Whatever the error says, nothing was sent only if there was no connection
// or the stream was refused. A transport other than net/http's calls no hooks: then the error is
// all there is.
func (w *watch) ended(err error) (sent bool, cause *Cause) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.refused:
		return false, refusedCause()
	case w.lost:
		return true, lostCause()
	case w.wanted:
		return w.conn != nil, causeOf(err)
	}
	return !isDial(err), causeOf(err)
}

// tunneled reports whether the attempt got past the proxy: to the service's TLS, which comes after
// that of a proxy that speaks TLS itself.
func (w *watch) tunneled(proxy *url.URL) bool {
	before := 0
	if proxy.Scheme == "https" {
		before = 1
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.wanted || w.conn != nil || w.handshakes > before
}

// isDial reports whether no connection was made at all.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
