package graph

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// causeOf finds words for an error of the transport, by the kinds that Go and the operating system
// give it and never by a text: net/http quotes the other side. What is of no known kind, as an
// answer that is no HTTP, is a connection that broke. Only the kinds that another attempt can't
// help are not repeated.
func causeOf(err error) *Cause {
	c := &Cause{text: "network error", repeat: true, retryLater: true, is: whileAlive(err)}
	peer := "the service"
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
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
		c.repeat = !dns.IsNotFound
	case isTLS(err):
		c.text, c.repeat, c.retryLater = peer+"'s certificate or TLS is not acceptable", false, false
	case isErrno:
		c.text += ": " + errno.Error() // a text of the operating system
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		c.text = noAnswer
	case isNet && timeout.Timeout():
		c.text += ": timeout"
	default:
		c.unknown = true
	}
	return c
}

// isTLS reports whether a certificate or TLS itself was refused, by either side: crypto/tls names
// an alert by its Op.
func isTLS(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return true
	}
	return is[*tls.CertificateVerificationError](err) || is[x509.UnknownAuthorityError](err) || is[x509.HostnameError](err) ||
		is[x509.CertificateInvalidError](err) || is[tls.AlertError](err) || is[tls.RecordHeaderError](err) ||
		errors.Is(err, http.ErrSchemeMismatch)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// proxyError is the status of a proxy that did not make the connection it was asked for, 0 when it
// is not known.
type proxyError int

func (s proxyError) Error() string {
	if s == 0 {
		return "the proxy refused the connection"
	}
	return strings.TrimSpace(fmt.Sprintf("the proxy refused the connection: %d %s", int(s), http.StatusText(int(s))))
}

// cause is repeated for what can pass. A proxy that asks for a password may count the attempts
// without one.
func (s proxyError) cause() *Cause {
	passing := s >= http.StatusInternalServerError || s == http.StatusRequestTimeout || s == http.StatusTooManyRequests
	return &Cause{text: s.Error(), repeat: passing, retryLater: passing}
}
