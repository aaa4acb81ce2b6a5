package graph

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// causeOf describes a transport error by the kinds that Go and the operating system give it, never
// by its text: net/http quotes the other side. An error of no known kind, such as an answer that
// isn't HTTP, counts as a broken connection. All kinds are retried except those that a retry can't
// fix.
func causeOf(err error) *Cause {
	c := &Cause{text: "network error", retry: true, retryLater: true, is: whileAlive(err)}
	peer := "the service"
	op, isOp := errors.AsType[*net.OpError](err)
	if isOp && op.Op == "proxyconnect" {
		peer, c.text = "the proxy", "the proxy can't be reached"
	}
	timeout, isNet := errors.AsType[net.Error](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	errno, isErrno := errors.AsType[syscall.Errno](err)
	refusal, isRefusal := errors.AsType[proxyError](err)
	switch {
	case isRefusal:
		return refusal.cause()
	case isDNS:
		c.text = peer + "'s name can't be resolved"
		c.retry = !dns.IsNotFound
	case isTLS(err):
		c.text, c.retry, c.retryLater = peer+"'s certificate or TLS is not acceptable", false, false
	case isErrno:
		c.text += ": " + errno.Error() // a text of the operating system
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		c.text = noAnswer
	case isNet && timeout.Timeout():
		c.text += ": timeout"
	case isOp && strings.HasPrefix(op.Op, "socks "): // it has no other mark
		return proxyError(0).cause()
	default:
		c.unknown = true
	}
	return c
}

// isTLS reports whether either side refused a certificate or TLS itself: crypto/tls marks an alert
// by its Op.
func isTLS(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	if ok && op.Op == "proxyconnect" {
		op, ok = errors.AsType[*net.OpError](op.Err)
	}
	if ok && (op.Op == "remote error" || op.Op == "local error") {
		return true
	}
	return is[*tls.CertificateVerificationError](err) || is[x509.UnknownAuthorityError](err) ||
		is[x509.HostnameError](err) || is[x509.CertificateInvalidError](err) || is[tls.AlertError](err) ||
		is[tls.RecordHeaderError](err) ||
		errors.Is(err, http.ErrSchemeMismatch)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// proxyError is the status of a proxy that refused to connect, 0 if unknown.
type proxyError int

func (s proxyError) Error() string {
	if s == 0 {
		return "the proxy refused the connection"
	}
	return "the proxy refused the connection: " + statusLine(int(s))
}

// cause is retried only if it may be temporary. A proxy that asks for a password may count failed
// attempts.
func (s proxyError) cause() *Cause {
	passing := s >= http.StatusInternalServerError || s == http.StatusRequestTimeout || s == http.StatusTooManyRequests
	return &Cause{text: s.Error(), retry: passing, retryLater: passing}
}
