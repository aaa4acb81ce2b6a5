package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	ok := func(*vpptoken.VPPToken) {}
	warning := func(t *vpptoken.VPPToken) { t.ExpirationDateTime = time.Now().Add(20 * 24 * time.Hour) }
	unknown := func(t *vpptoken.VPPToken) { t.ExpirationDateTime = time.Time{} }
	critical := func(t *vpptoken.VPPToken) { t.State = vpptoken.StateInvalid }
	type changes = []func(*vpptoken.VPPToken)
	for _, tt := range []struct {
		name   string
		tokens changes
		args   []string
		code   int
	}{
		{"ok", changes{ok}, nil, 0},
		{"warning", changes{ok, warning}, nil, 1},
		{"warning outranked by unknown", changes{warning, unknown, ok}, nil, 3},
		{"unknown outranked by critical", changes{unknown, critical, warning}, nil, 2},
		{"no tokens", nil, nil, 3},
		{"policy warns later", changes{warning}, []string{"-warning", "10"}, 0},
		{"policy is critical sooner", changes{warning}, []string{"-critical", "25"}, 2},
		{
			"policy of the sync",
			changes{func(t *vpptoken.VPPToken) { t.LastSyncDateTime = time.Now().Add(-2 * time.Hour) }},
			[]string{"-max-sync-age", "1h"},
			1,
		},
	} {
		for _, format := range []string{"", "-json", "-csv", "-html"} {
			t.Run(tt.name+format, func(t *testing.T) {
				t.Parallel()
				s, ctx := newService(t, "a.example")
				for _, change := range tt.tokens {
					s.add("a.example", change)
				}
				args := append([]string{"-tenant", "a.example", "-client-id", "app"}, tt.args...)
				if format != "" {
					args = append(args, format)
				}
				s.check(t, clitest.Run(ctx, run, withSecret, args...), tt.code)
			})
		}
	}
}

func TestSeveralTenants(t *testing.T) {
	t.Parallel()
	s, ctx := newService(t, "a.example", "b.example", "c.example")
	s.add("a.example", nil)
	s.tenants["b.example"].Fail(vpptokentest.Fault{Status: 403, Intune: true})
	s.add("c.example", nil)
	r := clitest.Run(ctx, run, withSecret, "-tenant", "a.example, b.example,c.example,d.example", "-client-id", "app")
	s.check(t, r, 3)
	clitest.Holds(t, r,
		`UNKNOWN: 0 critical, 2 unknown, 0 warning, 2 ok; 2 tokens of 4 tenants`,
		`ok +200  a.example  Oslo .*`, `ok +200  c.example  Oslo .*`, `unknown +-  b.example  - .*`,
		`unknown +-  d.example  - .*`,
		`unknown  b.example  The tenant could not be read, .*403 Forbidden.*`,
		`unknown  d.example  The tenant could not be read, .*`)
}

func TestListThatBreaksOff(t *testing.T) {
	t.Parallel()
	s, ctx := newService(t, "a.example")
	for range 101 { // two pages
		s.add("a.example", nil)
	}
	s.tenants["a.example"].Fail(vpptokentest.Fault{}, vpptokentest.Fault{Status: 403})
	r := clitest.Run(ctx, run, withSecret, "-tenant", "a.example", "-client-id", "app", "-json")
	s.check(t, r, 3)
	lines := strings.Split(strings.TrimSpace(r.Stdout), "\n")
	if len(lines) != 101 || !strings.Contains(lines[100], `"Only 100 tokens could be read, and there may be more: `) {
		t.Errorf("%d lines, the last is %s", len(lines), lines[len(lines)-1])
	}
}

