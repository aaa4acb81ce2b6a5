package faulttest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
	"github.com/vpptoken/vpptoken/internal/rawserver"
)

// Whatever a service does instead of answering, the attempt ends with its time, and the call with
// its own.
func TestR06StallsAndDrips(t *testing.T) {
	t.Parallel()
	read := rawserver.ReadRequest()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for name, script := range map[string]rawserver.Script{
		"no headers":          {read, rawserver.Stall()},
		"half of the headers": {read, rawserver.Write(head), rawserver.Stall()},
		"headers drip":        {read, rawserver.Write(head), rawserver.Drip("X-Slow: 1\r\n", 5*time.Millisecond)},
		"no body":             {read, rawserver.Write(head + "\r\n"), rawserver.Stall()},
		"half of the body":    {read, rawserver.Write(head + "Content-Length: 50\r\n\r\n{\"id\""), rawserver.Stall()},
		"body drips":          {read, rawserver.Write(head + "\r\n"), rawserver.Drip(" ", 5*time.Millisecond)},
		"chunks drip": {
			read, rawserver.Write(head + "Transfer-Encoding: chunked\r\n\r\n"),
			rawserver.Drip("1\r\n \r\n", 5*time.Millisecond),
		},
		"switches protocols": {
			read,
			rawserver.Write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
			rawserver.Stall(),
		},
		"switches and drips": {
			read,
			rawserver.Write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
			rawserver.Drip("x", 5*time.Millisecond),
		},
		"body of an error": {read, rawserver.Write("HTTP/1.1 400 Bad Request\r\n\r\n{\"error\""), rawserver.Stall()},
		"error drips": {
			read, rawserver.Write("HTTP/1.1 403 Forbidden\r\n\r\n"),
			rawserver.Drip("x", 5*time.Millisecond),
		},
		"does not read":         {rawserver.Stall()},
		"continues and no more": {read, rawserver.Write("HTTP/1.1 100 Continue\r\n\r\n"), rawserver.Stall()},
	} {
		for _, name2 := range []string{"get", "create"} {
			t.Run(name+"/"+name2, func(t *testing.T) {
				t.Parallel()
				const attempt = 150 * time.Millisecond
				op := faulttest.Named(t, name2)
				client := faulttest.Loopback(t, rawserver.New(t, script).URL(),
					vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1, AttemptTimeout: attempt}))
				began := time.Now()
				err := op.Run(t.Context(), client)
				took := time.Since(began)
				e := faulttest.Error(t, err)
				if took > attempt+2*time.Second { // the machine may be busy: synctest measures the 50 ms
					t.Errorf("took %v", took)
				}
				if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
					t.Errorf("error %v matches the end of a context that is alive", err)
				}
				if name == "body of an error" && e.StatusCode != http.StatusBadRequest || name == "error drips" &&
					e.StatusCode != http.StatusForbidden {
					t.Errorf("error %+v has lost its status", *e)
				}
			})
		}
	}
}

// An answer that is not HTTP is a connection that broke: reads are repeated, what acts is
// ambiguous, and no error quotes the service.
func TestR06NotHTTP(t *testing.T) {
	t.Parallel()
	read := rawserver.ReadRequest()
	for name, step := range map[string]rawserver.Step{
		"1xx flood": rawserver.Flood("HTTP/1.1 103 Early Hints\r\nLink: </" +
			faulttest.Bearer + ">\r\n\r\n"),
		"no status line":       rawserver.Write(faulttest.Bearer + "\r\n\r\n"),
		"bad version":          rawserver.Write("HTTP/9.9.9 200 " + faulttest.Bearer + "\r\n\r\n"),
		"bad status":           rawserver.Write("HTTP/1.1 2OO " + faulttest.Bearer + "\r\n\r\n"),
		"status of two digits": rawserver.Write("HTTP/1.1 20 " + faulttest.Bearer + "\r\n\r\n"),
		"bad header":           rawserver.Write("HTTP/1.1 200 OK\r\n" + faulttest.Bearer + "\r\n\r\n"),
		"bad Content-Length":   rawserver.Write("HTTP/1.1 200 OK\r\nContent-Length: " + faulttest.Bearer + "\r\n\r\n"),
		"bad transfer encoding": rawserver.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: " +
			faulttest.Bearer + "\r\n\r\n"),
		"endless header": rawserver.Flood(faulttest.Bearer),
		"endless headers": rawserver.Flood("HTTP/1.1 200 OK\r\n" +
			strings.Repeat("X-"+faulttest.Bearer[:3]+": "+faulttest.Bearer+"\r\n", 100)),
		"TLS alert":      rawserver.Write("\x15\x03\x01\x00\x02\x02\x16"),
		"HTTP/2 preface": rawserver.Write("\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := rawserver.New(t, rawserver.Script{read, step})
			err := faulttest.Named(t, "create").Run(t.Context(),
				faulttest.Loopback(t, server.URL(), faulttest.Quick(5*time.Second)))
			if e := faulttest.Error(t, err); !e.Ambiguous || e.Attempts != 1 || e.StatusCode != 0 {
				t.Errorf("error %+v", *e)
			}
			leaktest.ShowsNoSecret(t, err)
			get := faulttest.Named(t, "get")
			again := rawserver.New(t, rawserver.Script{read, step},
				rawserver.Script{read, rawserver.Write(goodAnswer(get))})
			err = get.Run(t.Context(), faulttest.Loopback(t, again.URL(), faulttest.Quick(5*time.Second)))
			if err != nil {
				t.Errorf("a read was not repeated: %v", err)
			}
		})
	}
}

