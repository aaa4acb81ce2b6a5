package main

import (
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/health"
)

func TestReport(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		results []result
		code    int
		want    string
	}{
		"all levels": {[]result{
			{Tenant: "a", Level: health.LevelOK, Summary: "1 token"},
			{
				Tenant: "long-name", Level: health.LevelCritical, Summary: "2 tokens",
				Reasons: []string{"x: expired", "y\x1b[2J: invalid"},
			},
			{Tenant: "c", Level: health.LevelUnknown, Error: "plan: one\ntwo"},
			{Tenant: "d", Level: health.LevelWarning, Summary: "1 token"},
		}, 2, `TENANT     LEVEL     CHECK
a          ok        1 token
long-name  critical  2 tokens
                       x: expired
                       y�[2J: invalid
c          unknown   plan: one�two
d          warning   1 token
4 tenants: 1 ok, 1 warning, 1 unknown, 1 critical

`},
		"well": {
			[]result{{Tenant: "a", Level: health.LevelOK}},
			0, "TENANT  LEVEL  CHECK\na       ok     \n1 tenant: 1 ok\n\n",
		},
		"a warning": {
			[]result{{Tenant: "a", Level: health.LevelWarning}},
			1, "TENANT  LEVEL    CHECK\na       warning  \n1 tenant: 1 warning\n\n",
		},
		"a level of \"\"": {
			[]result{{Tenant: "a"}}, 3, "TENANT  LEVEL    CHECK\na       unknown  \n1 tenant: 1 unknown\n\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if code, err := report(&out, "check", c.results); err != nil || code != c.code || out.String() != c.want {
				t.Errorf("exit code %d, %v, it printed\n%s", code, err, out.String())
			}
		})
	}
}

func TestConsoleKeepsItsLineLast(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	c := newConsole(&out)
	c.moves = true
	c.move("done 1/2")
	c.printf("a word")
	c.move("1")
	c.move("")
	const want = "\rdone 1/2" + "\r        \r" + "a word\n" + "\rdone 1/2" + "\r1       " + "\r \r"
	if out.String() != want {
		t.Errorf("it printed %q, want %q", out.String(), want)
	}
}