func TestTenantsFile(t *testing.T) {
	t.Parallel()
	s, ctx := newService(t, "a.example", "b.example")
	s.add("a.example", nil)
	s.add("b.example", nil)
	s.secrets["b.example"] = otherSecret
	file := clitest.File(t, "tenants.json", `[{"tenant":"a.example","clientId":"app","cloud":"usgov"},
		{"tenant":"b.example","clientId":"app2","secretVariable":"OTHER_SECRET"},
		{"tenant":"c.example","clientId":"app3","secretVariable":"NOT_SET"}]`)
	r := clitest.Run(ctx, run, withSecret, "-tenants", file, "-version", "v1.0", "-json")
	s.check(t, r, 3)
	for _, part := range []string{
		`{"level":"ok","tenant":"a.example",`, `{"level":"ok","tenant":"b.example",`,
		`{"level":"unknown","tenant":"c.example","reasons":`,
		"there is no client secret in the environment variable that secretVariable names",
	} {
		if !strings.Contains(r.Stdout, part) {
			t.Errorf("no %s in\n%s", part, r.Stdout)
		}
	}
	if strings.Contains(r.Stdout, "NOT_SET") {
		t.Error("what may be a secret by mistake is shown")
	}
}

func TestWrongInput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args   []string
		stderr string
	}{
		{[]string{"-json", "-csv"}, "give one of them"},
		{[]string{"-csv", "-html"}, "give one of them"},
		{[]string{"-warning", "0"}, "it is a number of days"},
		{[]string{"-critical", "7d"}, "it is a number of days"},
		{[]string{"-timeout", "0s"}, "-timeout, -max-sync-age and -parallel are more than nothing"},
		{[]string{"-parallel", "0"}, "-timeout, -max-sync-age and -parallel are more than nothing"},
		{[]string{"-max-sync-age", "-1h"}, "-timeout, -max-sync-age and -parallel are more than nothing"},
		{[]string{"-tenant", "a.example"}, "-tenant needs -client-id"},
		{[]string{"-client-id", "x"}, "-client-id needs -tenant"},
		{[]string{"-tenant", "a,b", "-client-id", "x"}, "several tenants need a client secret"},
		{[]string{"-tenants", "none.json"}, "-tenants: open none.json: "},
		{[]string{"-tenants", "none.json", "-tenant", "a"}, "leave -tenant, -client-id and -cloud out"},
		{[]string{"-tenants", ""}, "it is empty"},
		{[]string{"-tenants", clitest.File(t, "tenants.json", `[]`)}, "tenants.json: the list is empty"},
		{
			[]string{"-tenants", clitest.File(t, "tenants.json", `[{"tenant":"a"}]`)},
			"tenant 1: it needs tenant and clientId",
		},
		{
			[]string{"-tenants", clitest.File(t, "tenants.json", `[{"tenant":"a","clientId":7}]`)},
			`tenant 1: "clientId" is a text`,
		},
		{
			[]string{
				"-tenants",
				clitest.File(t, "tenants.json",
					`[{"tenant":"a","clientId":"x"},{"tenant":"b","clientId":"x","clientSecret":"hidden"}]`),
			},
			`tenant 2: not known: "clientSecret"; it has`,
		},
		{
			[]string{"-tenants", clitest.File(t, "tenants.json", `[{"tenant":"a","clientId":"x","cloud":"mars"}]`)},
			"want one of Global, USGov",
		},
		{
			[]string{
				"-tenants",
				clitest.File(t, "tenants.json", `[{"tenant":"a","clientId":"x"},{"tenant":"A","clientId":"y"}]`),
			},
			`tenants.json: "A" appears twice`,
		},
		{
			[]string{"-tenants", clitest.File(t, "tenants.json", `[{"tenant":"a","clientId":"x"},{"tenant":"a..b","clientId":"x"}]`)},
			"tenant 2: vpptoken: a tenant is a GUID or a domain name",
		},
		{[]string{"-tenant", "a b", "-client-id", "x"}, `-tenant: "a b": vpptoken: a tenant is`},
		{[]string{"-html", "x"}, "something follows the flags"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			r := clitest.Run(t.Context(), run, nil, tt.args...)
			clitest.Want(t, r, cli.ExitUsage, tt.stderr)
			if !strings.HasPrefix(r.Stderr, "error: wrong input: ") || r.Stdout != "" ||
				strings.Contains(r.Stderr, "hidden") {
				t.Errorf("stdout %q, stderr %q", r.Stdout, r.Stderr)
			}
		})
	}
}

