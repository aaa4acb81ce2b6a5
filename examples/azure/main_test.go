package main

import (
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

func TestRunWithoutAnAccount(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	if err := run(t.Context(), nil, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	want := `TOKEN        STATE                  EXPIRES
Field iPads  valid                  2027-11-20
Schools      expired                2025-03-02
Warehouse    assignedToExternalMDM  never
`
	if stdout.String() != want {
		t.Errorf("it printed\n%s\nwant\n%s", stdout.String(), want)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a domain": {
			[]string{"-tenant", "contoso.com"}, "wrong input: azauth: New: WithTenantGuard: a tenant id is a GUID",
		},
		"no tenant":    {[]string{"-tenant", ""}, `wrong input: invalid value "" for flag -tenant: it is empty`},
		"an argument":  {[]string{"list"}, "wrong input: something follows the flags: put a value with spaces in quotes, and write a switch as -name=false"},
		"unknown flag": {[]string{"-nope"}, "wrong input: flag provided but not defined: -nope"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr strings.Builder
			err := run(t.Context(), c.args, &stdout, &stderr)
			if !errors.Is(err, cli.ErrUsage) || err.Error() != c.want {
				t.Errorf("run: %v, want %q", err, c.want)
			}
			if stdout.String() != "" {
				t.Errorf("it printed %s", stdout.String())
			}
		})
	}
}

func TestRunHelps(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	err := run(t.Context(), []string{"-h"}, &stdout, &stderr)
	if !errors.Is(err, flag.ErrHelp) ||
		!strings.Contains(stdout.String(), "-tenant id") || !strings.Contains(stdout.String(), "Exit codes: 0 ") {
		t.Errorf("run: %v, help %q", err, stdout.String())
	}
}
