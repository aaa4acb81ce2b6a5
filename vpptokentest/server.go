package vpptokentest

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// Server is an in-memory Microsoft Graph, and an [http.Handler]. It is safe for concurrent use.
// Make one with [NewServer], and Close it.
type Server struct {
	http      *httptest.Server
	now       func() time.Time
	authority *authority
	tenant    *tenant
	script    *script
	closing   chan struct{}
	once      sync.Once
}

// NewServer starts a server on a free port of the loopback interface. It holds no tokens. It panics
// when the machine has no loopback interface to listen on, or an option has a bad value.
func NewServer(opts ...Option) *Server {
	c := config{now: time.Now, syncFor: 100 * time.Millisecond}
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	s := &Server{
		now:       c.now,
		authority: newAuthority(c.now),
		tenant:    newTenant(c),
		script:    &script{},
		closing:   make(chan struct{}),
	}
	s.http = httptest.NewUnstartedServer(s)
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.http.Start()
	return s
}

// URL returns the root of the server, as "http://127.0.0.1:49152", for [vpptoken.WithBaseURL]. The
// version follows it.
func (s *Server) URL() string { return s.http.URL }

// TokenSource returns a source of an access token that this server accepts without a sign-in. It
// never expires.
func (s *Server) TokenSource() oauth2.TokenSource {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: s.authority.static, TokenType: "Bearer"})
}

// Client returns a client of this server. It waits only milliseconds before it retries a request,
// unless the server asks for more; opts can override that. It panics when [vpptoken.NewClient]
// refuses one of them.
func (s *Server) Client(opts ...vpptoken.Option) *vpptoken.Client {
	own := []vpptoken.Option{
		vpptoken.WithBaseURL(s.URL()),
		vpptoken.WithHTTPClient(s.http.Client()),
		vpptoken.WithRetry(vpptoken.Retry{MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond}),
	}
	c, err := vpptoken.NewClient(s.TokenSource(), append(own, opts...)...)
	if err != nil {
		panic(fmt.Sprintf("vpptokentest: Client: %v", err))
	}
	return c
}

// Close stops the server: it drops answers that a [Fault] delays, and waits for all others. It may
// be called again.
func (s *Server) Close() {
	s.once.Do(func() { close(s.closing) })
	s.http.Close()
}

// Format writes the server's address under every verb. It never prints the access token or what was
// recorded.
func (s *Server) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "vpptokentest.Server(%s)", s.http.URL)
}
