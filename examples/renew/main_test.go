package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
	"github.com/vpptoken/vpptoken/renew"
)

func want(t *testing.T, r clitest.Result, code int, stderr ...string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit code %d, want %d; stderr: %s", r.Code, code, r.Stderr)
	}
	for _, part := range stderr {
		if !strings.Contains(r.Stderr, part) {
			t.Errorf("stderr = %q, want it to hold %q", r.Stderr, part)
		}
	}
	if strings.Contains(r.Stderr, "error: ") != (code != 0) {
		t.Errorf("exit code %d with stderr %q", code, r.Stderr)
	}
	if strings.Contains(r.Stdout+r.Stderr, "\x1b") {
		t.Error("the output steers a terminal that is none")
	}
}

func TestPlanOnly(t *testing.T) {
	t.Parallel()
	r := clitest.Run(t.Context(), run, nil)
	want(t, r, cli.ExitOK)
	clitest.Holds(t, r, `An embedded Microsoft Graph, .*`, `Token 9ceb2f92-2f92-9ceb-922f-eb9c922feb9c Field iPads`,
		`organization  Nordwind School District  Nordwind School District`, `expiry +\S+ \S+ UTC +\S+ \S+ UTC`,
		`state +valid`,
		`Plan: upload the file .*`, `Nothing was changed. -yes carries it out.`)
	if r.Stderr != "reading the token\n" || strings.Contains(r.Stdout, "erified") {
		t.Errorf("more than a plan: %q\n%s", r.Stderr, r.Stdout)
	}
}

