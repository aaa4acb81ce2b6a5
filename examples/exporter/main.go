// Exporter shows the VPP tokens of one or many tenants as Prometheus metrics.
//
//	go -C examples/exporter run .
//	curl http://127.0.0.1:9788/metrics
//
// Without a tenant it shows three embedded ones, one of which is unreachable: no account is needed.
// It reads the tenants in the background, so that scrapes neither wait for Graph nor put load on
// it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/health"
)

const help = `exporter shows Intune VPP tokens as Prometheus metrics, at /metrics; /healthz says that it runs.

  exporter                                           three embedded tenants, one of which can't be reached
  exporter -tenant a.example,b.example -client-id ID the same app registration in two tenants
  exporter -tenants tenants.json                     an app registration for each tenant:
      [{"tenant": "a.example", "clientId": "ID", "secretVariable": "SECRET_OF_A", "cloud": "USGov"}, ...]

A client secret is never in the file: it is in the environment variable that secretVariable names, or in
` + cli.SecretVariable + `. alerts.yml has rules for Prometheus, dashboard.json a dashboard for Grafana.
A tenant that can't be read does not end it: vpptoken_up says so, and the log why.
Exit codes: 0 interrupted, 1 it could not go on, 2 wrong input.
`

// settings are the flags that say how to read the tenants.
type settings struct {
	interval time.Duration
	timeout  time.Duration
	apps     []string // bundle ids whose licenses are counted
	policy   health.Policy
}

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	return cli.Exit(stderr, export(ctx, args, env, stdout, stderr))
}

func export(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("exporter", flag.ContinueOnError)
	common := cli.NewFlags(fs)
	var file string
	cli.NonEmpty(fs, "tenants", "a JSON `file` with a list of tenants, as above", &file)
	address := "127.0.0.1:9788"
	cli.NonEmpty(fs, "listen", "the `address` to listen on; 127.0.0.1:9788 by default", &address)
	var s settings
	fs.DurationVar(&s.interval, "interval", 5*time.Minute, "how `often` each tenant is read")
	fs.DurationVar(&s.timeout, "timeout", 2*time.Minute, "how `long` reading one tenant may take")
	fs.Func("apps", "count the licenses of the apps with these bundle `ids`, with commas between (beta)",
		func(v string) error {
			for app := range strings.SplitSeq(v, ",") {
				if app = strings.TrimSpace(app); app == "" {
					return errors.New("an id is empty")
				}
				s.apps = append(s.apps, app)
			}
			return nil
		})
	if err := cli.Parse(fs, args, stdout, help); err != nil {
		return err
	}
	if s.interval < time.Second || s.timeout <= 0 {
		return fmt.Errorf("%w: -interval is a second or more, -timeout more than nothing", cli.ErrUsage)
	}
	if len(s.apps) > 0 && common.Version == vpptoken.VersionV1 {
		return fmt.Errorf("%w: -apps needs -version beta: v1.0 counts no licenses", cli.ErrUsage)
	}
	var tenants []cli.Tenant
	err := common.Check()
	embedded := !common.Live() && file == ""
	if !embedded {
		tenants, err = cli.Tenants(common, file, env, stderr)
	}
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%w: -listen: %w", cli.ErrUsage, err)
	}
	if embedded { // only now, when nothing can be wrong with the input any more
		var done func()
		tenants, done = cli.EmbeddedTenants(common.Version, time.Now())
		defer done()
		_, _ = fmt.Fprintln(stdout,
			"Three embedded tenants, no account needed; -tenant and -client-id lead to the real service.")
	}
	return serve(ctx, listener, tenants, s, stdout, slog.New(slog.NewTextHandler(stderr, nil)))
}

// serve reads the tenants and answers scrapes on the listener, which it closes, until ctx ends.
func serve(
	ctx context.Context, listener net.Listener, tenants []cli.Tenant, s settings, stdout io.Writer, log *slog.Logger,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	registry := prometheus.NewRegistry()
	stats := newStats(registry)
	c := &collector{policy: s.policy, now: time.Now}
	var reading sync.WaitGroup
	for _, t := range tenants {
		w := &watcher{tenant: t, settings: s, stats: stats, log: log.With("tenant", t.Name)}
		c.watchers = append(c.watchers, w)
		reading.Go(func() { w.watch(ctx) })
	}
	defer reading.Wait()
	registry.MustRegister(c)

	server := &http.Server{Handler: routes(registry), ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	_, _ = fmt.Fprintf(stdout, "http://%s/metrics\n", cli.Reachable(listener.Addr()))
	select {
	case err := <-stopped:
		cancel()
		return err
	case <-ctx.Done():
	}
	grace, end := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // for scrapes in progress
	defer end()
	if err := server.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func routes(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "Intune VPP tokens: see /metrics and /healthz\n")
	})
	return mux
}
