// Renew renews a VPP token from Apple's .vpptoken file and proves that it worked.
//
//	go run ./examples/renew
//	go run ./examples/renew -yes
//	go run ./examples/renew -tenant contoso.example -client-id <guid> -id <guid> -token-file sToken_for_Oslo.vpptoken
//
// Without a tenant it renews the token of an embedded Microsoft Graph, with a file of its own: no
// account is needed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

const help = `renew renews an Intune VPP token from Apple's .vpptoken file and proves that it worked.

  renew                                           the plan, on an embedded Graph with a file of its own
  renew -yes                                      the same, carried out: upload, sync, proof
  renew -tenant contoso.example -client-id ID -id TOKEN -token-file sToken_for_Oslo.vpptoken
                                                  the plan, on the real service; with -yes it is carried out

The token is updated, never deleted and never created, so its apps keep their assignments. A run that broke off can be
run again. On the real service it signs in as the application when ` + cli.SecretVariable + ` holds a client
secret, and otherwise as you, with a code to enter in a browser.
Exit codes: 0 verified, or the plan was shown; 1 not verified, the service refused or could not be reached; 2 the file
was refused, or wrong input: nothing was changed.
`

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	return cli.Exit(stderr, renewToken(ctx, args, env, stdout, stderr))
}

func renewToken(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("renew", flag.ContinueOnError)
	common := cli.NewFlags(fs)
	var id, file string
	cli.NonEmpty(fs, "id", "the `id` of the token; the embedded Graph has one token and knows which", &id)
	cli.NonEmpty(fs, "token-file", "Apple's `file`, sToken_for_<location>.vpptoken", &file)
	yes := fs.Bool("yes", false, "carry the plan out")
	asJSON := fs.Bool("json", false, "write the plan, or with -yes the report, as JSON")
	timeout := fs.Duration("timeout", 15*time.Minute, "how `long` it may take, the sync included")
	var o renew.Options
	fs.BoolVar(&o.AllowOtherOrganization, "allow-other-organization", false,
		"take a file of another organization than the token's")
	fs.BoolVar(&o.AllowOtherLocation, "allow-other-location", false,
		"take a file whose name is that of another location than the token's")
	fs.BoolVar(&o.AllowEarlierExpiry, "allow-earlier-expiry", false,
		"take a file that expires no later than what the service shows")
	if err := cli.Parse(fs, args, stdout, help); err != nil {
		return err
	}
	switch {
	case common.Live() && (id == "" || file == ""):
		return fmt.Errorf("%w: -tenant needs -id, the token to renew, and -token-file", cli.ErrUsage)
	case *timeout <= 0:
		return fmt.Errorf("%w: -timeout: it is more than nothing", cli.ErrUsage)
	}
	content, err := readContent(file, time.Now())
	if err != nil {
		return fmt.Errorf("%w: -token-file: %w", cli.ErrUsage, err)
	}

	show := newProgress(stderr, cli.Colored(stderr, env))
	if show.moves { // so that there is something to see
		common.Embedded = []vpptokentest.Option{vpptokentest.WithSyncDuration(3 * time.Second)}
	}
	client, embedded, err := common.Open(ctx, env, stderr)
	if err != nil {
		return err
	}
	out := output{w: stdout, json: *asJSON, colored: cli.Colored(stdout, env)}
	if embedded != nil {
		defer embedded.Close()
		o.PollEvery = 50 * time.Millisecond
		if added := embedded.Add(embeddedToken(time.Now())); id == "" {
			id = added
		}
		out.note("An embedded Microsoft Graph, no account needed; -tenant and -client-id lead to the real service.\n\n")
	}

	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	o.OnStep = show.step
	defer show.end()
	plan, err := renew.MakePlan(ctx, client, id, content, o)
	show.end()
	if err != nil {
		return cli.Refused(err)
	}
	if out.plan(plan, !*yes); !*yes {
		out.note("\nNothing was changed. -yes carries it out.\n")
	}
	if !*yes || out.err != nil {
		return out.err
	}
	report, err := carryOut(ctx, client, plan, content, show)
	show.end()
	if report != nil {
		out.report(report)
	}
	if err == nil {
		err = out.err
	}
	return err
}

// carryOut does what renew.Run does after planning, and follows the sync while it runs.
func carryOut(
	ctx context.Context, client *vpptoken.Client, plan *renew.Plan, content *contenttoken.ContentToken, show *progress,
) (*renew.Report, error) {
	if err := plan.Apply(ctx, client, content); err != nil {
		return nil, fmt.Errorf("uploading the file: %w", cli.Refused(err))
	}
	if err := plan.StartSync(ctx, client); err != nil {
		return nil, fmt.Errorf("the file is there, but the sync could not be started, run it again: %w", err)
	}
	return plan.Verify(ctx, client, vpptoken.OnPoll(show.poll))
}
