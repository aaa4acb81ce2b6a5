package cli_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

func TestWire(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{
			"order and secret", `{"displayName":"<x>","token":"Token value","roleScopeTagIds":["0"]}`,
			`{"token":"REDACTED","displayName":"\u003cx\u003e","roleScopeTagIds":["0"]}`,
		},
		{"null is no secret", `{"token":null}`, `{"token":null}`},
		{"empty", `{}`, "{}"},
		{"no JSON", `Token value`, "(a body that is no patch)"},
		{"cut off", `{"token":"Token val`, "(a body that is no patch)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var arrived []string
			ctx := context.WithValue(t.Context(), oauth2.HTTPClient,
				&http.Client{Transport: &carrier{answer: func(_ string, form url.Values) (int, string) {
					arrived = append(arrived, form.Encode())
					return 200, "{}"
				}}})
			wire := cli.NewWire(ctx)
			if wire.String() != "" {
				t.Errorf("before anything was sent: %q", wire.String())
			}
			for _, method := range []string{http.MethodPatch, http.MethodPost} {
				r, err := http.NewRequestWithContext(ctx, method, "https://graph.example/x", strings.NewReader(tt.body))
				if err != nil {
					t.Fatal(err)
				}
				answer, err := wire.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close()
			}
			body := url.Values{tt.body: {""}}.Encode() // as the carrier reads it
			if diff := cmp.Diff([]string{body, body}, arrived); diff != "" {
				t.Errorf("bodies that arrived (-want +got):\n%s", diff)
			}
			if got, want := wire.String(), "PATCH https://graph.example/x\n"+tt.want+"\n"; got != want {
				t.Errorf("String = %q, want %q", got, want)
			}
		})
	}
}
