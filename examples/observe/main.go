// Observe shows what a client of package vpptoken does: with OpenTelemetry a span for each job and
// below it one for each request, and with log/slog a line for each attempt and each retry. The
// spans go to standard output, the log to standard error.
//
//	go run .
//
// It works on a Graph inside the program, which throttles the first request and fails another one,
// so that retries show.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

const help = `observe shows what a client does, on a Graph inside the program: spans on standard output, a log on
standard error. It takes no flags.

Exit codes: 0 done, 1 something failed, 2 wrong input.
`

func main() { cli.Main(program) }

func program(ctx context.Context, args []string, _ func(string) string, stdout, stderr io.Writer) int {
	err := cli.Parse(flag.NewFlagSet("observe", flag.ContinueOnError), args, stdout, help)
	if err == nil {
		err = run(ctx, stdout, stderr)
	}
	return cli.Exit(stderr, err)
}

func run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	out := &output{w: stdout}
	exporter, err := stdouttrace.New(stdouttrace.WithWriter(out))
	if err != nil {
		return err
	}
	provider := newProvider(exporter)
	defer func() {
		failed := provider.Shutdown(context.WithoutCancel(ctx)) // prints what is left
		err = errors.Join(err, failed, out.err)
	}()

	srv, id := newGraph()
	defer srv.Close()
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := newClient(srv.TokenSource(), provider, logger, srv.URL())
	if err != nil {
		return err
	}
	return work(ctx, provider.Tracer(scope), client, id)
}

// output remembers an error: OpenTelemetry hands those of a batch to nobody.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		o.err = err
	}
	return n, err
}

// newGraph returns a Graph that answers the first request with a 429 and the first one for the
// second page with a 503.
func newGraph() (srv *vpptokentest.Server, id string) {
	srv = vpptokentest.NewServer()
	for _, name := range []string{"Field", "Schools", "Warehouse"} {
		id = srv.Add(vpptoken.VPPToken{DisplayName: name})
	}
	pass := vpptokentest.Fault{}
	srv.Fail(vpptokentest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "0.2"}, pass,
		vpptokentest.Fault{Status: http.StatusServiceUnavailable, RetryAfter: "0.1"})
	return srv, id
}

// newClient is all the wiring: the transport carries the requests, and so sees each attempt.
func newClient(
	ts oauth2.TokenSource, provider trace.TracerProvider, logger *slog.Logger, root string,
) (*vpptoken.Client, error) {
	return vpptoken.NewClient(ts,
		vpptoken.WithBaseURL(root),
		vpptoken.WithHTTPClient(&http.Client{Transport: newTransport(http.DefaultTransport, provider)}),
		vpptoken.WithLogger(logger),
	)
}

// work does two jobs, each in a span of its own. The context carries it to the spans of the
// requests.
func work(ctx context.Context, tracer trace.Tracer, client *vpptoken.Client, id string) error {
	err := inSpan(ctx, tracer, "list tokens", func(ctx context.Context) error {
		for _, err := range client.List(ctx, vpptoken.WithTop(2)) {
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return inSpan(ctx, tracer, "rename token", func(ctx context.Context) error {
		_, err := client.Update(ctx, id, vpptoken.NewPatch().SetDisplayName("Warehouse iPads"))
		return err
	})
}

// inSpan can put the error into the span, because this client's error texts hold no secret and no
// query.
func inSpan(ctx context.Context, tracer trace.Tracer, name string, job func(context.Context) error) error {
	ctx, span := tracer.Start(ctx, name)
	defer span.End()
	err := job(ctx)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}
