// Check checks all VPP tokens of one or many tenants and reports what is wrong, or will be soon,
// and what to do.
//
//	go run ./examples/check
//	go run ./examples/check -html > tokens.html
//	go run ./examples/check -tenant contoso.example,fabrikam.example -client-id <guid>
//
// Without a tenant it checks three embedded ones, one of which is unreachable: no account is
// needed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/health"
)

const help = `check looks at all Intune VPP tokens of one or many tenants: what is wrong, and what to do about it.

  check                                           three embedded tenants, one of which can't be reached
  check -html > tokens.html                       a page to mail, a bar for each token, worst first
  check -tenant a.example,b.example -client-id ID the same app registration in two tenants
  check -tenants tenants.json -csv                an app registration for each tenant:
      [{"tenant": "a.example", "clientId": "ID", "secretVariable": "SECRET_OF_A", "cloud": "usgov"}, ...]

A client secret is never in the file: it is in the environment variable that secretVariable names, or in
` + cli.SecretVariable + `. Without one, a single tenant is signed in to with a code to enter in a browser.
-json (an object a line) and -csv write each token as it is read, in no order, and keep none of them in memory.
A tenant that can't be read, or has no tokens, is a line of its own with the level unknown. So is one that an
interrupt kept from being read, and standard error names all of these.
Exit codes, as monitoring systems expect: 0 all is well, 1 warning, 2 critical or wrong input, 3 unknown. The worst
counts, in the order ok, warning, unknown, critical.
`

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	level, err := check(ctx, args, env, stdout, stderr)
	switch cli.Exit(stderr, err) {
	case cli.ExitUsage:
		return cli.ExitUsage // also an alarm: a check that can't run is bad news
	case cli.ExitFailed:
		return exitCodes[health.LevelUnknown]
	}
	return exitCodes[level]
}

var exitCodes = map[health.Level]int{
	health.LevelOK: 0, health.LevelWarning: 1, health.LevelCritical: 2, health.LevelUnknown: 3,
}

// check returns the worst level that it found.
func check(
	ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer,
) (health.Level, error) {
	fs := flag.NewFlagSet("check", flag.ContinueOnError)
	common := cli.NewFlags(fs)
	var file string
	cli.NonEmpty(fs, "tenants", "a JSON `file` with a list of tenants, as above", &file)
	asJSON := fs.Bool("json", false, "write an object a line")
	asCSV := fs.Bool("csv", false, "write a table for spreadsheets")
	asHTML := fs.Bool("html", false, "write a page")
	parallel := fs.Int("parallel", 8, "how many tenants are read `at once`")
	timeout := fs.Duration("timeout", 2*time.Minute, "how `long` reading one tenant may take")
	var policy health.Policy
	days(fs, "warning", "warn that many `days` before the expiry; 30 by default", &policy.WarnBefore)
	days(fs, "critical", "critical that many `days` before the expiry; 7 by default", &policy.CriticalBefore)
	fs.DurationVar(&policy.MaxSyncAge, "max-sync-age", 72*time.Hour, "how `old` the last sync may be")
	if err := cli.Parse(fs, args, stdout, help); err != nil {
		return health.LevelOK, err
	}

	now := time.Now()
	out, err := choose(stdout, now, cli.Colored(stdout, env), *asJSON, *asCSV, *asHTML)
	switch {
	case err != nil:
		return health.LevelUnknown, err
	case *timeout <= 0 || policy.MaxSyncAge <= 0 || *parallel < 1:
		return health.LevelUnknown, fmt.Errorf("%w: -timeout, -max-sync-age and -parallel are more than nothing",
			cli.ErrUsage)
	}
	var tenants []cli.Tenant
	if common.Live() || file != "" {
		tenants, err = cli.Tenants(common, file, env, stderr)
	} else if err = common.Check(); err == nil {
		var done func()
		tenants, done = cli.EmbeddedTenants(common.Version, now)
		defer done()
		out.about("Three embedded tenants, no account needed; -tenant and -client-id lead to the real service.")
	}
	if err != nil {
		return health.LevelUnknown, err
	}

	s := settings{policy, *timeout, *parallel, now}
	if (*asJSON || *asCSV) && cli.IsTerminal(stdout) {
		return s.read(ctx, tenants, out, stderr, io.Discard) // the rows themselves show the progress
	}
	return s.read(ctx, tenants, out, stderr, stderr)
}

// settings says how to read the tenants.
type settings struct {
	policy   health.Policy
	timeout  time.Duration // of one tenant
	parallel int
	now      time.Time
}

// read assesses all tokens of all tenants, shows the progress, and says which tenants an interrupt
// left out.
func (s settings) read(
	ctx context.Context, tenants []cli.Tenant, out output, stderr, progress io.Writer,
) (health.Level, error) {
	var tokens, ended atomic.Int64
	judge := func(ctx context.Context, t cli.Tenant, each func(row) error) (int, error) {
		defer ended.Add(1)
		client, err := t.Open(ctx)
		if err != nil {
			return 0, err
		}
		ctx, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		return assess(client.List(ctx), t.Name, s.now, s.policy, func(r row) error {
			tokens.Add(1)
			return each(r)
		})
	}
	stop := cli.Progress(progress, cli.IsTerminal(progress), func(elapsed time.Duration) string {
		n := int(tokens.Load())
		return fmt.Sprintf("reading: %d tokens, %s, %d of %d tenants done",
			n, cli.Rate(n, 0, elapsed), ended.Load(), len(tenants))
	})
	worst, unread, err := pass(ctx, tenants, s.parallel, judge, out.row)
	stop()
	if err != nil {
		return health.LevelUnknown, err
	}
	if len(unread) > 0 {
		slices.Sort(unread)
		_, _ = fmt.Fprintf(stderr, "interrupted: not read, or not to the end: %s\n",
			cli.Printable(strings.Join(unread, ", ")))
	}
	return worst, out.end()
}

// days adds a flag of whole days.
func days(fs *flag.FlagSet, name, usage string, into *time.Duration) {
	fs.Func(name, usage, func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 3650 {
			return errors.New("it is a number of days, 1 to 3650")
		}
		*into = time.Duration(n) * 24 * time.Hour
		return nil
	})
}
