package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/health"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// embedded are the verdicts on the embedded tenants: level, tenant, token, days and reasons, worst first.
var embedded = [][]string{
	{"critical", "school.example", "Old wing", "-12", "expired"},
	{"critical", "nordwind.example", "Tromsø", "4", "expires-soon"},
	{"critical", "nordwind.example", "Bodø", "140", "invalid"},
	{"unknown", "gone.example", "", "", "tenant-unreadable"},
	{"unknown", "school.example", "New wing", "190", "unknown-state"},
	{"warning", "nordwind.example", "Stavanger", "23", "expires-soon"},
	{"warning", "school.example", "Library", "120", "sync-failed sync-stale"},
	{"warning", "school.example", "Kindergarten", "260", "action-failed"},
	{"ok", "nordwind.example", "Oslo", "212", ""},
	{"ok", "school.example", "Main school", "301", ""},
	{"ok", "nordwind.example", "Bergen", "331", ""},
}

func TestTable(t *testing.T) {
	t.Parallel()
	r := runWith(t.Context(), nil)
	want(t, r, 2, "")
	lines := strings.Split(r.stdout, "\n")
	if lines[0] != "CRITICAL: 3 critical, 2 unknown, 3 warning, 3 ok; 10 tokens of 3 tenants" {
		t.Errorf("the first line is %q", lines[0])
	}
	for i, verdict := range embedded {
		verdict = slices.Clone(verdict)
		if verdict[2] == "" {
			verdict[2], verdict[3] = "-", "-"
		}
		pattern := `^` + verdict[0] + ` +` + verdict[3] + `  ` + verdict[1] + ` +` + verdict[2] + `  .*` + verdict[4] + `$`
		if !regexp.MustCompile(pattern).MatchString(lines[5+i]) {
			t.Errorf("line %q, want %s", lines[5+i], pattern)
		}
	}
	for _, line := range []string{
		`critical  school.example / Old wing +The token has expired: .*`,
		`unknown   gone.example +The tenant could not be read, so nothing is known of its tokens: vpptoken: list: .*`,
		`warning   school.example / Library +The last sync with Apple failed: .*`,
		`warning   school.example / Library +The last sync was on .*`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(r.stdout) {
			t.Errorf("no line %s in\n%s", line, r.stdout)
		}
	}
	if strings.Contains(r.stdout, "\x1b") {
		t.Error("colours without a terminal")
	}
}

