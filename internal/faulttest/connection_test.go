package faulttest_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/rawserver"
)

// F20: wherever an answer is cut, inside its status line or its headers, the connection broke:
// reads and writes are repeated, and what acts is sent once and ambiguous.
func TestR18CutAnywhere(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRequest-Id: 1\r\nContent-Length: 20\r\n\r\n"
	for _, name := range []string{"get", "update", "create"} {
		op := faulttest.Named(t, name)
		for end, last := range map[string][]rawserver.Step{"FIN": nil, "RST": {rawserver.Reset()}} {
			t.Run(name+"/"+end, func(t *testing.T) {
				t.Parallel()
				for cut := range len(head) + 1 {
					fault := append(rawserver.Script{rawserver.ReadRequest(), rawserver.Write(head[:cut])}, last...)
					checkBroken(t, fmt.Sprintf("cut at %d", cut), op, fault)
				}
			})
		}
	}
}

// What net/http quotes of the other side decides nothing, whatever it resembles.
func TestR18TextOfTheOtherSide(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"dial tcp 127.0.0.1:443: connect: connection refused", "lookup service.example: no such host", "i/o timeout", "EOF",
		"context deadline exceeded", "context canceled", "x509: certificate signed by unknown authority", "tls: failed to verify certificate",
		"remote error: tls: bad certificate", "proxyconnect tcp: Proxy Authentication Required", "stopped after 10 redirects",
		"unsupported protocol scheme", "http2: server sent GOAWAY and closed the connection", "stream error: stream ID 1; REFUSED_STREAM",
		"http: server closed idle connection", "too many requests", "rate limit exceeded",
	} {
		for _, name := range []string{"get", "update", "create"} {
			t.Run(text+"/"+name, func(t *testing.T) {
				t.Parallel()
				checkBroken(t, text, faulttest.Named(t, name), rawserver.Script{
					rawserver.ReadRequest(), rawserver.Write("HTTP/1.1 200 OK\r\n(" + text + "\r\n\r\n"), // no header
				})
			})
		}
	}
}

// An answer that ends with its connection, and within its JSON, broke off. One that is whole, or
// may be empty, did not.
func TestR24CutWithoutALength(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
	for _, name := range []string{"list", "get", "update", "create", "syncLicenses"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op := faulttest.Named(t, name)
			for cut := 1; cut < len(op.Answer); cut++ {
				checkBroken(t, op.Answer[:cut], op, rawserver.Script{
					rawserver.ReadRequest(),
					rawserver.Write(head + op.Answer[:cut]),
				})
			}
			checkBroken(t, "after a BOM", op, rawserver.Script{
				rawserver.ReadRequest(),
				rawserver.Write(head + "\uFEFF" + op.Answer[:len(op.Answer)-1]),
			})
			for what, answer := range map[string]string{
				"whole": op.Answer, "after a BOM": "\uFEFF" + op.Answer,
				"with space": " " + op.Answer + "\r\n",
			} {
				server := rawserver.New(t, rawserver.Script{rawserver.ReadRequest(), rawserver.Write(head + answer)})
				err := op.Run(t.Context(), faulttest.Loopback(t, server.URL(), faulttest.Quick(5*time.Second)))
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			server := rawserver.New(t, rawserver.Script{rawserver.ReadRequest(), rawserver.Write(head + "<html>")})
			err := op.Run(t.Context(), faulttest.Loopback(t, server.URL(), faulttest.Quick(5*time.Second)))
			if e := faulttest.Error(t, err); e.Attempts != 1 || e.StatusCode != http.StatusOK {
				t.Errorf("what is no JSON at all was taken for a cut: %+v", *e)
			}
		})
	}
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		checkBroken(t, "nothing", faulttest.Named(t, "get"),
			rawserver.Script{rawserver.ReadRequest(), rawserver.Write(head)})
		checkBroken(t, "nothing in gzip", faulttest.Named(t, "get"), rawserver.Script{
			rawserver.ReadRequest(), rawserver.Write(strings.Replace(head, "\r\n", "\r\nContent-Encoding: gzip\r\n", 1)),
		})
		server := rawserver.New(t, rawserver.Script{rawserver.ReadRequest(), rawserver.Write(head)})
		err := faulttest.Named(t, "revokeLicenses").Run(t.Context(), faulttest.Loopback(t, server.URL()))
		if err != nil {
			t.Errorf("a success without a body: %v", err)
		}
	})
}