func TestCarriedOut(t *testing.T) {
	t.Parallel()
	r := clitest.Run(t.Context(), run, nil, "-yes")
	want(t, r, cli.ExitOK)
	clitest.Holds(t, r, `Plan: upload .*`, `Verified: .*`, `state +valid +valid`, `status +completed +completed`,
		`request-ids: \S+, \S+, \S+`)
	steps := "reading the token\nuploading the file\nstarting a sync\nwaiting for the sync\n"
	if !strings.HasPrefix(r.Stderr, steps) || !strings.Contains(r.Stderr, "waiting for the sync: ") {
		t.Errorf("progress is\n%s", r.Stderr)
	}
	if strings.Contains(r.Stdout, "Nothing was changed") {
		t.Error("it says that nothing was changed")
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	r := clitest.Run(t.Context(), run, nil, "-json")
	want(t, r, cli.ExitOK)
	plan := clitest.JSON[renew.Plan](t, r)
	if !plan.NeedsApply || plan.Applied || plan.TokenID != "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c" ||
		plan.OrganizationName != organization {
		t.Errorf("plan %+v", plan)
	}
	r = clitest.Run(t.Context(), run, nil, "-json", "-yes")
	want(t, r, cli.ExitOK)
	report := clitest.JSON[renew.Report](t, r)
	if !report.Verified || report.Reasons != nil ||
		!report.After.ExpirationDateTime.After(time.Now().AddDate(0, 11, 0)) {
		t.Errorf("report %+v", report)
	}
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
		{"empty", []string{"-token-file", clitest.File(t, "a.vpptoken", "")}, "the file is empty"},
		{
			"JSON",
			[]string{"-token-file", clitest.File(t, "a.vpptoken", `{"token":"x","expDate":"y","orgName":"z"}`)},
			"this is the decoded JSON",
		},
		{"no name", []string{"-token-file", ""}, "it is empty"},
		{"expired", []string{
			"-token-file", clitest.File(t, "a.vpptoken", clitest.Content(organization, now.AddDate(0, 0, -1))),
		}, renew.ErrExpired.Error()},
		{
			"other organization",
			[]string{"-token-file", clitest.File(t, "a.vpptoken", clitest.Content("Fjord", now.AddDate(1, 0, 0)))},
			renew.ErrOtherOrganization.Error(),
		},
		{
			"other location",
			[]string{
				"-token-file",
				clitest.File(t, "sToken_for_Fjord.vpptoken", clitest.Content(organization, now.AddDate(1, 0, 0))),
			},
			renew.ErrOtherLocation.Error(),
		},
		{
			"earlier",
			[]string{"-token-file", clitest.File(t, "a.vpptoken", clitest.Content(organization, now.AddDate(0, 0, 3)))},
			renew.ErrEarlierExpiry.Error(),
		},
		{"id", []string{"-id", "../x"}, "an id is 1 to 128 letters"},
		{"timeout", []string{"-timeout", "0s"}, "-timeout: it is more than nothing"},
		{
			"live without file",
			[]string{"-tenant", "a.example", "-client-id", "x", "-id", "y"},
			"-tenant needs -id, the token to renew, and -token-file",
		},
		{
			"live without id",
			[]string{"-tenant", "a.example", "-client-id", "x", "-token-file", "y"},
			"-tenant needs -id, the token to renew, and -token-file",
		},
		{"client id", []string{"-client-id", "x"}, "-client-id needs -tenant"},
		{"a word too many", []string{"-yes", "true"}, "something follows the flags"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := clitest.Run(t.Context(), run, nil, append([]string{"-yes"}, tt.args...)...)
			want(t, r, cli.ExitUsage, "error: wrong input: ", tt.stderr)
			if strings.Contains(r.Stdout, "Plan") || strings.Contains(r.Stderr, "uploading") {
				t.Errorf("it went on:\n%s%s", r.Stdout, r.Stderr)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	file := clitest.File(t, "sToken_for_Fjord.vpptoken", clitest.Content("Fjord", time.Now().AddDate(0, 0, 3)))
	r := clitest.Run(t.Context(), run, nil, "-yes", "-token-file", file, "-allow-other-organization",
		"-allow-other-location", "-allow-earlier-expiry")
	want(t, r, cli.ExitOK)
	clitest.Holds(t, r, `organization  Nordwind School District  Fjord`, `location +Nordwind +Fjord`, `Verified: .*`)
}

func TestTokenIsMissing(t *testing.T) {
	t.Parallel()
	want(t, clitest.Run(t.Context(), run, nil, "-yes", "-id", "another"), cli.ExitFailed,
		"error: vpptoken: get: 404 Not Found")
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, clitest.Run(ctx, run, nil, "-yes"), cli.ExitFailed, "cancel")
}

func TestHelp(t *testing.T) {
	t.Parallel()
	r := clitest.Run(t.Context(), run, nil, "-h")
	want(t, r, cli.ExitOK)
	for _, part := range []string{
		"renew -yes", "-token-file", "-allow-earlier-expiry", cli.SecretVariable, "Exit codes: 0 verified",
	} {
		if !strings.Contains(r.Stdout, part) {
			t.Errorf("the help does not hold %q", part)
		}
	}
}

func TestOutputFails(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"-json"}, {"-yes"}, {"-yes", "-json"}} {
		r := clitest.RunTo(t.Context(), clitest.BrokenPipe{}, run, nil, args...)
		want(t, r, cli.ExitFailed, "broken pipe")
		if !strings.Contains(strings.Join(args, " "), "-json") && strings.Contains(r.Stderr, "uploading") {
			t.Errorf("%q: it went on without anybody seeing the plan", args)
		}
	}
}

func TestMovingLine(t *testing.T) {
	t.Parallel()
	got := moving(t)
	frames := strings.Split(got, "\r\x1b[K")
	if diff := cmp.Diff([]string{
		"", "[====                ] starting a sync, 0 s", "[ ====               ] starting a sync, 0 s", "",
		"[====                ] waiting for the sync, 0 s",
	}, frames[:5]); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
	last := frames[len(frames)-2:]
	if last[0] != "[            ====    ] waiting for the sync: in\ufffd[2JProgress, 2 s" || last[1] != "" {
		t.Errorf("the last frames are %q", last)
	}
	if strings.Contains(got, "\n") || !strings.Contains(got, "[                ====] ") {
		t.Errorf("it is not one line with a block from one end to the other: %q", got)
	}
}