func TestTableWithColours(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := table(&out, true)
	for _, l := range []health.Level{health.LevelOK, health.LevelWarning, health.LevelUnknown, health.LevelCritical} {
		if err := o.row(row{Level: l, Tenant: "a\x1b[2J"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.end(); err != nil {
		t.Fatal(err)
	}
	for _, beginning := range []string{"\x1b[31mcritical", "\x1b[33munknown", "\x1b[33mwarning", "\x1b[32mok"} {
		if !strings.Contains(out.String(), "\n"+beginning) {
			t.Errorf("no line begins %q", beginning)
		}
	}
	if strings.Contains(out.String(), "\x1b[2J") {
		t.Error("a name steers the terminal")
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	r := runWith(t.Context(), nil, "-json")
	want(t, r, 2, "")
	var rows []row
	for line := range strings.Lines(r.stdout) {
		var one row
		dec := json.NewDecoder(strings.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if one.ID == "" != (one.Tenant == "gone.example") || one.ID != "" && (one.LastSyncStatus == "" || one.ExpirationDateTime.IsZero() || one.State == "") {
			t.Errorf("something is missing: %s", line)
		}
		rows = append(rows, one)
	}
	worstFirst(rows)
	var got [][]string
	for _, one := range rows {
		days := ""
		if one.DaysLeft != nil {
			days = string(must(json.Marshal(*one.DaysLeft)))
		}
		got = append(got, []string{string(one.Level), one.Tenant, one.Name, days, one.codes()})
	}
	if diff := cmp.Diff(embedded, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	r := runWith(t.Context(), nil, "-csv")
	want(t, r, 2, "")
	lines, err := csv.NewReader(strings.NewReader(r.stdout)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Fields("level tenant name id organizationName state daysLeft expirationDateTime lastSyncDateTime lastSyncStatus reasons whatToDo"), lines[0]); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	var got [][]string
	for _, l := range lines[1:] {
		got = append(got, []string{l[0], l[1], l[2], l[6], l[10]})
		if l[0] != "ok" && l[11] == "" {
			t.Errorf("nothing to do for %q", l)
		}
	}
	byName := func(a, b []string) int { return strings.Compare(a[2], b[2]) }
	if diff := cmp.Diff(slices.SortedFunc(slices.Values(embedded), byName), slices.SortedFunc(slices.Values(got), byName)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestCellsAreNoFormulas(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "",
		"Oslo":                     "Oslo",
		"a=b":                      "a=b",
		"=cmd|' /C calc'!A0":       "'=cmd|' /C calc'!A0",
		"+1":                       "'+1",
		"-1":                       "'-1",
		"@SUM(A1)":                 "'@SUM(A1)",
		"  =1":                     "'  =1",
		"\uff1d1":                  "'\uff1d1",
		"\t=1":                     "\ufffd=1",
		"Oslo\r\n=1":               "Oslo\ufffd\ufffd=1",
		"\u202egnp.exe":            "\ufffdgnp.exe",
		`Oslo "north", the second`: `Oslo "north", the second`,
	} {
		if got := cell(text); got != want {
			t.Errorf("cell(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCSVOfHostileNames(t *testing.T) {
	t.Parallel()
	s, ctx := newService(t, "a.example")
	s.add("a.example", func(t *vpptoken.VPPToken) {
		t.DisplayName, t.OrganizationName, t.State = `=HYPERLINK("https://x.example")`, "@x,\n=y", "-1+1"
	})
	r := runWith(ctx, withSecret, "-tenant", "a.example", "-client-id", "app", "-csv")
	s.check(t, r, 3)
	lines, err := csv.NewReader(strings.NewReader(r.stdout)).ReadAll()
	if err != nil || len(lines) != 2 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	got := []string{lines[1][2], lines[1][4], lines[1][5]}
	if diff := cmp.Diff([]string{`'=HYPERLINK("https://x.example")`, "'@x,\ufffd=y", "'-1+1"}, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	r := runWith(t.Context(), nil, "-html")
	want(t, r, 2, "")
	for _, outside := range []string{"http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "ZgotmplZ"} {
		if strings.Contains(r.stdout, outside) {
			t.Errorf("the page holds %q", outside)
		}
	}
	at := 0
	for _, verdict := range embedded { // each after the one before: worst first
		name := verdict[2]
		if name == "" {
			name = verdict[1]
		}
		i := strings.Index(r.stdout[at:], `<div class="name">`+name+`</div>`)
		if i < 0 {
			t.Errorf("no %s after the one before", name)
			continue
		}
		at += i
	}
	for _, part := range []string{
		"<p>CRITICAL: 3 critical, 2 unknown,", `style="width:38%"`, `>expired 12 days ago<`, `>4 days<`, "the whole tenant",
		"<code>sync-stale</code> The last sync was on", "Three embedded tenants",
	} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("the page does not hold %q", part)
		}
	}
	if n := strings.Count(r.stdout, `class="fill"`); n != 9 { // ten tokens, one of them expired
		t.Errorf("%d bars", n)
	}
}

func TestHTMLIsEscaped(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := page(&out, time.Now())
	hostile := `</style><script>alert("x")</script>`
	for _, r := range []row{
		{Level: health.LevelOK, ID: hostile, Tenant: hostile, Name: hostile, OrganizationName: hostile, State: vpptoken.State(hostile), LastSyncStatus: vpptoken.SyncStatus(hostile)},
		tenantRow(hostile, hostile, hostile),
	} {
		if err := o.row(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.end(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "<script") || strings.Count(out.String(), "</style>") != 1 {
		t.Errorf("a text breaks out:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "no date") {
		t.Error("a token without a date does not say so")
	}
}

func TestBarsAndWords(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]struct {
		bar  int
		left string
	}{
		-400: {0, "expired 400 days ago"}, -1: {0, "expired 1 day ago"}, 0: {0, "less than a day"}, 1: {0, "1 day"},
		73: {20, "73 days"}, 365: {100, "365 days"}, 4000: {100, "4000 days"},
	} {
		r := row{DaysLeft: &days}
		if bar(r) != want.bar || left(r) != want.left {
			t.Errorf("%d days: %d %%, %q", days, bar(r), left(r))
		}
	}
	if bar(row{}) != 0 {
		t.Error("a bar without a date")
	}
}

func TestDaysLeftAreRoundedDown(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for left, want := range map[time.Duration]int{
		48 * time.Hour: 2, 48*time.Hour - 1: 1, time.Hour: 0, 0: 0, -1: -1, -24 * time.Hour: -1, -24*time.Hour - 1: -2,
	} {
		token := &vpptoken.VPPToken{ExpirationDateTime: now.Add(left)}
		if r := newRow("", token, health.Assess(token, now, health.Policy{})); *r.DaysLeft != want {
			t.Errorf("%v: %d days, want %d", left, *r.DaysLeft, want)
		}
	}
}

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
		{"policy of the sync", changes{func(t *vpptoken.VPPToken) { t.LastSyncDateTime = time.Now().Add(-2 * time.Hour) }}, []string{"-max-sync-age", "1h"}, 1},
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
				s.check(t, runWith(ctx, withSecret, args...), tt.code)
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
	r := runWith(ctx, withSecret, "-tenant", "a.example, b.example,c.example,d.example", "-client-id", "app")
	s.check(t, r, 3)
	for _, line := range []string{
		`UNKNOWN: 0 critical, 2 unknown, 0 warning, 2 ok; 2 tokens of 4 tenants`,
		`ok +200  a.example  Oslo .*`, `ok +200  c.example  Oslo .*`, `unknown +-  b.example  - .*`, `unknown +-  d.example  - .*`,
		`unknown  b.example  The tenant could not be read, .*403 Forbidden.*`, `unknown  d.example  The tenant could not be read, .*`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(r.stdout) {
			t.Errorf("no line %s in\n%s", line, r.stdout)
		}
	}
}

func TestListThatBreaksOff(t *testing.T) {
	t.Parallel()
	s, ctx := newService(t, "a.example")
	for range 101 { // two pages
		s.add("a.example", nil)
	}
	s.tenants["a.example"].Fail(vpptokentest.Fault{}, vpptokentest.Fault{Status: 403})
	r := runWith(ctx, withSecret, "-tenant", "a.example", "-client-id", "app", "-json")
	s.check(t, r, 3)
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if len(lines) != 101 || !strings.Contains(lines[100], `"Only 100 tokens could be read, and there may be more: `) {
		t.Errorf("%d lines, the last is %s", len(lines), lines[len(lines)-1])
	}
}

func tenantsFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tenants.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTenantsFile(t *testing.T) {
	t.Parallel()
	s, ctx := newService(t, "a.example", "b.example")
	s.add("a.example", nil)
	s.add("b.example", nil)
	s.secrets["b.example"] = otherSecret
	file := tenantsFile(t, `[{"tenant":"a.example","clientId":"app","cloud":"usgov"},
		{"tenant":"b.example","clientId":"app2","secretVariable":"OTHER_SECRET"},
		{"tenant":"c.example","clientId":"app3","secretVariable":"NOT_SET"}]`)
	r := runWith(ctx, withSecret, "-tenants", file, "-version", "v1.0", "-json")
	s.check(t, r, 3)
	for _, part := range []string{
		`{"level":"ok","tenant":"a.example",`, `{"level":"ok","tenant":"b.example",`, `{"level":"unknown","tenant":"c.example","reasons":`,
		"there is no client secret in the environment variable that secretVariable names",
	} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("no %s in\n%s", part, r.stdout)
		}
	}
	if strings.Contains(r.stdout, "NOT_SET") {
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
		{[]string{"-timeout", "0s"}, "-timeout and -max-sync-age are more than nothing"},
		{[]string{"-max-sync-age", "-1h"}, "-timeout and -max-sync-age are more than nothing"},
		{[]string{"-tenant", "a.example"}, "-tenant needs -client-id"},
		{[]string{"-client-id", "x"}, "-client-id needs -tenant"},
		{[]string{"-tenant", "a,b", "-client-id", "x"}, "several tenants need a client secret"},
		{[]string{"-tenants", "none.json"}, "none.json"},
		{[]string{"-tenants", "none.json", "-tenant", "a"}, "leave -tenant, -client-id and -cloud out"},
		{[]string{"-tenants", ""}, "it is empty"},
		{[]string{"-tenants", tenantsFile(t, `[]`)}, "the list is empty"},
		{[]string{"-tenants", tenantsFile(t, `[{"tenant":"a"}]`)}, "tenant 1: it needs tenant and clientId"},
		{[]string{"-tenants", tenantsFile(t, `[{"tenant":"a","clientId":7}]`)}, `tenant 1: "clientId" is a text`},
		{[]string{"-tenants", tenantsFile(t, `[{"tenant":"a","clientId":"x"},{"tenant":"b","clientId":"x","clientSecret":"hidden"}]`)}, `tenant 2: not known: "clientSecret"; it has`},
		{[]string{"-tenants", tenantsFile(t, `[{"tenant":"a","clientId":"x","cloud":"mars"}]`)}, "tenant 1: cloud: it is global,"},
		{[]string{"-tenants", tenantsFile(t, `[{"tenant":"a","clientId":"x"},{"tenant":"A","clientId":"y"}]`)}, `stands twice: "A"`},
		{[]string{"-html", "x"}, "something follows the flags"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			r := runWith(t.Context(), nil, tt.args...)
			want(t, r, 3, tt.stderr)
			if !strings.HasPrefix(r.stderr, "error: wrong input: ") || r.stdout != "" || strings.Contains(r.stderr, "hidden") {
				t.Errorf("stdout %q, stderr %q", r.stdout, r.stderr)
			}
		})
	}
}

func TestTenantsAreDistinct(t *testing.T) {
	t.Parallel()
	r := runWith(t.Context(), withSecret, "-tenant", "a.example,,b.example", "-client-id", "x")
	want(t, r, 3, `a tenant is empty or stands twice: ""`)
	r = runWith(t.Context(), withSecret, "-tenant", "a.example,a.EXAMPLE", "-client-id", "x")
	want(t, r, 3, `a tenant is empty or stands twice: "a.EXAMPLE"`)
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := runWith(ctx, nil)
	want(t, r, 3, "")
	if !strings.HasPrefix(r.stdout, "UNKNOWN: 0 critical, 3 unknown, 0 warning, 0 ok; 0 tokens of 3 tenants\n") {
		t.Errorf("stdout:\n%s", r.stdout)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	r := runWith(t.Context(), nil, "-h")
	want(t, r, 0, "")
	for _, part := range []string{"-tenants", "-html", cli.SecretVariable, "Exit codes, as monitoring systems expect: 0", "which wrong input is too"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("the help does not hold %q", part)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestOutputFails(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"-json=false", "-json", "-csv", "-html"} {
		var errs bytes.Buffer
		code := run(t.Context(), []string{format}, func(string) string { return "" }, brokenPipe{}, &errs)
		want(t, result{code, "", errs.String()}, 3, "broken pipe")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
