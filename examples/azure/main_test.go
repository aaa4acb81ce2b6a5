package main

import (
	"strings"
	"testing"
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
		"a domain":     {[]string{"-tenant", "contoso.com"}, "azauth: New: WithTenantGuard: a tenant id is a GUID"},
		"no tenant":    {[]string{"-tenant", ""}, `invalid value "" for flag -tenant: it is empty`},
		"an argument":  {[]string{"list"}, `azure: "list" is no flag: see -h`},
		"unknown flag": {[]string{"-nope"}, "flag provided but not defined: -nope"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr strings.Builder
			if err := run(t.Context(), c.args, &stdout, &stderr); err == nil || err.Error() != c.want {
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
	if err := run(t.Context(), []string{"-h"}, &stdout, &stderr); err != nil || !strings.Contains(stderr.String(), "-tenant id") {
		t.Errorf("run: %v, help %q", err, stderr.String())
	}
}
