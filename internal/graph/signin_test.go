package graph_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// Every sign-in dials: a connection that was kept may have died in silence. One that the caller's
// client keeps is its own.
func TestR17SignInDials(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		h2, callers bool
		dials       int32
	}{
		"HTTP/1.1": {false, false, 3}, "HTTP/2": {true, false, 3}, "HTTP/1.1 of the caller": {false, true, 1},
		"HTTP/2 of the caller": {true, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var dialed atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, r.Proto)
			}))
			server.EnableHTTP2 = tt.h2
			server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					dialed.Add(1)
				}
			}
			server.StartTLS()
			t.Cleanup(server.Close)
			ctx := t.Context()
			if tt.callers {
				ctx = context.WithValue(ctx, oauth2.HTTPClient, server.Client())
			}
			for range 3 {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL,
					strings.NewReader("grant_type=x"))
				if err != nil {
					t.Fatal(err)
				}
				resp, err := graph.SignInClient(ctx, server.Client().Transport).Do(req)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || string(body) != "HTTP/2.0" && tt.h2 {
					t.Errorf("%s, %v", body, err)
				}
			}
			if dialed.Load() != tt.dials {
				t.Errorf("%d connections for 3 sign-ins, want %d", dialed.Load(), tt.dials)
			}
		})
	}
}

// Without an answer only the code tells whether a refusal may pass.
func TestF24RefusalWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for code, later := range map[string]bool{
		"invalid_client": false, "invalid_grant": false, "credential_failed": false, "temporarily_unavailable": true,
		"server_error": true, "": true, "No code at all.": true,
	} {
		cause := graph.SignInCause(&oauth2.RetrieveError{ErrorCode: code, ErrorDescription: "AADSTS7000215: no"})
		if cause.RetryLater() != later {
			t.Errorf("%q: retry later %v", code, cause.RetryLater())
		}
	}
}
