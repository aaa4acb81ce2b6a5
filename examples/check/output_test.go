package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
	"github.com/vpptoken/vpptoken/health"
)

// embedded are the verdicts on the embedded tenants: level, tenant, token, days and reasons, worst
// first.
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
	r := clitest.Run(t.Context(), run, nil)
	clitest.Want(t, r, 2, "")
	lines := strings.Split(r.Stdout, "\n")
	if lines[0] != "CRITICAL: 3 critical, 2 unknown, 3 warning, 3 ok; 10 tokens of 3 tenants" {
		t.Errorf("the first line is %q", lines[0])
	}
	for i, verdict := range embedded {
		verdict = slices.Clone(verdict)
		if verdict[2] == "" {
			verdict[2], verdict[3] = "-", "-"
		}
		pattern := `^` + verdict[0] + ` +` + verdict[3] + `  ` + verdict[1] + ` +` + verdict[2] + `  .*` +
			verdict[4] + `$`
		if !regexp.MustCompile(pattern).MatchString(lines[5+i]) {
			t.Errorf("line %q, want %s", lines[5+i], pattern)
		}
	}
	clitest.Holds(t, r,
		`critical  school.example / Old wing +The token has expired: .*`,
		`unknown   gone.example +The tenant could not be read, so nothing is known of its tokens: vpptoken: list: .*`,
		`warning   school.example / Library +The last sync with Apple failed: .*`,
		`warning   school.example / Library +The last sync was on .*`)
	if strings.Contains(r.Stdout, "\x1b") {
		t.Error("colors without a terminal")
	}
}

func TestTableWithColors(t *testing.T) {
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
	r := clitest.Run(t.Context(), run, nil, "-json")
	clitest.Want(t, r, 2, "")
	var rows []row
	for line := range strings.Lines(r.Stdout) {
		var one row
		dec := json.NewDecoder(strings.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if one.ID == "" != (one.Tenant == "gone.example") ||
			one.ID != "" && (one.LastSyncStatus == "" || one.ExpirationDateTime.IsZero() || one.State == "") {
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
	r := clitest.Run(t.Context(), run, nil, "-csv")
	clitest.Want(t, r, 2, "")
	lines, err := csv.NewReader(strings.NewReader(r.Stdout)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{
		"level", "tenant", "name", "id", "organizationName", "state", "daysLeft", "expirationDateTime",
		"lastSyncDateTime", "lastSyncStatus", "reasons", "whatToDo",
	}
	if diff := cmp.Diff(names, lines[0]); diff != "" {
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
	if diff := cmp.Diff(slices.SortedFunc(slices.Values(embedded), byName),
		slices.SortedFunc(slices.Values(got), byName)); diff != "" {
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
	r := clitest.Run(ctx, run, withSecret, "-tenant", "a.example", "-client-id", "app", "-csv")
	s.check(t, r, 3)
	lines, err := csv.NewReader(strings.NewReader(r.Stdout)).ReadAll()
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
	r := clitest.Run(t.Context(), run, nil, "-html")
	clitest.Want(t, r, 2, "")
	for _, outside := range []string{
		"http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "ZgotmplZ",
	} {
		if strings.Contains(r.Stdout, outside) {
			t.Errorf("the page holds %q", outside)
		}
	}
	at := 0
	for _, verdict := range embedded { // each after the one before: worst first
		name := verdict[2]
		if name == "" {
			name = verdict[1]
		}
		i := strings.Index(r.Stdout[at:], `<div class="name">`+name+`</div>`)
		if i < 0 {
			t.Errorf("no %s after the one before", name)
			continue
		}
		at += i
	}
	for _, part := range []string{
		"<p>CRITICAL: 3 critical, 2 unknown,", `style="width:38%"`, `>expired 12 days ago<`, `>4 days<`,
		"the whole tenant",
		"<code>sync-stale</code> The last sync was on", "Three embedded tenants",
	} {
		if !strings.Contains(r.Stdout, part) {
			t.Errorf("the page does not hold %q", part)
		}
	}
	if n := strings.Count(r.Stdout, `class="fill"`); n != 9 { // ten tokens, one of them expired
		t.Errorf("%d bars", n)
	}
}

func TestHTMLIsEscaped(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := page(&out, time.Now())
	hostile := `</style><script>alert("x")</script>`
	for _, r := range []row{
		{
			Level: health.LevelOK, ID: hostile, Tenant: hostile, Name: hostile, OrganizationName: hostile,
			State: vpptoken.State(hostile), LastSyncStatus: vpptoken.SyncStatus(hostile),
		},
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

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
