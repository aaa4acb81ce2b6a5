package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
)

// running is the program under way: what it printed, and how to interrupt it.
type running struct {
	vars      map[string]string
	interrupt func() clitest.Result
}

// start runs the program until it has printed its variables.
func start(t *testing.T, args ...string) running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	var stderr bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, args, nil, out, &stderr)
		_ = out.Close()
	}()
	r := running{vars: make(map[string]string)}
	r.interrupt = sync.OnceValue(func() clitest.Result {
		cancel()
		return clitest.Result{Code: <-done, Stderr: stderr.String()}
	})
	t.Cleanup(func() { r.interrupt() })
	lines := bufio.NewScanner(in)
	for len(r.vars) < 7 && lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		if !ok || value == "" {
			t.Errorf("line %q", lines.Text())
		}
		r.vars[name] = value
	}
	if len(r.vars) != 7 {
		t.Fatalf("it ended: %+v", r.interrupt())
	}
	return r
}

// client signs in with what the program printed, as a program in any language would.
func (r running) client(t *testing.T) *vpptoken.Client {
	t.Helper()
	cloud, err := vpptoken.NewCloud(r.vars["VPPTOKEN_GRAPH"], r.vars["VPPTOKEN_AUTHORITY"])
	if err != nil {
		t.Fatal(err)
	}
	if cloud.Scope() != r.vars["VPPTOKEN_SCOPE"] {
		t.Errorf("scope %s, want %s", r.vars["VPPTOKEN_SCOPE"], cloud.Scope())
	}
	cfg, err := cloud.ClientCredentials(r.vars["VPPTOKEN_TENANT"], r.vars["VPPTOKEN_CLIENT_ID"],
		r.vars[cli.SecretVariable])
	if err != nil {
		t.Fatal(err)
	}
	hc := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(hc.CloseIdleConnections)
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, hc)
	c, err := vpptoken.NewClient(cfg.TokenSource(ctx), vpptoken.WithCloud(cloud), vpptoken.WithHTTPClient(hc),
		vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestServesTokens(t *testing.T) {
	t.Parallel()
	r := start(t, "-tokens", "tokens.json")
	var names []string
	for token, err := range r.client(t).List(t.Context(), vpptoken.WithTop(1)) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, token.DisplayName+" "+string(token.State))
	}
	if got := strings.Join(names, ", "); got != "Bergen valid, Oslo expired" {
		t.Errorf("tokens: %s", got)
	}
	for _, authorization := range []string{"Bearer " + r.vars["VPPTOKEN_BEARER"], "Bearer wrong"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			r.vars["VPPTOKEN_GRAPH"]+"/v1.0/deviceAppManagement/vppTokens", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", authorization)
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.StatusCode == http.StatusOK; got != (authorization != "Bearer wrong") {
			t.Errorf("status %d", resp.StatusCode)
		}
	}

	result := r.interrupt()
	if result.Code != cli.ExitOK {
		t.Errorf("interrupted: %+v", result)
	}
	clitest.NoSecrets(t, result, r.vars[cli.SecretVariable], r.vars["VPPTOKEN_BEARER"])
	var got []string
	for line := range strings.Lines(result.Stderr) {
		fields := strings.Fields(line) // time, method, target, status, duration
		if len(fields) != 5 {
			t.Fatalf("line %q", line)
		}
		target, _, _ := strings.Cut(fields[2], "skiptoken=")
		got = append(got, fields[1]+" "+strings.ReplaceAll(target, r.vars["VPPTOKEN_TENANT"], "TENANT")+" "+fields[3])
	}
	const collection = "/deviceAppManagement/vppTokens"
	want := []string{
		"POST /TENANT/oauth2/v2.0/token 200", "GET /beta" + collection + "?$top=1 200",
		"GET /beta" + collection + "?$top=1&$ 200",
		"GET /v1.0" + collection + " 200", "GET /v1.0" + collection + " 401",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("log:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// On all addresses it prints one that a program on this machine can use.
func TestAllAddresses(t *testing.T) {
	t.Parallel()
	r := start(t, "-listen", ":0", "-tokens", "tokens.json")
	if root := r.vars["VPPTOKEN_GRAPH"]; !strings.HasPrefix(root, "http://localhost:") {
		t.Errorf("VPPTOKEN_GRAPH=%s", root)
	}
	if n, err := r.client(t).Count(t.Context()); n != 2 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
}

func TestThrottles(t *testing.T) {
	t.Parallel()
	r := start(t, "-throttle", "2/1h")
	c := r.client(t)
	for i := range 3 {
		err := c.SyncLicenseCounts(t.Context())
		if want := i == 2; (err != nil) != want {
			t.Errorf("write %d: %v", i, err)
		}
	}
}

// The query of a sign-in, where somebody may have put a secret, is not logged.
func TestLogsNoSecret(t *testing.T) {
	t.Parallel()
	r := start(t)
	address := r.vars["VPPTOKEN_AUTHORITY"] + "/x/oauth2/v2.0/token?" + url.Values{"client_secret": {"canary"}}.Encode()
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := hc.PostForm(address, url.Values{"client_secret": {"canary"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	result := r.interrupt()
	clitest.NoSecrets(t, result, "canary")
	if !strings.Contains(result.Stderr, "POST /x/oauth2/v2.0/token 400") {
		t.Errorf("stderr: %s", result.Stderr)
	}
}

func TestWrongInput(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "tokens.json")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, tt := range []struct {
		name, want string
		args       []string
	}{
		{"used port", "-listen: ", []string{"-listen", l.Addr().String()}},
		{"no port", "-listen: ", []string{"-listen", "127.0.0.1"}},
		{"no such port", "-listen: ", []string{"-listen", "127.0.0.1:99999"}},
		{"empty", "it is empty", []string{"-listen", ""}},
		{"throttle without period", "as 100/20s", []string{"-throttle", "100"}},
		{"throttle without writes", "as 100/20s", []string{"-throttle", "/20s"}},
		{"throttle of zero", "as 100/20s", []string{"-throttle", "0/20s"}},
		{"throttle of no time", "as 100/20s", []string{"-throttle", "1/0s"}},
		{"no file", "-tokens: ", []string{"-tokens", filepath.Join(t.TempDir(), "none")}},
		{"no JSON", "tokens.json: ", []string{"-tokens", file("x")}},
		{"no list", "holds no list of tokens", []string{"-tokens", file("{}")}},
		{"wrong type", "tokens.json: ", []string{"-tokens", file(`[{"displayName":1}]`)}},
		{"null", "token 1: it is null", []string{"-tokens", file("[null]")}},
		{
			"unknown property", `token 2: there is no property "displyName"`,
			[]string{"-tokens", file(`{"value":[{},{"displyName":"x"}]}`)},
		},
		{"id in another case", "token 2: its id appears twice", []string{"-tokens", file(`[{"id":"ab"},{"id":"AB"}]`)}},
		{"no id", "token 1: an id is letters, digits and hyphens", []string{"-tokens", file(`[{"id":"a/b"}]`)}},
		{"id twice", "token 2: its id appears twice", []string{"-tokens", file(`[{"id":"a"},{"id":"a"}]`)}},
		{"unknown flag", "-port", []string{"-port", "1"}},
		{"argument", "something follows the flags", []string{"now"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // should it serve after all
			defer cancel()
			r := clitest.Run(ctx, run, nil, tt.args...)
			clitest.Want(t, r, cli.ExitUsage, tt.want)
			if r.Stdout != "" || !strings.HasPrefix(r.Stderr, "error: wrong input: ") ||
				strings.Count(r.Stderr, "\n") != 2 {
				t.Errorf("stdout %q, stderr %q", r.Stdout, r.Stderr)
			}
		})
	}
	clitest.Want(t, clitest.RunTo(t.Context(), clitest.BrokenPipe{}, run, nil), cli.ExitFailed, "broken pipe")
	if r := clitest.Run(t.Context(), run, nil, "-h"); r.Code != cli.ExitOK || !strings.Contains(r.Stdout, "-throttle") {
		t.Errorf("-h: %+v", r)
	}
}
