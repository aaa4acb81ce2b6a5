package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/renew"
)

type result struct {
	code           int
	stdout, stderr string
}

func runWith(ctx context.Context, env map[string]string, args ...string) result {
	var out, errs bytes.Buffer
	code := run(ctx, args, func(name string) string { return env[name] }, &out, &errs)
	return result{code, out.String(), errs.String()}
}

func want(t *testing.T, r result, code int, stderr ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d; stderr: %s", r.code, code, r.stderr)
	}
	for _, part := range stderr {
		if !strings.Contains(r.stderr, part) {
			t.Errorf("stderr = %q, want it to hold %q", r.stderr, part)
		}
	}
	if strings.Contains(r.stderr, "error: ") != (code != 0) {
		t.Errorf("exit code %d with stderr %q", code, r.stderr)
	}
	if strings.Contains(r.stdout+r.stderr, "\x1b") {
		t.Error("the output steers a terminal that is none")
	}
}

func holds(t *testing.T, r result, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(r.stdout) {
			t.Errorf("no line %s in\n%s", line, r.stdout)
		}
	}
}

func TestPlanOnly(t *testing.T) {
	t.Parallel()
	r := runWith(t.Context(), nil)
	want(t, r, cli.ExitOK)
	holds(t, r, `An embedded Microsoft Graph, .*`, `Token 9ceb2f92-2f92-9ceb-922f-eb9c922feb9c Field iPads`,
		`organisation  Nordwind School District  Nordwind School District`, `expiry +\S+ \S+ UTC +\S+ \S+ UTC`, `state +valid`,
		`Plan: upload the file .*`, `Nothing was changed. -yes carries it out.`)
	if r.stderr != "reading the token\n" || strings.Contains(r.stdout, "erified") {
		t.Errorf("more than a plan: %q\n%s", r.stderr, r.stdout)
	}
}

