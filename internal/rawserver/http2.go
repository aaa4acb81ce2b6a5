package rawserver

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The codes of RST_STREAM and GOAWAY.
const (
	NoError            = 0
	ProtocolError      = 1
	InternalError      = 2
	RefusedStream      = 7
	Cancel             = 8
	EnhanceYourCalm    = 11
	HTTP11Required     = 13
	LastKnownErrorCode = HTTP11Required
)

// The types of frames that are looked at.
const (
	frameData         = 0
	frameHeaders      = 1
	frameReset        = 3
	frameSettings     = 4
	framePing         = 6
	frameGoAway       = 7
	frameWindowUpdate = 8
	frameContinuation = 9
)

// HTTP2 is a service on loopback that speaks HTTP/2 over TLS, reads whole requests, and does with
// each what its test says.
type HTTP2 struct {
	scheme   string
	listener net.Listener
	react    func(n int, r Request) Reaction
	done     sync.WaitGroup

	mu       sync.Mutex
	open     map[net.Conn]struct{}
	read     int
	requests []Request
	accepted int
	closed   bool
}

// Reaction is what the service does with a request that it has read.
type Reaction func(s *Stream) error

// Stream is one request on its connection.
type Stream struct {
	id   uint32
	conn net.Conn
}

// NewHTTP2 starts a service that ends with the test. react is asked for the nth request, from 0, of
// all connections.
func NewHTTP2(tb testing.TB, react func(n int, r Request) Reaction) *HTTP2 {
	tb.Helper()
	raw, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it opens at once, and ends with the test
	if err != nil {
		tb.Fatal(err)
	}
	certificate, _ := Certificate()
	return newHTTP2(tb, react, "https://", tls.NewListener(raw, &tls.Config{
		Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
	}))
}

// NewPlainHTTP2 is NewHTTP2 without TLS, for clients that know that it speaks HTTP/2.
func NewPlainHTTP2(tb testing.TB, react func(n int, r Request) Reaction) *HTTP2 {
	tb.Helper()
	raw, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it opens at once, and ends with the test
	if err != nil {
		tb.Fatal(err)
	}
	return newHTTP2(tb, react, "http://", raw)
}

func newHTTP2(tb testing.TB, react func(n int, r Request) Reaction, scheme string, l net.Listener) *HTTP2 {
	tb.Helper()
	s := &HTTP2{scheme: scheme, listener: l, react: react, open: make(map[net.Conn]struct{})}
	s.done.Go(s.accept)
	tb.Cleanup(s.Close)
	return s
}

// Close ends the service and all its connections.
func (s *HTTP2) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.done.Wait()
}

// Addr returns host and port.
func (s *HTTP2) Addr() string { return s.listener.Addr().String() }

// URL returns the root address.
func (s *HTTP2) URL() string { return s.scheme + s.Addr() }

// Requests returns the requests that were read whole, and of very many the first.
func (s *HTTP2) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Connections returns how many were accepted.
func (s *HTTP2) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Transport returns a transport that trusts the service, whose connections end with the test.
func Transport(tb testing.TB) *http.Transport {
	tb.Helper()
	_, pool := Certificate()
	t := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}
	tb.Cleanup(t.CloseIdleConnections)
	return t
}

// Certificate returns the certificate of this process's services for loopback, made anew, and a
// pool that trusts only it.
var Certificate = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, DNSNames: []string{"localhost", "service.example"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	if template, err = x509.ParseCertificate(der); err == nil {
		pool.AddCert(template)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
})

func (s *HTTP2) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			_ = c.Close()
		}
		s.accepted++
		s.open[c] = struct{}{}
		s.mu.Unlock()
		s.done.Go(func() {
			_ = s.serve(c)
			_ = c.Close()
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.open, c)
		})
	}
}

// serve reads frames until the connection ends, one way or another.
func (s *HTTP2) serve(c net.Conn) error {
	in := bufio.NewReader(c)
	if _, err := io.ReadFull(in, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return err
	}
	if err := writeFrame(c, frameSettings, 0, 0, nil); err != nil {
		return err
	}
	var headers hpack
	var block []byte
	streams := make(map[uint32]*Request)
	for {
		kind, flags, id, payload, err := readFrame(in)
		if err != nil {
			return err
		}
		ended := flags&1 != 0
		switch kind {
		case frameSettings:
			if flags&1 == 0 {
				err = writeFrame(c, frameSettings, 1, 0, nil)
			}
			ended = false
		case framePing:
			if flags&1 == 0 {
				err = writeFrame(c, framePing, 1, 0, payload)
			}
			ended = false
		case frameHeaders, frameContinuation:
			if kind == frameHeaders {
				block, streams[id] = nil, &Request{Header: make(http.Header)}
			}
			if block = append(block, payload...); flags&4 != 0 {
				err = headers.decode(block, streams[id].field)
			}
			ended = ended && kind == frameHeaders
		case frameData:
			if r := streams[id]; r != nil {
				r.Body += string(payload)
			}
			if len(payload) > 0 { // the window of the connection never closes
				err = writeFrame(c, frameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, uint32(len(payload)))) //nolint:gosec // a frame is small
			}
		default:
			ended = false
		}
		if r := streams[id]; err == nil && ended && r != nil {
			delete(streams, id)
			err = s.next(*r)(&Stream{id: id, conn: c})
		}
		if err != nil {
			return err
		}
	}
}

