package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// running is an exporter that a test scrapes.
type running struct {
	url string
	log *bytes.Buffer
	end func() error
}

func start(t *testing.T, tenants []cli.Tenant, s settings) running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	log := &bytes.Buffer{}
	done := make(chan error, 1)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.interval, s.timeout = time.Hour, 10*time.Second
	go func() {
		done <- serve(ctx, listener, tenants, s, w, slog.New(slog.NewTextHandler(log, nil)))
		_ = w.Close()
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	end := sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = end() })
	return running{strings.TrimSuffix(strings.TrimSpace(line), "/metrics"), log, end}
}

func (r running) get(t *testing.T, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", path, resp.Status, err, body)
	}
	return string(body)
}

// until scrapes until the metrics hold a line that starts so.
func (r running) until(t *testing.T, line string) string {
	t.Helper()
	for range 500 {
		text := r.get(t, "/metrics")
		if strings.Contains("\n"+text, "\n"+line) {
			return text
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no line %s in\n%s", line, r.get(t, "/metrics"))
	return ""
}

func has(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line) {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
}

// A tenant that is down is up 0, with its reason in the log, and hides no other.
func TestOneTenantDown(t *testing.T) {
	t.Parallel()
	tenants, done := cli.EmbeddedTenants(vpptoken.VersionBeta, time.Now())
	defer done()
	r := start(t, tenants, settings{})
	r.until(t, `vpptoken_up{tenant="nordwind.example"} 1`)
	r.until(t, `vpptoken_up{tenant="school.example"} 1`)
	text := r.until(t, `vpptoken_up{tenant="gone.example"} 0`)
	has(t, text,
		`vpptoken_tokens{tenant="nordwind.example"} 5`, `vpptoken_tokens{tenant="school.example"} 5`,
		`vpptoken_requests_total{status="200",tenant="nordwind.example"} 1`,
		`vpptoken_requests_total{status="0",tenant="gone.example"} 1`,
		`vpptoken_held_seconds_total{tenant="gone.example"} 0`)
	for _, want := range []string{
		`vpptoken_token_state\{id="[^"]+",state="invalid",tenant="nordwind.example"\} 1`,
		`vpptoken_token_state\{id="[^"]+",state="underReview",tenant="school.example"\} 1`,
		`vpptoken_token_health\{id="[^"]+",level="critical",tenant="school.example"\} 1`,
		`vpptoken_token_health_reason\{code="sync-failed",id="[^"]+",level="warning",tenant="school.example"\} 1`,
		`vpptoken_token_info\{account_type="business",apple_id="",id="[^"]+",location="Bergen",name="Bergen",organization="Nordwind School District",tenant="nordwind.example"\} 1`,
		`vpptoken_token_expiration_timestamp_seconds\{id="[^"]+",tenant="nordwind.example"\} \d`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(text) {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
	if got := r.get(t, "/healthz"); got != "ok\n" {
		t.Errorf("/healthz: %q", got)
	}
	if err := r.end(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if !strings.Contains(r.log.String(), "gone.example") {
		t.Errorf("the log does not name the tenant: %s", r.log)
	}
}

// A tenant that does not answer delays no scrape and no other tenant.
func TestSlowTenantDelaysNoScrape(t *testing.T) {
	t.Parallel()
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Add(vpptoken.VPPToken{DisplayName: "Bergen"})
	release := make(chan struct{})
	defer close(release)
	r := start(t, []cli.Tenant{
		{Name: "slow.example", Open: func(ctx context.Context, _ ...vpptoken.Option) (*vpptoken.Client, error) {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return nil, errors.New("it took too long")
		}},
		{Name: "quick.example", Open: func(_ context.Context, opts ...vpptoken.Option) (*vpptoken.Client, error) {
			return srv.Client(opts...), nil
		}},
	}, settings{})
	began := time.Now()
	text := r.until(t, `vpptoken_up{tenant="quick.example"} 1`)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the scrape took %v", took)
	}
	if strings.Contains(text, `vpptoken_up{tenant="slow.example"}`) {
		t.Errorf("a tenant that was not read yet is said to be up or down:\n%s", text)
	}
}

// Scrapes are answered from what was read: they send nothing.
func TestScrapesDoNotHammerGraph(t *testing.T) {
	t.Parallel()
	srv := vpptokentest.NewServer()
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "Bergen"})
	srv.AddLicenses("com.example.app",
		vpptoken.LicenseSummary{VPPTokenID: id, AvailableLicenseCount: 3, UsedLicenseCount: 4})
	r := start(t, []cli.Tenant{
		{Name: "a.example", Open: func(_ context.Context, opts ...vpptoken.Option) (*vpptoken.Client, error) {
			return srv.Client(opts...), nil
		}},
	}, settings{apps: []string{"com.example.app"}})
	r.until(t, `vpptoken_up{tenant="a.example"} 1`)
	before := len(srv.Requests())
	for range 20 {
		has(t, r.get(t, "/metrics"),
			`vpptoken_token_licenses_available{app="com.example.app",id="`+id+`",tenant="a.example"} 3`,
			`vpptoken_token_licenses_used{app="com.example.app",id="`+id+`",tenant="a.example"} 4`)
	}
	if after := len(srv.Requests()); after != before {
		t.Errorf("20 scrapes sent %d requests", after-before)
	}
}

// What the service holds back is counted.
func TestHeldTime(t *testing.T) {
	t.Parallel()
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Add(vpptoken.VPPToken{DisplayName: "Bergen"})
	srv.Fail(vpptokentest.Fault{Status: 429, RetryAfter: "0.2"})
	s := newStats(prometheus.NewRegistry())
	w := &watcher{
		tenant: cli.Tenant{
			Name: "a.example", Open: func(_ context.Context, opts ...vpptoken.Option) (*vpptoken.Client, error) {
				return srv.Client(opts...), nil
			},
		},
		settings: settings{timeout: time.Minute}, stats: s, log: slog.New(slog.DiscardHandler),
	}
	w.read(t.Context())
	if held := testutil.ToFloat64(s.held.WithLabelValues("a.example")); held < 0.1 || held > 30 {
		t.Errorf("held for %v s, want the Retry-After of 0.2 less the moment until its wait began", held)
	}
	for status, want := range map[string]float64{"429": 1, "200": 1} {
		if got := testutil.ToFloat64(s.requests.WithLabelValues("a.example", status)); got != want {
			t.Errorf("%v requests with %s, want %v", got, status, want)
		}
	}
}

// A tenant is signed in to once, not for each reading: a person would get a code each time.
func TestSignsInOnce(t *testing.T) {
	t.Parallel()
	srv := vpptokentest.NewServer()
	defer srv.Close()
	opened := 0
	w := &watcher{
		tenant: cli.Tenant{
			Name: "a.example", Open: func(_ context.Context, opts ...vpptoken.Option) (*vpptoken.Client, error) {
				if opened++; opened == 1 {
					return nil, errors.New("not yet")
				}
				return srv.Client(opts...), nil
			},
		},
		settings: settings{timeout: time.Minute}, stats: newStats(prometheus.NewRegistry()), log: slog.New(slog.DiscardHandler),
	}
	for range 4 {
		w.read(t.Context())
	}
	if opened != 2 || !w.snapshot().up {
		t.Errorf("opened %d times, up %v", opened, w.snapshot().up)
	}
}

// What was read stays when a later reading fails, and up says so.
func TestOldTokensStay(t *testing.T) {
	t.Parallel()
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Add(vpptoken.VPPToken{DisplayName: "Bergen"})
	registry := prometheus.NewRegistry()
	w := &watcher{
		tenant: cli.Tenant{
			Name: "a.example", Open: func(_ context.Context, opts ...vpptoken.Option) (*vpptoken.Client, error) {
				return srv.Client(append(opts, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))...), nil
			},
		},
		settings: settings{timeout: time.Minute}, stats: newStats(registry), log: slog.New(slog.DiscardHandler),
	}
	c := &collector{watchers: []*watcher{w}, now: time.Now}
	w.read(t.Context())
	srv.Fail(vpptokentest.Fault{Status: 403})
	w.read(t.Context())
	want := `
# HELP vpptoken_tokens How many tokens the tenant has.
# TYPE vpptoken_tokens gauge
vpptoken_tokens{tenant="a.example"} 1
# HELP vpptoken_up Whether the tenant could be read the last time.
# TYPE vpptoken_up gauge
vpptoken_up{tenant="a.example"} 0
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), "vpptoken_up", "vpptoken_tokens"); err != nil {
		t.Error(err)
	}
}

// Licenses that can't be counted hide no token.
func TestRefusedLicenses(t *testing.T) {
	t.Parallel()
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Add(vpptoken.VPPToken{DisplayName: "Bergen"})
	srv.Fail(vpptokentest.Fault{}, vpptokentest.Fault{Status: 403})
	w := &watcher{
		tenant: cli.Tenant{
			Name: "a.example", Open: func(_ context.Context, opts ...vpptoken.Option) (*vpptoken.Client, error) {
				return srv.Client(opts...), nil
			},
		},
		settings: settings{timeout: time.Minute, apps: []string{"com.example.app"}},
		stats:    newStats(prometheus.NewRegistry()), log: slog.New(slog.DiscardHandler),
	}
	w.read(t.Context())
	if s := w.snapshot(); !s.up || len(s.tokens) != 1 || len(s.licenses) != 0 || srv.UnusedFaults() != 0 {
		t.Errorf("%+v, %d faults are left", s, srv.UnusedFaults())
	}
}

// The names follow the ecosystem's rules, and the rules and the dashboard name no metric that is
// not there.
func TestNames(t *testing.T) {
	t.Parallel()
	tenants, done := cli.EmbeddedTenants(vpptoken.VersionBeta, time.Now())
	defer done()
	registry := prometheus.NewRegistry()
	c := &collector{now: time.Now}
	s := newStats(registry)
	for _, tenant := range tenants {
		w := &watcher{
			tenant: tenant, settings: settings{timeout: time.Minute}, stats: s, log: slog.New(slog.DiscardHandler),
		}
		w.read(t.Context())
		w.last.licenses = map[license]counts{{"1", "com.example.app"}: {1, 2}}
		c.watchers = append(c.watchers, w)
	}
	registry.MustRegister(c)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, f := range families {
		known[f.GetName()] = true
	}
	for _, file := range []string{"alerts.yml", "dashboard.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if file == "dashboard.json" && !json.Valid(text) {
			t.Errorf("%s is no JSON", file)
		}
		for _, name := range regexp.MustCompile(`vpptoken_[a-z_]+`).FindAllString(string(text), -1) {
			if !known[name] {
				t.Errorf("%s names %s, which is no metric", file, name)
			}
		}
	}
}

// Wrong input is one clear line and exit code 2.
func TestWrongInput(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	missing := filepath.Join(t.TempDir(), "missing.json")
	cloud := clitest.File(t, "tenants.json", `[{"tenant":"a.example","clientId":"x","cloud":"moon"}]`)
	for name, tt := range map[string]struct {
		want string
		args []string
	}{
		"unreadable tenants": {"-tenants: open ", []string{"-tenants", missing}},
		"unknown cloud":      {"-tenants: " + cloud + ": tenant 1: cloud: ", []string{"-tenants", cloud}},
		"used port":          {"-listen: ", []string{"-listen", listener.Addr().String()}},
		"no port":            {"-listen: ", []string{"-listen", "nonsense"}},
		"no client id":       {"-tenant needs -client-id", []string{"-tenant", "a.example"}},
		"no tenant's name":   {"-tenant: \"../x\": ", []string{"-tenant", "a.example,../x", "-client-id", "x"}},
		"an empty tenant":    {"-tenant: a name is empty", []string{"-tenant", "a.example,", "-client-id", "x"}},
		"no interval":        {"-interval is ", []string{"-interval", "0s"}},
		"an empty app":       {"for flag -apps: an id is empty", []string{"-apps", "com.example.app,"}},
		"apps on v1.0":       {"-apps needs -version beta", []string{"-version", "v1.0", "-apps", "com.example.app"}},
		"unknown flag":       {"not defined: -nonsense", []string{"-nonsense"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			r := clitest.Run(ctx, run, nil, tt.args...)
			clitest.Want(t, r, cli.ExitUsage, tt.want)
			if !strings.HasPrefix(r.Stderr, "error: wrong input: ") || strings.Count(r.Stderr, "\n") != 2 {
				t.Errorf("stderr is not an error line and a hint: %q", r.Stderr)
			}
			if r.Stdout != "" {
				t.Errorf("stdout: %q", r.Stdout)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	r := clitest.Run(t.Context(), run, nil, "-h")
	clitest.Want(t, r, cli.ExitOK, "")
	clitest.Holds(t, r, `Exit codes: 0 .*, 1 .*, 2 .*`)
}