func TestCarriedOut(t *testing.T) {
	t.Parallel()
	r := runWith(t.Context(), nil, "-yes")
	want(t, r, cli.ExitOK)
	holds(t, r, `Plan: upload .*`, `Verified: .*`, `state +valid +valid`, `status +completed +completed`, `request-ids: \S+, \S+, \S+`)
	steps := "reading the token\nuploading the file\nstarting a sync\nwaiting for the sync\n"
	if !strings.HasPrefix(r.stderr, steps) || !strings.Contains(r.stderr, "waiting for the sync: inProgress\n") {
		t.Errorf("progress is\n%s", r.stderr)
	}
	if strings.Contains(r.stdout, "Nothing was changed") {
		t.Error("it says that nothing was changed")
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	plan := only[renew.Plan](t, runWith(t.Context(), nil, "-json"))
	if !plan.NeedsApply || plan.Applied || plan.TokenID != "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c" || plan.OrganizationName != organization {
		t.Errorf("plan %+v", plan)
	}
	report := only[renew.Report](t, runWith(t.Context(), nil, "-json", "-yes"))
	if !report.Verified || report.Reasons != nil || !report.After.ExpirationDateTime.After(time.Now().AddDate(0, 11, 0)) {
		t.Errorf("report %+v", report)
	}
}

// only decodes an output that is one object and nothing else.
func only[T any](t *testing.T, r result) (v T) {
	t.Helper()
	if r.code != cli.ExitOK {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
	dec := json.NewDecoder(strings.NewReader(r.stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil || dec.More() {
		t.Errorf("%v, or more than one object:\n%s", err, r.stdout)
	}
	return v
}

// contentFile writes a .vpptoken file.
func contentFile(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestWrongInput(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		name   string
		args   []string
		stderr string
	}{
		{"no file", []string{"-token-file", "none.vpptoken"}, `-token-file: contenttoken: the file can't be read`},
		{"empty", []string{"-token-file", contentFile(t, "a.vpptoken", "")}, "the file is empty"},
		{"JSON", []string{"-token-file", contentFile(t, "a.vpptoken", `{"token":"x","expDate":"y","orgName":"z"}`)}, "this is the decoded JSON"},
		{"no name", []string{"-token-file", ""}, "it is empty"},
		{"expired", []string{"-token-file", contentFile(t, "a.vpptoken", contentText(organization, now.AddDate(0, 0, -1)))}, renew.ErrExpired.Error()},
		{"other organisation", []string{"-token-file", contentFile(t, "a.vpptoken", contentText("Fjord", now.AddDate(1, 0, 0)))}, renew.ErrOtherOrganization.Error()},
		{"earlier", []string{"-token-file", contentFile(t, "a.vpptoken", contentText(organization, now.AddDate(0, 0, 3)))}, renew.ErrEarlierExpiry.Error()},
		{"id", []string{"-id", "../x"}, "an id is 1 to 128 of"},
		{"timeout", []string{"-timeout", "0s"}, "-timeout: it is more than nothing"},
		{"live without file", []string{"-tenant", "a.example", "-client-id", "x", "-id", "y"}, "-tenant needs -id, the token to renew, and -token-file"},
		{"live without id", []string{"-tenant", "a.example", "-client-id", "x", "-token-file", "y"}, "-tenant needs -id, the token to renew, and -token-file"},
		{"client id", []string{"-client-id", "x"}, "-client-id needs -tenant"},
		{"a word too many", []string{"-yes", "true"}, "something follows the flags"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := runWith(t.Context(), nil, append([]string{"-yes"}, tt.args...)...)
			want(t, r, cli.ExitUsage, "error: wrong input: ", tt.stderr)
			if strings.Contains(r.stdout, "Plan") || strings.Contains(r.stderr, "uploading") {
				t.Errorf("it went on:\n%s%s", r.stdout, r.stderr)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	file := contentFile(t, "sToken_for_Fjord.vpptoken", contentText("Fjord", time.Now().AddDate(0, 0, 3)))
	r := runWith(t.Context(), nil, "-yes", "-token-file", file, "-allow-other-organization", "-allow-earlier-expiry")
	want(t, r, cli.ExitOK)
	holds(t, r, `organisation  Nordwind School District  Fjord`, `location +Nordwind +Fjord`, `Verified: .*`)
}

func TestTokenIsMissing(t *testing.T) {
	t.Parallel()
	want(t, runWith(t.Context(), nil, "-yes", "-id", "another"), cli.ExitFailed, "error: vpptoken: get: 404 Not Found")
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, runWith(ctx, nil, "-yes"), cli.ExitFailed, "cancelled")
}

func TestHelp(t *testing.T) {
	t.Parallel()
	r := runWith(t.Context(), nil, "-h")
	want(t, r, cli.ExitOK)
	for _, part := range []string{"renew -yes", "-token-file", "-allow-earlier-expiry", cli.SecretVariable, "Exit codes: 0 verified"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("the help does not hold %q", part)
		}
	}
}

// failing takes so many writes and then fails.
type failing struct{ writes int }

func (f *failing) Write(b []byte) (int, error) {
	if f.writes--; f.writes < 0 {
		return 0, errors.New("broken pipe")
	}
	return len(b), nil
}

func TestOutputFails(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"-json"}, {"-yes"}, {"-yes", "-json"}} {
		var errs bytes.Buffer
		code := run(t.Context(), args, func(string) string { return "" }, &failing{}, &errs)
		want(t, result{code, "", errs.String()}, cli.ExitFailed, "broken pipe")
		if !strings.Contains(strings.Join(args, " "), "-json") && strings.Contains(errs.String(), "uploading") {
			t.Errorf("%q: it went on without anybody seeing the plan", args)
		}
	}
}

func TestMovingLine(t *testing.T) {
	t.Parallel()
	got := moving(t)
	frames := strings.Split(got, "\r\x1b[K")
	if diff := cmp.Diff([]string{
		"", "[====                ] starting a sync, 0 s", "[ ====               ] starting a sync, 0 s", "", "[====                ] waiting for the sync, 0 s",
	}, frames[:5]); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
	if last := frames[len(frames)-2:]; last[0] != "[            ====    ] waiting for the sync: in\ufffd[2JProgress, 2 s" || last[1] != "" {
		t.Errorf("the last frames are %q", last)
	}
	if strings.Contains(got, "\n") || !strings.Contains(got, "[                ====] ") {
		t.Errorf("it is not one line with a block from one end to the other: %q", got)
	}
}