func TestTenantsAreDistinct(t *testing.T) {
	t.Parallel()
	const empty = "error: wrong input: -tenant: a name is empty: "
	for tenant, want := range map[string]string{
		"a.example,":            empty,
		",a.example":            empty,
		"a.example, ,b.example": empty,
		" ":                     empty,
		"a.example,a.EXAMPLE":   `error: wrong input: -tenant: "a.EXAMPLE" appears twice`,
	} {
		for name, env := range map[string]map[string]string{"secret": withSecret, "no secret": nil} {
			if env == nil && want != empty {
				continue // several tenants need one, which is said first
			}
			t.Run(tenant+", "+name, func(t *testing.T) {
				t.Parallel()
				r := clitest.Run(t.Context(), run, env, "-tenant", tenant, "-client-id", "x")
				clitest.Want(t, r, cli.ExitUsage, want)
			})
		}
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := clitest.Run(ctx, run, nil)
	clitest.Want(t, r, 3, "interrupted: not read, or not to the end: gone.example, nordwind.example, school.example\n")
	if !strings.HasPrefix(r.Stdout, "UNKNOWN: 0 critical, 3 unknown, 0 warning, 0 ok; 0 tokens of 3 tenants\n") {
		t.Errorf("stdout:\n%s", r.Stdout)
	}
}

// breakingOff is a transport that calls then before the list of a tenant goes on to its second
// page.
type breakingOff struct {
	service *service
	tenant  string
	then    func()
}

func (b breakingOff) RoundTrip(r *http.Request) (*http.Response, error) {
	srv := b.service.bearers[r.Header.Get("Authorization")]
	if srv != nil && srv == b.service.tenants[b.tenant] && r.URL.Query().Has("$skiptoken") {
		b.then()
	}
	return b.service.RoundTrip(r)
}

func TestInterruptedInTheMiddle(t *testing.T) {
	t.Parallel()
	s, _ := newService(t, "a.example", "b.example", "c.example", "d.example")
	for _, name := range []string{"a.example", "b.example", "c.example"} {
		for range 150 {
			s.add(name, nil)
		}
	}
	ctx, interrupt := context.WithCancel(t.Context())
	ctx = clitest.Through(ctx, breakingOff{s, "b.example", interrupt})
	r := clitest.Run(ctx, run, withSecret, "-tenant", "a.example,b.example,c.example,d.example", "-client-id", "app",
		"-parallel", "1", "-json")
	clitest.Want(t, r, 3, "interrupted: not read, or not to the end: b.example, c.example, d.example\n")
	if n := strings.Count(r.Stdout, `{"level":"ok","tenant":"a.example"`); n != 150 {
		t.Errorf("%d tokens of the tenant that was read", n)
	}
	for _, part := range []string{
		`{"level":"unknown","tenant":"b.example","reasons":[{"level":"unknown","code":"tenant-unreadable","text":"Only 100 tokens could be read, and there may be more: the check was interrupted."}]}`,
		`{"level":"unknown","tenant":"c.example","reasons":[{"level":"unknown","code":"tenant-unreadable","text":"The tenant could not be read, so nothing is known of its tokens: the check was interrupted."}]}`,
	} {
		if !strings.Contains(r.Stdout, part) {
			t.Errorf("no %s", part)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	r := clitest.Run(t.Context(), run, nil, "-h")
	clitest.Want(t, r, 0, "")
	for _, part := range []string{
		"-tenants", "-html", cli.SecretVariable, "Exit codes, as monitoring systems expect: 0",
		"2 critical or wrong input",
	} {
		if !strings.Contains(r.Stdout, part) {
			t.Errorf("the help does not hold %q", part)
		}
	}
}

func TestOutputFails(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"-json=false", "-json", "-csv", "-html"} {
		clitest.Want(t, clitest.RunTo(t.Context(), clitest.BrokenPipe{}, run, nil, format), 3, "broken pipe")
	}
}