func (s *HTTP2) next(r Request) Reaction {
	s.mu.Lock()
	n := s.read
	if s.read++; n < maxKept {
		s.requests = append(s.requests, r)
	}
	s.mu.Unlock()
	return s.react(n, r)
}

func (r *Request) field(name, value string) {
	switch name {
	case ":method":
		r.Method = value
	case ":path":
		r.Path = value
	default:
		r.Header.Add(name, value)
	}
}

// Respond answers. Headers are pairs.
func Respond(status int, body string, headers ...string) Reaction {
	return func(s *Stream) error {
		if err := s.head(status, body == "", headers...); err != nil || body == "" {
			return err
		}
		return writeFrame(s.conn, frameData, 1, s.id, []byte(body))
	}
}

// CutShort answers with the beginning of a body, and then does what then does.
func CutShort(body string, then Reaction) Reaction {
	return func(s *Stream) error {
		if err := s.head(http.StatusOK, false, "content-type", "application/json"); err != nil {
			return err
		}
		if err := writeFrame(s.conn, frameData, 0, s.id, []byte(body)); err != nil {
			return err
		}
		return then(s)
	}
}

func (s *Stream) head(status int, end bool, headers ...string) error {
	block := append([]byte("\x08\x03"), strconv.Itoa(status)...)
	for i, h := range headers {
		if i%2 == 0 {
			block = append(block, 0)
		}
		block = append(block, byte(min(len(h), 126))) // the test fails on a longer one
		block = append(block, h...)
	}
	flags := byte(4)
	if end {
		flags |= 1
	}
	return writeFrame(s.conn, frameHeaders, flags, s.id, block)
}

// ResetStream ends the stream with a code.
func ResetStream(code uint32) Reaction {
	return func(s *Stream) error {
		return writeFrame(s.conn, frameReset, 0, s.id, binary.BigEndian.AppendUint32(nil, code))
	}
}

// GoAway says, by last, how far the service has looked at the streams of the connection, and leaves
// it open.
func GoAway(last, code uint32, debug string) Reaction {
	return func(s *Stream) error {
		payload := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code)
		return writeFrame(s.conn, frameGoAway, 0, 0, append(payload, debug...))
	}
}

// GoAwayHere is GoAway whose last stream is this one.
func GoAwayHere(code uint32) Reaction {
	return func(s *Stream) error { return GoAway(s.id, code, "")(s) }
}

// Silence does nothing.
func Silence() Reaction { return func(*Stream) error { return nil } }

var errHungUp = errors.New("hung up")

// HangUp closes the connection.
func HangUp() Reaction { return func(*Stream) error { return errHungUp } }

// Sever ends the connection with a TCP reset.
func Sever() Reaction {
	return func(s *Stream) error {
		raw := s.conn
		if secure, ok := raw.(*tls.Conn); ok {
			raw = secure.NetConn()
		}
		if tcp, ok := raw.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = raw.Close()
		return errHungUp
	}
}

// InTurn does one thing after the other.
func InTurn(reactions ...Reaction) Reaction {
	return func(s *Stream) error {
		for _, r := range reactions {
			if err := r(s); err != nil {
				return err
			}
		}
		return nil
	}
}

func readFrame(in io.Reader) (kind, flags byte, stream uint32, payload []byte, err error) {
	head := make([]byte, 9)
	if _, err = io.ReadFull(in, head); err != nil {
		return 0, 0, 0, nil, err
	}
	payload = make([]byte, binary.BigEndian.Uint32(head)>>8)
	_, err = io.ReadFull(in, payload)
	return head[3], head[4], binary.BigEndian.Uint32(head[5:]), payload, err
}

func writeFrame(out io.Writer, kind, flags byte, stream uint32, payload []byte) error {
	frame := bytes.NewBuffer(make([]byte, 0, 9+len(payload)))
	frame.Write(binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))) //nolint:gosec // a frame is small
	frame.WriteByte(flags)
	frame.Write(binary.BigEndian.AppendUint32(nil, stream))
	frame.Write(payload)
	_, err := out.Write(frame.Bytes())
	return err
}
