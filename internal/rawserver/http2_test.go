package rawserver_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/internal/rawserver"
)

// Go's own client and the service understand each other, over many requests on one connection.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	const odd = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCXYZ[]^_`abcxyz{|}~-end"
	server := rawserver.NewHTTP2(t, func(_ int, r rawserver.Request) rawserver.Reaction {
		return rawserver.Respond(http.StatusCreated, r.Method+" "+r.Path+" "+r.Body, "x-odd", r.Header.Get("X-Odd"))
	})
	client := &http.Client{Transport: rawserver.Transport(t)}
	for i := range 300 {
		body := strings.Repeat("b", i*40)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL()+"/path?q=1",
			strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Odd", odd[:1+i%len(odd)])
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.ProtoMajor != 2 || resp.StatusCode != http.StatusCreated ||
			string(got) != "POST /path?q=1 "+body ||
			resp.Header.Get("X-Odd") != odd[:1+i%len(odd)] {
			t.Fatalf("%d: %s %v %.60q %q %v", i, resp.Proto, resp.StatusCode, got, resp.Header.Get("X-Odd"), err)
		}
	}
	if server.Connections() != 1 || len(server.Requests()) != 300 {
		t.Errorf("%d connections, %d requests", server.Connections(), len(server.Requests()))
	}
}
