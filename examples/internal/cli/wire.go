package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// Wire is a transport that records the last PATCH that it sent, so that a program can show what
// really went out.
type Wire struct {
	next http.RoundTripper

	mu   sync.Mutex
	line string
	body []byte
}

// NewWire returns a Wire on top of the HTTP client in ctx, which is where golang.org/x/oauth2 looks
// for it too, or of the default one.
func NewWire(ctx context.Context) *Wire {
	w := &Wire{next: oauth2.NewClient(ctx, nil).Transport}
	if w.next == nil {
		w.next = http.DefaultTransport
	}
	return w
}

// RoundTrip sends r, with a copy of its body: a transport must not change a request.
func (w *Wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPatch || r.Body == nil {
		return w.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.line, w.body = r.Method+" "+r.URL.String(), body
	w.mu.Unlock()
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return w.next.RoundTrip(r)
}

// String returns the request line and, on one line, the body with the Apple token redacted; "" when
// no PATCH was sent. A Patch is read back exactly, so what is shown is what was sent.
func (w *Wire) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.line == "" {
		return ""
	}
	var patch vpptoken.Patch
	if err := json.Unmarshal(w.body, &patch); err != nil {
		return w.line + "\n(a body that is no patch)\n"
	}
	return w.line + "\n" + patch.Redacted() + "\n"
}
