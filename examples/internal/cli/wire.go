package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/oauth2"
)

// Wire is a transport that notes the PATCH that it carried last, so that a program can show what really went out.
type Wire struct {
	next http.RoundTripper

	mu   sync.Mutex
	line string
	body []byte
}

// NewWire returns a Wire on top of the HTTP client in ctx, which is where golang.org/x/oauth2 looks for it too, or of the default one.
func NewWire(ctx context.Context) *Wire {
	w := &Wire{next: oauth2.NewClient(ctx, nil).Transport}
	if w.next == nil {
		w.next = http.DefaultTransport
	}
	return w
}

// RoundTrip carries r, with a copy of its body: a transport must not change a request.
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

// String returns the request line and the body, indented and with the Apple token redacted, or "" when no PATCH was sent.
func (w *Wire) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.line == "" {
		return ""
	}
	body, err := redacted(w.body)
	if err != nil {
		return w.line + "\n(a body that is no JSON object)\n"
	}
	return w.line + "\n" + body + "\n"
}

// redacted walks over the properties by hand, because a map would lose their order.
func redacted(body []byte) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if _, err := dec.Token(); err != nil { // the opening brace
		return "", err
	}
	var properties []string
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return "", err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return "", err
		}
		if name == "token" && string(value) != "null" {
			value = json.RawMessage(`"REDACTED"`)
		}
		properties = append(properties, fmt.Sprintf("%q:%s", name, value))
	}
	var indented bytes.Buffer
	err := json.Indent(&indented, []byte("{"+strings.Join(properties, ",")+"}"), "", "  ")
	return indented.String(), err
}
