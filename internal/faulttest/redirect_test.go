package faulttest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
)

// elsewhere is a server that must see nothing.
func elsewhere(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other server was asked: %s %s, Authorization %q", r.Method, r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	return server
}

// No redirect is followed, wherever it leads: a 307 would carry the Apple token along.
func TestR10RedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	other := elsewhere(t)
	for _, status := range []int{300, 301, 302, 303, 304, 305, 306, 307, 308} {
		for name, location := range map[string]string{
			"elsewhere": other.URL + "/beta/deviceAppManagement/vppTokens", "unreadable": "http://[" + faulttest.Bearer,
			"same path": "", "no host": "//",
			"userinfo":   strings.Replace(other.URL, "http://", "http://user:"+faulttest.Bearer+"@", 1),
			"bad escape": "http://h/%zz",
		} {
			t.Run(strconv.Itoa(status)+"/"+name, func(t *testing.T) {
				t.Parallel()
				for _, op := range faulttest.Operations() {
					client, requests := answering(t, status, "application/json", "", "Location", location,
						"Request-Id", "req-1")
					var meta vpptoken.Metadata
					err := op.Run(t.Context(), client, vpptoken.WithMetadata(&meta))
					if e := faulttest.Error(t, err); e.StatusCode != status || e.Attempts != 1 ||
						requests.Load() != 1 ||
						meta.StatusCode != status || e.RequestID != "req-1" {
						t.Errorf("%s: %d requests, error %+v", op.Name, requests.Load(), *e)
					}
					if vpptoken.Retryable(err) {
						t.Errorf("%s: a redirect is Retryable", op.Name)
					}
					leaktest.ShowsNoSecret(t, err)
					leaktest.ShowsNoSecret(t, meta)
				}
			})
		}
	}
}

