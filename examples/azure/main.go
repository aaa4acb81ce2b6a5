// Azure lists the VPP tokens of a tenant. It signs in with whatever azidentity's
// DefaultAzureCredential finds: a managed or workload identity, environment variables, the Azure
// CLI's login.
//
//	go run .                  a Graph inside the program, no account
//	go run . -tenant <GUID>   the real service
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/azauth"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

const help = `azure lists the Intune VPP tokens of a tenant, signed in with what azidentity finds.

  azure                 a Graph inside the program, no account
  azure -tenant GUID    the real service

Exit codes: 0 done, 1 the sign-in or the service failed, 2 wrong input.
`

func main() {
	cli.Main(func(ctx context.Context, args []string, _ func(string) string, stdout, stderr io.Writer) int {
		return cli.Exit(stderr, run(ctx, args, stdout, stderr))
	})
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("azure", flag.ContinueOnError)
	var tenant string
	cli.NonEmpty(flags, "tenant",
		"the `id` (a GUID) of the tenant to read; without it a Graph inside the program is read", &tenant)
	if err := cli.Parse(flags, args, stdout, help); err != nil {
		return err
	}
	if tenant == "" {
		srv := newGraph()
		defer srv.Close()
		_, _ = fmt.Fprintln(stderr, "a Graph inside the program; -tenant reads the real service")
		return list(ctx, canned{srv.TokenSource()}, nil, stdout, vpptoken.WithBaseURL(srv.URL()))
	}
	guard := azauth.WithTenantGuard(tenant) // a login may be left over from another tenant
	cred, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{TenantID: tenant})
	if err != nil {
		return fmt.Errorf("%w: azidentity refuses the tenant or a variable of the environment", cli.ErrUsage)
	}
	return list(ctx, cred, []azauth.Option{guard}, stdout)
}

// list signs in, and prints all tokens with what an administrator checks first.
func list(
	ctx context.Context, cred azcore.TokenCredential, guards []azauth.Option, stdout io.Writer, opts ...vpptoken.Option,
) error {
	source, err := azauth.New(cred, vpptoken.CloudGlobal, guards...)
	if err != nil {
		return fmt.Errorf("%w: %w", cli.ErrUsage, err)
	}
	if _, err := source.TokenContext(ctx, ""); err != nil { // the reason shows best here
		return fmt.Errorf(
			"%w: sign in, for example with az login; with AZURE_SDK_GO_LOGGING=all azidentity logs what it tried", err)
	}
	client, err := vpptoken.NewClient(source, opts...)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "TOKEN\tSTATE\tEXPIRES")
	for t, err := range client.List(ctx) {
		if err != nil {
			return errors.Join(table.Flush(), err)
		}
		expires := "never"
		if !t.ExpirationDateTime.IsZero() {
			expires = t.ExpirationDateTime.UTC().Format("2006-01-02")
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", cli.Printable(t.DisplayName), cli.Printable(string(t.State)), expires)
	}
	return table.Flush()
}
