package faulttest_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
	"github.com/vpptoken/vpptoken/internal/rawserver"
)

// F19: a proxy that refuses is named, and asked once: it may count the attempts without a password.
// Nothing was sent, so that nothing is ambiguous. What it says is not shown.
func TestR23ProxyRefuses(t *testing.T) {
	t.Parallel()
	for status, phrase := range map[string]string{
		"407": "Proxy Authentication Required", "403": "Forbidden", "302": "Found", "404": "Not Found",
		"999": faulttest.Bearer, "401": "",
	} {
		for _, name := range []string{"get", "update", "create"} {
			t.Run(status+"/"+name, func(t *testing.T) {
				t.Parallel()
				proxy := rawserver.New(t, rawserver.Script{
					rawserver.ReadRequest(),
					rawserver.Write("HTTP/1.1 " + status + " " + phrase +
						"\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"),
				})
				err := faulttest.Named(t, name).Run(t.Context(),
					proxied(t, "http://"+proxy.Addr(), "https://service.example"))
				e := faulttest.Error(t, err)
				if n := len(proxy.Requests()); n != 1 || proxy.Requests()[0].Method != http.MethodConnect {
					t.Errorf("%d requests to the proxy", n)
				}
				if e.Ambiguous || e.StatusCode != 0 || vpptoken.Retryable(err) ||
					!strings.Contains(err.Error(), "the proxy refused the connection") {
					t.Errorf("error %+v (%v)", *e, err)
				}
				leaktest.ShowsNoSecret(t, err)
			})
		}
	}
}

// The client's own transport knows the status: it tells what passes from what doesn't.
func TestR23ProxyOfTheEnvironment(t *testing.T) { //nolint:paralleltest // it changes http.DefaultTransport
	std := http.DefaultTransport.(*http.Transport)
	before := std.Proxy
	t.Cleanup(func() { std.Proxy = before })
	for status, tc := range map[int]struct { //nolint:paralleltest // see above
		asked int
		text  string
	}{
		407: {1, "the proxy refused the connection: 407 Proxy Authentication Required"},
		403: {1, "the proxy refused the connection: 403 Forbidden"},
		408: {4, "the proxy refused the connection: 408 Request Timeout"},
		429: {4, "the proxy refused the connection: 429 Too Many Requests"},
		502: {4, "the proxy refused the connection: 502 Bad Gateway"},
		503: {4, "the proxy refused the connection: 503 Service Unavailable"},
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			var asked atomic.Int32
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.WriteHeader(status)
			}))
			t.Cleanup(proxy.Close)
			u, err := url.Parse(proxy.URL)
			if err != nil {
				t.Fatal(err)
			}
			std.Proxy = http.ProxyURL(u)
			err = faulttest.Named(t, "create").Run(t.Context(),
				faulttest.Loopback(t, "https://service.example", faulttest.Quick(5*time.Second)))
			e := faulttest.Error(t, err)
			if int(asked.Load()) != tc.asked || !strings.Contains(err.Error(), tc.text) || e.Ambiguous ||
				vpptoken.Retryable(err) != (tc.asked > 1) {
				t.Errorf("asked %d times, error %+v (%v)", asked.Load(), *e, err)
			}
		})
	}
}

// A proxy that can't be reached, or whose name is unknown, is named too, and what breaks behind it
// is not blamed on it.
func TestR23ProxyIsNotThere(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		proxy, text string
		ambiguous   bool
	}{
		"unknown name": {"http://proxy.invalid:8080", "the proxy's name can't be resolved", false},
		"refused":      {"http://" + nobody, "the proxy can't be reached", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := faulttest.Named(t, "create").Run(t.Context(), proxied(t, tc.proxy, "https://service.example"))
			if e := faulttest.Error(t, err); !strings.Contains(err.Error(), tc.text) || e.Ambiguous {
				t.Errorf("error %+v (%v)", *e, err)
			}
		})
	}
	hello := rawserver.Do(func(in io.Reader, _ io.Writer) error {
		_, err := io.ReadFull(in, make([]byte, 5))
		return err
	})
	for name, tc := range map[string]struct {
		answer   string
		attempts int
	}{
		"no TLS behind it":         {"no TLS at all", 1},
		"TLS behind it goes wrong": {"\x16\x03\x03\x00\x04\x14\x00\x00\x00", 4}, // the last message comes first
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			behind := rawserver.Script{
				rawserver.ReadRequest(), rawserver.Write("HTTP/1.1 200 OK\r\n\r\n"), hello, rawserver.Write(tc.answer), rawserver.Stall(),
			}
			proxy := rawserver.New(t, slices.Repeat([]rawserver.Script{behind}, tc.attempts)...)
			err := faulttest.Named(t, "create").Run(t.Context(), proxied(t, proxy.URL(), "https://service.example"))
			if e := faulttest.Error(t, err); strings.Contains(err.Error(), "the proxy") || e.Ambiguous {
				t.Errorf("error %+v (%v)", *e, err)
			}
		})
	}
	t.Run("no HTTP behind it", func(t *testing.T) {
		t.Parallel()
		proxy := rawserver.New(t, rawserver.Script{rawserver.ReadRequest(), rawserver.Write("no HTTP at all\r\n\r\n")})
		err := faulttest.Named(t, "create").Run(t.Context(), proxied(t, proxy.URL(), "http://127.0.0.1:1"))
		if e := faulttest.Error(t, err); strings.Contains(err.Error(), "the proxy") || !e.Ambiguous {
			t.Errorf("error %+v (%v)", *e, err)
		}
	})
}

