// Update shows the main job: it changes a VPP token by sending only what was set, and shows what
// went over the wire and the result.
//
//	go run ./examples/update
//	go run ./examples/update -all
//	go run ./examples/update -display-name "Field iPads" -country no -clear location-name
//	go run ./examples/update -tenant contoso.example -client-id <guid> -id <guid> -auto-update=false
//
// Without a tenant it talks to an embedded Microsoft Graph: no account is needed.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

const help = `update changes an Intune VPP token: what a flag names is sent, and nothing else.

  update                                          two properties, on an embedded Graph
  update -all                                     all that the example of Microsoft's page sets
  update -display-name "Field iPads" -country no  two others
  update -location-name "" -clear display-name    the empty string and null are values too
  update -tenant contoso.example -client-id ID -id TOKEN -token-file sToken_for_Oslo.vpptoken
                                                  the content token, on the real service

On the real service it signs in as the application when ` + cli.SecretVariable + ` holds a client secret, and
otherwise as you, with a code to enter in a browser. A switch is turned off by -name=false.
Exit codes: 0 done, 1 the service refused or could not be reached, 2 wrong input.
`

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	var out bytes.Buffer
	err := update(ctx, args, env, &out, stderr, cli.Colored(stdout, env))
	if errors.Is(err, cli.ErrUsage) { // nothing was sent, so there is nothing to show
		return cli.Exit(stderr, err)
	}
	if _, failed := out.WriteTo(stdout); err == nil {
		err = failed
	}
	return cli.Exit(stderr, err)
}

func update(
	ctx context.Context, args []string, env func(string) string, out *bytes.Buffer, stderr io.Writer, colored bool,
) error {
	fs := flag.NewFlagSet("update", flag.ContinueOnError)
	common := cli.NewFlags(fs)
	var id string
	cli.NonEmpty(fs, "id", "the `id` of the token; the embedded Graph has one token and knows which", &id)
	all := fs.Bool("all", false, "send the body of Microsoft's page, to the embedded Graph only")
	wanted := newChange(fs)
	if err := cli.Parse(fs, args, out, help); err != nil {
		return err
	}
	if err := wanted.check(stderr); err != nil {
		return err
	}
	patch := wanted.patch
	switch {
	case common.Live() && id == "":
		return fmt.Errorf("%w: -tenant needs -id, the token to change", cli.ErrUsage)
	case *all && (common.Live() || !patch.IsEmpty()):
		return fmt.Errorf("%w: -all is a body of its own, for the embedded Graph", cli.ErrUsage)
	case common.Live() && patch.IsEmpty():
		return fmt.Errorf("%w: nothing to change: give at least one property", cli.ErrUsage)
	case *all:
		patch = pagePatch(common.Version)
	case patch.IsEmpty():
		patch = twoProperties(common.Version)
	}

	wire := cli.NewWire(ctx)
	client, embedded, err := common.Open(ctx, env, stderr, vpptoken.WithHTTPClient(&http.Client{Transport: wire}))
	if err != nil {
		return err
	}
	if embedded != nil {
		defer embedded.Close()
		added := embedded.Add(embeddedToken())
		if id == "" {
			id = added
		}
		fmt.Fprint(out,
			"An embedded Microsoft Graph, no account needed; -tenant and -client-id lead to the real service.\n\n")
	}

	before, err := client.Get(ctx, id)
	if err != nil {
		return cli.Refused(err)
	}
	var meta vpptoken.Metadata
	_, err = client.Update(ctx, id, patch, vpptoken.WithMetadata(&meta))
	fmt.Fprint(out, wire)
	if err != nil {
		return cli.Refused(err)
	}
	fmt.Fprintf(out, "%d %s, request-id %s\n\n", meta.StatusCode, http.StatusText(meta.StatusCode), meta.RequestID)

	after, err := client.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("the update was carried out, but reading the token afterward failed: %w", err)
	}
	if err := compare(out, before, after, colored); err != nil {
		return err
	}
	if patch.Token != nil {
		fmt.Fprint(out,
			"\nThe content token was sent. Reads never show it, and what it brings shows after the next sync.\n")
	}
	return nil
}

// compare shows old and new values side by side, for the properties that differ.
func compare(out *bytes.Buffer, before, after *vpptoken.VPPToken, colored bool) error {
	var t cli.Table
	t.Row(cli.Bold, "property", "before", "after")
	then, now, same := cli.Properties(before), cli.Properties(after), 0
	for i, p := range now {
		if p == then[i] {
			same++
			continue
		}
		t.Row(cli.Green, p.Name, then[i].Value, p.Value)
	}
	if same == len(now) {
		fmt.Fprint(out, "No property that can be read differs.\n")
		return nil
	}
	if err := t.Print(out, colored); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d other properties are as they were.\n", same)
	return nil
}