// A link to the next page that leaves the origin or the collection is refused before a token is
// asked for.
func TestR11ForeignNextLinks(t *testing.T) {
	t.Parallel()
	other := elsewhere(t)
	const path = "/beta/deviceAppManagement/vppTokens"
	for name, link := range map[string]func(own string) string{
		"host":              func(string) string { return other.URL + path + "?$skip=1" },
		"scheme":            func(own string) string { return strings.Replace(own, "http:", "https:", 1) + path },
		"port":              func(own string) string { return own + "0" + path },
		"no port":           func(string) string { return "http://127.0.0.1" + path },
		"path":              func(own string) string { return own + "/beta/me" },
		"parent":            func(own string) string { return own + "/beta/deviceAppManagement" },
		"child":             func(own string) string { return own + path + "/1" },
		"longer collection": func(own string) string { return own + path + "X?canary" },
		"not an address":    func(string) string { return "://canary" },
		"longer host": func(own string) string {
			return strings.Replace(own, "127.0.0.1", "127.0.0.1.canary.example", 1) + path
		},
		"two trailing slashes": func(own string) string { return own + path + "//" },
		"version":              func(own string) string { return own + strings.Replace(path, "beta", "v1.0", 1) },
		"dots":                 func(own string) string { return own + path + "/../../me" },
		"escaped slash":        func(own string) string { return own + strings.Replace(path, "/vpp", "%2Fvpp", 1) },
		"escaped dots":         func(own string) string { return own + path + "/%2e%2e" },
		"double slash":         func(own string) string { return own + "/" + path },
		"userinfo": func(own string) string {
			return strings.Replace(own, "http://", "http://a:b@", 1) + path
		},
		"own host as user":     func(own string) string { return own + "@" + other.Listener.Addr().String() + path },
		"no scheme":            func(string) string { return "//" + other.Listener.Addr().String() + path },
		"relative":             func(string) string { return "/beta/me?$skip=1" },
		"relative and upwards": func(string) string { return "../vppTokens?$skip=1" },
		"backslash":            func(own string) string { return own + `\@` + other.Listener.Addr().String() + path },
		"backslash in path":    func(own string) string { return own + strings.ReplaceAll(path, "/", `\`) },
		"fragment":             func(own string) string { return own + path + "#x" },
		"space":                func(own string) string { return own + path + "?$skip=1 2" },
		"tab":                  func(own string) string { return own + path + "?\t" },
		"line break":           func(own string) string { return own + path + "?\r\nX: y" },
		"control":              func(own string) string { return own + path + "?\x01" },
		"opaque":               func(string) string { return "http:127.0.0.1" + path },
		"other protocol":       func(string) string { return "file:///etc/hosts" },
		"javascript":           func(string) string { return "javascript:alert(1)" },
		"bad escape":           func(own string) string { return own + path + "/%zz" },
		"not ASCII":            func(own string) string { return own + path + "?é" },
		"the bearer as host":   func(string) string { return "https://" + faulttest.Bearer + path },
		"the bearer as a path": func(own string) string { return own + "/" + faulttest.Bearer },
		"more than 64 KiB": func(own string) string {
			return own + path + "?$skiptoken=" + strings.Repeat("x", 64<<10)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			var own string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				w.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprintf(w, `{"value":[{"id":"1"}],"@odata.nextLink":%s}`, leaktest.JSONText(link(own)))
			}))
			t.Cleanup(server.Close)
			own = server.URL
			source := &faulttest.CountedSource{}
			client := faulttest.ClientFor(t, source, vpptoken.WithBaseURL(own))
			n := 0
			var err error
			for token, listErr := range client.List(t.Context()) {
				if err = listErr; err == nil && token.ID == "1" {
					n++
				}
			}
			e := faulttest.Error(t, err)
			if !errors.Is(err, vpptoken.ErrUntrustedURL) || n != 1 || requests.Load() != 1 ||
				source.Asked.Load() != 1 ||
				vpptoken.Retryable(err) {
				t.Errorf("%d tokens, %d requests, the source asked %d times, error %+v (%v)", n, requests.Load(),
					source.Asked.Load(), *e, err)
			}
			if shown := link(own); strings.Contains(err.Error(), shown) || strings.Contains(err.Error(), "canary") {
				t.Errorf("error %q shows the link", err)
			}
			leaktest.ShowsNoSecret(t, err)
		})
	}
}

// The host of a link is compared letter by letter: one that only folds to the service's is another.
func TestR11FoldedHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"graph.micro\u017foft.com", "graph.microsoft.com.", "graph.microsoft\u3002com",
		"xn--graph.microsoft.com", "graph.microsoft.com:444", "graph%2emicrosoft.com",
	} {
		service := &faulttest.Service{Answer: faulttest.Always(200,
			`{"value":[],"@odata.nextLink":"https://`+host+`/beta/deviceAppManagement/vppTokens?$skip=1"}`)}
		err := faulttest.Last(faulttest.Client(t, service).List(t.Context()))
		if !errors.Is(err, vpptoken.ErrUntrustedURL) || len(service.Requests()) != 1 {
			t.Errorf("%s: %d requests, error %v", host, len(service.Requests()), err)
		}
	}
}

// Pages that never end do not end the program: a page that comes again is noticed, and there is a
// last one.
func TestR11EndlessPages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		link func(n int) string
		most int
	}{
		"itself":   {func(int) string { return faulttest.Root }, 1},
		"one link": {func(int) string { return faulttest.Root + "?$skip=1" }, 2},
		"in disguise": {func(int) string {
			return strings.ToUpper(faulttest.Root[:30]) + faulttest.Root[30:] +
				"()?$skip=1"
		}, 2},
		"two in turn": {func(n int) string { return faulttest.Root + "?$skip=" + strconv.Itoa(n%2) }, 3},
		"a million":   {func(n int) string { return faulttest.Root + "?$skip=" + strconv.Itoa(n) }, 10_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			client := faulttest.Client(t, roundTripFunc(func(*http.Request) (*http.Response, error) {
				n++
				return faulttest.Answer(200,
					`{"value":[{"id":"`+strconv.Itoa(n)+`"}],"@odata.nextLink":"`+tc.link(n)+`"}`), nil
			}))
			tokens, err := faulttest.Collect(client.List(t.Context()))
			if len(tokens) != n {
				t.Errorf("%d tokens of %d pages", len(tokens), n)
			}
			if e := faulttest.Error(t, err); n != tc.most || !strings.Contains(e.Message, "repeat") ||
				!strings.Contains(e.Message, "10,000") || vpptoken.Retryable(err) {
				t.Errorf("%d pages, error %v; want an end after %d", n, err, tc.most)
			}
		})
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