// frame writes an HTTP/2 frame.
func frame(out io.Writer, kind, flags byte, stream uint32, payload []byte) error {
	head := make([]byte, 9, 9+len(payload))
	binary.BigEndian.PutUint32(head, uint32(len(payload))<<8|uint32(kind))
	head[4] = flags
	binary.BigEndian.PutUint32(head[5:], stream)
	_, err := out.Write(append(head, payload...))
	return err
}

// http2Peer speaks just enough of HTTP/2: it reads whole requests, and answers each by what is next
// in answers.
func http2Peer(bodies chan<- string, answers ...func(out io.Writer, stream uint32) error) rawserver.Step {
	return rawserver.Do(func(in io.Reader, out io.Writer) error {
		if _, err := io.ReadFull(in, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return err
		}
		if err := frame(out, 4, 0, 0, nil); err != nil { // SETTINGS
			return err
		}
		var body bytes.Buffer
		for len(answers) > 0 {
			head := make([]byte, 9)
			if _, err := io.ReadFull(in, head); err != nil {
				return err
			}
			payload := make([]byte, binary.BigEndian.Uint32(head)>>8)
			if _, err := io.ReadFull(in, payload); err != nil {
				return err
			}
			if head[3] == 0 { // DATA
				body.Write(payload)
			}
			if head[3] > 1 || head[4]&1 == 0 { // no DATA or HEADERS, or not the end of the stream
				continue
			}
			bodies <- body.String()
			body.Reset()
			if err := answers[0](out, binary.BigEndian.Uint32(head[5:])); err != nil {
				return err
			}
			answers = answers[1:]
		}
		_, _ = io.Copy(io.Discard, in)
		return nil
	})
}

func resetStream(code uint32) func(io.Writer, uint32) error {
	return func(out io.Writer, stream uint32) error {
		return frame(out, 3, 0, stream, binary.BigEndian.AppendUint32(nil, code))
	}
}

// created answers 201 with a token.
func created(out io.Writer, stream uint32) error {
	if err := frame(out, 1, 4, stream, []byte("\x08\x03201")); err != nil {
		return err
	}
	return frame(out, 0, 1, stream, []byte(`{"id":"1"}`))
}

// An HTTP/2 service that refuses a stream has not looked at it: net/http sends the request again,
// with its body. A stream that it resets for another reason may have been carried out.
func TestR05HTTP2Streams(t *testing.T) {
	t.Parallel()
	const refused, internal = 7, 2
	for name, tc := range map[string]struct {
		answers []func(io.Writer, uint32) error
		fails   bool
	}{
		"refused":        {[]func(io.Writer, uint32) error{resetStream(refused), created}, false},
		"internal error": {[]func(io.Writer, uint32) error{resetStream(internal)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certified := httptest.NewUnstartedServer(nil)
			certified.EnableHTTP2 = true
			certified.StartTLS()
			certificate, pool := certified.TLS.Certificates,
				certified.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			certified.Close()
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			bodies := make(chan string, 8)
			server := rawserver.NewOn(t, tls.NewListener(l, &tls.Config{
				Certificates: certificate, NextProtos: []string{"h2"},
				MinVersion: tls.VersionTLS12,
			}),
				rawserver.Script{http2Peer(bodies, tc.answers...)})
			transport := &http.Transport{
				TLSClientConfig:   &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
				ForceAttemptHTTP2: true,
			}
			t.Cleanup(transport.CloseIdleConnections)
			client := faulttest.Loopback(t, "https://"+server.Addr(), faulttest.Quick(10*time.Second),
				vpptoken.WithHTTPClient(&http.Client{Transport: transport}))
			err = faulttest.Named(t, "create").Run(t.Context(), client)
			close(bodies)
			var got []string
			for b := range bodies {
				got = append(got, b)
			}
			if len(got) != len(tc.answers) || !strings.Contains(got[len(got)-1], faulttest.AppleToken) ||
				got[0] != got[len(got)-1] {
				t.Errorf("bodies %q", got)
			}
			if !tc.fails {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e := faulttest.Error(t, err); !e.Ambiguous || e.Attempts != 1 {
				t.Errorf("error %+v", *e)
			}
		})
	}
}
