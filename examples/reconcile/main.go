// Reconcile brings VPP tokens to the settings in a JSON file with the smallest PATCHes.
//
//	go run ./examples/reconcile
//	go run ./examples/reconcile -apply
//	go run ./examples/reconcile -tenant contoso.example -client-id <guid> -file desired.json
//
// Without a tenant it works on an embedded Microsoft Graph, and without a file on a sample: no
// account is needed.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

const help = `reconcile brings Intune VPP tokens to the settings of a JSON file: it shows what differs, and sends
that and nothing else.

  reconcile                                       the plan, on an embedded Graph with a sample file
  reconcile -apply                                the same, carried out
  reconcile -apply -tokens 2000                   with so many tokens more, at the limit of the service
  reconcile -tenant contoso.example -client-id ID -file desired.json
                                                  the plan, on the real service

The file is a list. Each entry names one token, by its id or by its displayName, and says what it should be:
  [{"displayName": "Field iPads", "settings": {"countryOrRegion": "no", "locationName": null, "roleScopeTagIds": ["0"]},
    "tokenFile": "sToken_for_Field.vpptoken"},
   {"id": "*", "settings": {"automaticallyUpdateApps": true}}, ...]
The id "*" is for all tokens that no other entry names.
The settings have Graph's names:
  ` + v1Settings + `
and in beta, the version without -version,
  ` + betaSettings + `
null clears. A setting that is not there is left alone, and so is a token that no entry means. The content token is
a secret and never in the file: tokenFile names Apple's file, beside this one. It is uploaded while the service shows
another expiry, which it does until the next sync; examples/renew starts one and proves the result.

On the real service it signs in as the application when ` + cli.SecretVariable + ` holds a client secret, and
otherwise as you, with a code to enter in a browser. A token that fails hides none of the others. An interrupt
ends it between two tokens, and it says what was done and what was not; the next run goes on.
Exit codes: 0 all is in order, or the plan was shown or carried out; 1 something failed, or it was interrupted;
2 wrong input, nothing was sent.
`

//go:embed desired.json
var sample []byte

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	return cli.Exit(stderr, reconcile(ctx, args, env, stdout, stderr))
}

func reconcile(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("reconcile", flag.ContinueOnError)
	common := cli.NewFlags(fs)
	var file string
	cli.NonEmpty(fs, "file", "the `file` with the desired settings; a sample without it", &file)
	apply := fs.Bool("apply", false, "carry the plan out")
	asJSON := fs.Bool("json", false, "write the result of each token as JSON")
	parallel := fs.Int("parallel", 8,
		"how many tokens are changed `at once`; the client keeps the service's limit in any case")
	more := fs.Int("tokens", 0, "how many `more` tokens the embedded Graph has, which then takes 100 changes a second")
	if err := cli.Parse(fs, args, stdout, help); err != nil {
		return err
	}
	var opts []vpptoken.Option
	switch {
	case common.Live() && file == "":
		return fmt.Errorf("%w: -tenant needs -file, the desired settings", cli.ErrUsage)
	case *parallel < 1:
		return fmt.Errorf("%w: -parallel is 1 or more", cli.ErrUsage)
	case *more < 0 || *more > 0 && common.Live():
		return fmt.Errorf("%w: -tokens is for the embedded Graph, and not negative", cli.ErrUsage)
	case *more > 0:
		common.Embedded = append(common.Embedded, vpptokentest.WithThrottle(100, time.Second))
		opts = append(opts, vpptoken.WithWriteLimit(100, time.Second)) // as it keeps Intune's by itself
	}
	wanted, err := readDesired(file, common.Version)
	if err != nil {
		return err
	}

	client, embedded, err := common.Open(ctx, env, stderr, opts...)
	if err != nil {
		return err
	}
	out := output{w: stdout, json: *asJSON, colored: cli.Colored(stdout, env)}
	if embedded != nil {
		defer embedded.Close()
		for _, t := range embeddedTokens(time.Now(), *more) {
			embedded.Add(t)
		}
		out.note("An embedded Microsoft Graph, no account needed; -tenant and -client-id lead to the real service.\n\n")
	}
	work := &work{client, *parallel, stderr}
	results, err := work.plan(ctx, wanted)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err) // since nothing is known of any token
	}
	if *apply {
		work.apply(ctx, results)
	}
	return out.results(results, *apply)
}