// A proxy that speaks TLS itself is named like any other: the handshake with it is not yet the one
// behind it.
func TestR23SecureProxy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		trusted bool
		least   uint16 // version of TLS that the proxy accepts
		text    string
		asked   int32
	}{
		"refuses":   {true, tls.VersionTLS12, "the proxy refused the connection", 1},
		"untrusted": {false, tls.VersionTLS12, "the proxy's certificate or TLS is not acceptable", 0},
		"alert":     {true, tls.VersionTLS13, "the proxy's certificate or TLS is not acceptable", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked, dialed atomic.Int32
			proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.WriteHeader(http.StatusProxyAuthRequired)
			}))
			proxy.TLS = &tls.Config{MinVersion: tc.least}
			proxy.Config.ErrorLog = log.New(io.Discard, "", 0)
			proxy.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					dialed.Add(1)
				}
			}
			proxy.StartTLS()
			t.Cleanup(proxy.Close)
			u, err := url.Parse(proxy.URL)
			if err != nil {
				t.Fatal(err)
			}
			transport := &http.Transport{
				Proxy:           http.ProxyURL(u),
				TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()},
			}
			if tc.trusted {
				transport.TLSClientConfig.RootCAs.AddCert(proxy.Certificate())
			}
			t.Cleanup(transport.CloseIdleConnections)
			err = faulttest.Named(t, "update").Run(t.Context(), faulttest.Loopback(t, "https://service.example",
				faulttest.Quick(5*time.Second), vpptoken.WithHTTPClient(&http.Client{Transport: transport})))
			e := faulttest.Error(t, err)
			if !strings.Contains(err.Error(), tc.text) || e.Ambiguous || vpptoken.Retryable(err) || asked.Load() != tc.asked || dialed.Load() != 1 {
				t.Errorf("%d connections, asked %d times, error %+v (%v)", dialed.Load(), asked.Load(), *e, err)
			}
		})
	}
}

// A SOCKS proxy is a proxy too, for the client's own transport and a caller's.
func TestR23SOCKS(t *testing.T) { //nolint:paralleltest // it changes http.DefaultTransport
	std := http.DefaultTransport.(*http.Transport)
	before := std.Proxy
	t.Cleanup(func() { std.Proxy = before })
	for name, reply := range map[string]string{ //nolint:paralleltest // see above
		"asks for a password": "\x05\xFF", "refuses": "\x05\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			hello := rawserver.Do(func(in io.Reader, _ io.Writer) error {
				_, err := io.ReadFull(in, make([]byte, 3))
				return err
			})
			script := rawserver.Script{hello, rawserver.Write(reply), rawserver.Stall()}
			proxy := rawserver.New(t, script, script)
			address := "socks5://" + proxy.Addr()
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			std.Proxy = http.ProxyURL(u)
			for whose, client := range map[string]*vpptoken.Client{
				"own":      faulttest.Loopback(t, "https://service.example", faulttest.Quick(5*time.Second)),
				"caller's": proxied(t, address, "https://service.example"),
			} {
				err := faulttest.Named(t, "update").Run(t.Context(), client)
				e := faulttest.Error(t, err)
				if !strings.Contains(err.Error(), "the proxy refused the connection") || e.Ambiguous || e.Attempts != 1 || vpptoken.Retryable(err) {
					t.Errorf("%s: error %+v (%v)", whose, *e, err)
				}
			}
		})
	}
}

// proxied returns a client with a transport of the caller's that goes through a proxy.
func proxied(t *testing.T, proxy, root string) *vpptoken.Client {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return faulttest.Loopback(t, root, faulttest.Quick(5*time.Second),
		vpptoken.WithHTTPClient(&http.Client{Transport: transport}))
}
