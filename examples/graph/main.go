// Graph serves an in-memory Microsoft Graph with the VPP tokens of Intune, and the sign-in to it,
// for tests in any language.
//
//	go run ./examples/graph
//	go run ./examples/graph -listen 127.0.0.1:8080 -throttle 100/20s -tokens examples/graph/tokens.json
//
// It prints its address and the credentials that it accepts, and serves until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

const help = `graph serves an in-memory Microsoft Graph with the VPP tokens of Intune, for tests in any language.

  graph                                    on a free port of the loopback interface, without tokens
  graph -listen 127.0.0.1:8080             at a fixed address
  graph -throttle 100/20s                  refuses more writes, as Intune does
  graph -tokens tokens.json                with tokens: a list, or an answer of Graph with its "value"

It prints its addresses and its credentials as lines of NAME=value, which a shell can read, and then serves until
it is interrupted. Each request is a line on stderr. Graph is below /beta and /v1.0, the sign-in below
/<tenant>/oauth2/v2.0/: token and devicecode. The credentials are made up, and so must your tokens be: it speaks
plain HTTP, and whoever reaches it can use it.
Exit codes: 0 interrupted, 1 it could not go on, 2 wrong input.
`

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, _ func(string) string, stdout, stderr io.Writer) int {
	return cli.Exit(stderr, serve(ctx, args, stdout, stderr))
}

func serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("graph", flag.ContinueOnError)
	address, file := "127.0.0.1:0", ""
	var opts []vpptokentest.Option
	cli.NonEmpty(fs, "listen", "the `host:port` to listen on (default a free port of the loopback interface)", &address)
	cli.NonEmpty(fs, "tokens", "the JSON `file` with the tokens to begin with", &file)
	fs.Func("throttle", "the `writes/period` beyond which writes are refused, as 100/20s", func(v string) error {
		throttle, err := parseThrottle(v)
		opts = append(opts, throttle)
		return err
	})
	if err := cli.Parse(fs, args, stdout, help); err != nil {
		return err
	}
	tokens, err := readTokens(file)
	if err != nil {
		return fmt.Errorf("%w: -tokens: %w", cli.ErrUsage, err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%w: -listen: %w", cli.ErrUsage, err)
	}
	graph := vpptokentest.NewServer(opts...)
	defer graph.Close()
	for _, t := range tokens {
		graph.Add(t)
	}
	if err := greet(stdout, graph, "http://"+cli.Reachable(l.Addr())); err != nil {
		_ = l.Close()
		return err
	}
	return serveOn(ctx, l, logged(graph, log.New(stderr, "", log.Ltime)))
}

// serveOn serves until ctx ends, and then lets requests in progress finish.
func serveOn(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		left, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err := srv.Shutdown(left)
		if errors.Is(err, context.DeadlineExceeded) { // perhaps a connection on which no request came
			err = srv.Close()
		}
		ended <- err
	})
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

// greet writes what a program needs to know. All of it is made up for this run.
func greet(w io.Writer, graph *vpptokentest.Server, root string) error {
	tenant, clientID, clientSecret := graph.Credentials()
	bearer, err := graph.TokenSource().Token()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `VPPTOKEN_GRAPH=%s
VPPTOKEN_AUTHORITY=%s
VPPTOKEN_SCOPE=%s/.default
VPPTOKEN_TENANT=%s
VPPTOKEN_CLIENT_ID=%s
%s=%s
VPPTOKEN_BEARER=%s
`, root, root, root, tenant, clientID, cli.SecretVariable, clientSecret, bearer.AccessToken)
	return err
}

func parseThrottle(v string) (vpptokentest.Option, error) {
	writes, period, _ := strings.Cut(v, "/")
	n, err := strconv.Atoi(writes)
	per, badPeriod := time.ParseDuration(period)
	if err != nil || badPeriod != nil || n < 1 || per <= 0 {
		return nil, errors.New("it is a number of writes and a period, as 100/20s")
	}
	return vpptokentest.WithThrottle(n, per), nil
}