// An answer that says where it ends, and ends there, is whole, even if its JSON is not: a repeat
// would get the same.
func TestR24HalfOfJSONAtItsEnd(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
	const half = `{"id":"1","displayName":"`
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(half))
	_ = z.Close()
	for name, answer := range map[string]string{
		"a length": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(half), half),
		"a chunk":  fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(half), half),
		"gzip":     "Content-Encoding: gzip\r\n\r\n" + packed.String(),
		"HTTP/2":   "", // the end of its stream
	} {
		for _, op := range []string{"get", "update"} {
			t.Run(name+"/"+op, func(t *testing.T) {
				t.Parallel()
				quick := faulttest.Quick(5 * time.Second)
				var client *vpptoken.Client
				if answer == "" {
					server := rawserver.NewHTTP2(t, func(int, rawserver.Request) rawserver.Reaction {
						return rawserver.Respond(http.StatusOK, half, "content-type", "application/json")
					})
					client = secureClient(t, server.URL(), quick)
				} else {
					server := rawserver.New(t, rawserver.Script{rawserver.ReadRequest(), rawserver.Write(head + answer)})
					client = faulttest.Loopback(t, server.URL(), quick)
				}
				err := faulttest.Named(t, op).Run(t.Context(), client)
				if e := faulttest.Error(t, err); e.Attempts != 1 || e.StatusCode != http.StatusOK || e.Ambiguous != (op == "update") {
					t.Errorf("error %+v (%v)", *e, err)
				}
			})
		}
	}
}

// A sign-in's answer that ends with its connection may be cut short as well.
func TestR24SignInCutWithoutALength(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
	const whole = `{"access_token":"` + faulttest.Bearer + `","token_type":"Bearer","expires_in":3600}`
	graph := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, faulttest.BareToken)
	}))
	t.Cleanup(graph.Close)
	for cut := range len(whole) {
		authority := rawserver.New(t, rawserver.Script{rawserver.ReadRequest(), rawserver.Write(head + whole[:cut])},
			rawserver.Script{rawserver.ReadRequest(), rawserver.Write(head + whole)})
		cloud, err := vpptoken.NewCloud(graph.URL, authority.URL())
		if err != nil {
			t.Fatal(err)
		}
		source, err := cloud.AppSource("contoso.example", "client-id", faulttest.ClientSecret)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := faulttest.ClientFor(t, source, faulttest.Quick(5*time.Second)).Get(t.Context(), faulttest.ID); err != nil {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

// checkBroken meets fault once, and a healthy service afterward.
func checkBroken(t *testing.T, what string, op faulttest.Operation, fault rawserver.Script) {
	t.Helper()
	unsafe := op.Effect == faulttest.Unsafe
	scripts := []rawserver.Script{fault}
	if !unsafe {
		scripts = append(scripts, rawserver.Script{rawserver.ReadRequest(), rawserver.Write(goodAnswer(op))})
	}
	server := rawserver.New(t, scripts...)
	var meta vpptoken.Metadata
	err := op.Run(t.Context(), faulttest.Loopback(t, server.URL(), faulttest.Quick(5*time.Second)),
		vpptoken.WithMetadata(&meta))
	if n := len(server.Requests()); n != len(scripts) || meta.Attempts != n {
		t.Errorf("%s: %d requests, Attempts %d, want %d: %v", what, n, meta.Attempts, len(scripts), err)
	}
	if !unsafe {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	if e := faulttest.Error(t, err); !e.Ambiguous || vpptoken.Retryable(err) || strings.Contains(err.Error(), "HTTP") {
		t.Errorf("%s: error %+v (%v)", what, *e, err)
	}
}
