package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
)

const id = "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c"

// sent returns the body that the output shows, on one line.
func sent(t *testing.T, r clitest.Result) string {
	t.Helper()
	shown := regexp.MustCompile(`(?m)^\{.*\}$`).FindString(r.Stdout)
	if !json.Valid([]byte(shown)) {
		t.Fatalf("the output shows no body:\n%s", r.Stdout)
	}
	return shown
}

// row returns the row of a property in the table, with single spaces.
func row(r clitest.Result, name string) string {
	for line := range strings.Lines(r.Stdout) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			return strings.Join(words, " ")
		}
	}
	return ""
}

func TestPageExample(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../testdata/seed-update-request.json")
	if err != nil {
		t.Fatal(err)
	}
	var flat bytes.Buffer
	if err := json.Compact(&flat, page); err != nil {
		t.Fatal(err)
	}
	body, err := pagePatch(vpptoken.VersionBeta).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(flat.String(), string(body)); diff != "" {
		t.Errorf("the patch is not the page's (-page +patch):\n%s", diff)
	}

	r := clitest.Run(t.Context(), run, nil, "-all")
	clitest.Want(t, r, cli.ExitOK, "")
	if diff := cmp.Diff(strings.Replace(flat.String(), "Token value", "REDACTED", 1), sent(t, r)); diff != "" {
		t.Errorf("the body shown is not the page's (-page +shown):\n%s", diff)
	}
	clitest.Holds(t, r,
		`PATCH http://\S+/beta/deviceAppManagement/vppTokens/`+id, `200 OK, request-id \S+`,
		`The content token was sent. .*`)
	for name, want := range map[string]string{
		"displayName":             "displayName Field Display Name value",
		"automaticallyUpdateApps": "automaticallyUpdateApps false true",
		"expirationDateTime":      "expirationDateTime 2027-03-01T12:00:00Z 2016-12-31T23:57:57.2481234-08:00",
		"tokenActionResults":      "tokenActionResults - Action Name value: pending",
		"state":                   "",
		"roleScopeTagIds":         "",
	} {
		if got := row(r, name); got != want {
			t.Errorf("row %q, want %q", got, want)
		}
	}
	if strings.Contains(r.Stdout, "Token value") || strings.Contains(r.Stdout, "\x1b") {
		t.Errorf("the output holds the token or a color:\n%q", r.Stdout)
	}
}

// Without flags two properties are sent, and what became of the token is shown.
func TestTwoProperties(t *testing.T) {
	t.Parallel()
	r := clitest.Run(t.Context(), run, nil)
	clitest.Want(t, r, cli.ExitOK, "")
	if got, want := sent(t, r), `{"automaticallyUpdateApps":true,"displayName":"Field iPads"}`; got != want {
		t.Errorf("the body shown is %s, want %s", got, want)
	}
	clitest.Holds(t, r, `displayName +Field +Field iPads`, `automaticallyUpdateApps +false +true`,
		`\d+ other properties are as they were\.`)

	r = clitest.Run(t.Context(), run, nil, "-version", "v1.0")
	clitest.Want(t, r, cli.ExitOK, "")
	if got, want := sent(t, r), `{"automaticallyUpdateApps":true,"countryOrRegion":"se"}`; got != want {
		t.Errorf("the body shown on v1.0 is %s, want %s", got, want)
	}
}

func TestPageExampleOnV1(t *testing.T) {
	t.Parallel()
	r := clitest.Run(t.Context(), run, nil, "-all", "-version", "v1.0")
	clitest.Want(t, r, cli.ExitOK, "")
	if !strings.Contains(r.Stdout, "/v1.0/deviceAppManagement/") || strings.Contains(sent(t, r), "displayName") {
		t.Errorf("not the request of v1.0:\n%s", r.Stdout)
	}
}

func TestSendsJustTheFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		body string
	}{
		{[]string{"-display-name", "Field iPads"}, `{"displayName":"Field iPads"}`},
		{[]string{"-display-name", ""}, `{"displayName":""}`},
		{
			[]string{"-organization-name", "A", "-location-name=B", "-apple-id", "c@d.example"},
			`{"organizationName":"A","appleId":"c@d.example","locationName":"B"}`,
		},
		{[]string{"-auto-update"}, `{"automaticallyUpdateApps":true}`},
		{
			[]string{"-auto-update=false", "-claim=0", "-consent=true"},
			`{"automaticallyUpdateApps":false,"dataSharingConsentGranted":true,"claimTokenManagementFromExternalMdm":false}`,
		},
		{[]string{"-country", "se", "-id", id}, `{"countryOrRegion":"se"}`},
		{[]string{"-account-type", "education"}, `{"vppTokenAccountType":"education"}`},
		{
			[]string{"-delivery", "declarativeDeviceManagement"},
			`{"appleDeviceAppDeliveryProtocolType":"declarativeDeviceManagement"}`,
		},
		{[]string{"-scope-tags", "0, 12"}, `{"roleScopeTagIds":["0","12"]}`},
		{[]string{"-scope-tags", ""}, `{"roleScopeTagIds":[]}`},
		{
			[]string{
				"-clear", "display-name", "-clear=organization-name", "-clear", "location-name", "-clear", "apple-id",
				"-clear", "country", "-clear", "token",
			},
			`{"organizationName":null,"appleId":null,"token":null,"countryOrRegion":null,"displayName":null,"locationName":null}`,
		},
		{[]string{"-display-name", "x", "-clear", "display-name"}, `{"displayName":null}`},
		{[]string{"-clear", "display-name", "-display-name", "x"}, `{"displayName":"x"}`},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			r := clitest.Run(t.Context(), run, nil, tt.args...)
			clitest.Want(t, r, cli.ExitOK, "")
			if got := sent(t, r); got != tt.body {
				t.Errorf("sent %s, want %s", got, tt.body)
			}
		})
	}
}

func TestWrongInput(t *testing.T) {
	t.Parallel()
	empty := clitest.File(t, "sToken_for_Oslo.vpptoken", "")
	for _, tt := range []struct {
		args   []string
		stderr string
	}{
		{[]string{"-clear", "displayName"}, "for flag -clear: it is one of display-name, organization-name,"},
		{[]string{"-clear", ""}, "it is one of"},
		{[]string{"-tenant", "contoso.example", "-id", id, "-country", "no"}, "-tenant needs -client-id"},
		{[]string{"-tenant", "contoso.example", "-client-id", "x", "-country", "no"}, "-tenant needs -id"},
		{[]string{"-tenant", "contoso.example", "-client-id", "x", "-id", id}, "nothing to change"},
		{[]string{"-tenant", "", "-country", "no"}, "flag -tenant: it is empty"},
		{[]string{"-client-id", "x"}, "-client-id needs -tenant"},
		{[]string{"-cloud", "china"}, "-cloud needs -tenant"},
		{[]string{"-cloud", "mars"}, "want one of Global, USGov, USGovDoD, China, Bleu, Delos"},
		{
			[]string{"-tenant", "a/b", "-client-id", "x", "-id", id, "-country", "no"},
			"a tenant is a GUID or a domain name",
		},
		{[]string{"-all", "-country", "no"}, "-all is a body of its own"},
		{[]string{"-all", "-tenant", "contoso.example", "-client-id", "x", "-id", id}, "-all is a body of its own"},
		{[]string{"-version", "2"}, "it is beta or v1.0"},
		{[]string{"-version", "v1.0", "-display-name", "x"}, "displayName"},
		{[]string{"-id", "../x"}, "an id is 1 to 128 letters"},
		{[]string{"-id", ""}, "flag -id: it is empty"},
		{[]string{"-country", "no", "-auto-update", "false"}, "write a switch as -name=false"},
		{[]string{"-auto-update=maybe"}, "it is true or false"},
		{[]string{"-scope-tags", "0,,1"}, "an id is empty"},
		{[]string{"-delivery", "unknownFutureValue"}, "unknownFutureValue"},
		{[]string{"-display-name", "\xff"}, "UTF-8"},
		{[]string{"-token-file", "no-such-file.vpptoken"}, `-token-file: contenttoken: the file can't be read`},
		{[]string{"-token-file", ""}, "-token-file: contenttoken:"},
		{[]string{"-token-file", empty}, "the file is empty"},
		{[]string{"-color", "red"}, "flag provided but not defined: -color"},
		{[]string{"-country"}, "flag needs an argument: -country"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			r := clitest.Run(t.Context(), run, nil, tt.args...)
			clitest.Want(t, r, cli.ExitUsage, tt.stderr)
			if !strings.HasPrefix(r.Stderr, "error: wrong input: ") || strings.Count(r.Stderr, "\n") != 2 {
				t.Errorf("stderr is not an error line and a hint: %q", r.Stderr)
			}
			if r.Stdout != "" {
				t.Errorf("stdout:\n%s", r.Stdout)
			}
		})
	}
}

func TestTokenTextIsNeverQuoted(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-token-file", "c2VjcmV0"}, {"-country", "no", "c2VjcmV0"}, {"-id", "c2VjcmV0=="},
	} {
		r := clitest.Run(t.Context(), run, nil, args...)
		clitest.Want(t, r, cli.ExitUsage, "error: ")
		if strings.Contains(r.Stdout+r.Stderr, "c2VjcmV0") {
			t.Errorf("%q: the output quotes it: %s%s", args, r.Stdout, r.Stderr)
		}
	}
}

func TestUnknownWordIsTheService(t *testing.T) {
	t.Parallel()
	r := clitest.Run(t.Context(), run, nil, "-account-type", "museum", "-delivery", "pigeon")
	clitest.Want(t, r, cli.ExitFailed, `warning: -account-type: this program does not know the value "museum"`)
	clitest.Want(t, r, cli.ExitFailed, `warning: -delivery: this program does not know the value "pigeon"`)
	clitest.Want(t, r, cli.ExitFailed, "error: vpptoken: update: 400 Bad Request")
	if got := sent(t, r); got != `{"vppTokenAccountType":"museum","appleDeviceAppDeliveryProtocolType":"pigeon"}` {
		t.Errorf("sent %s", got)
	}
}

func TestUnknownTokenFails(t *testing.T) {
	t.Parallel()
	clitest.Want(t, clitest.Run(t.Context(), run, nil, "-id", "another"), cli.ExitFailed,
		"error: vpptoken: get: 404 Not Found")
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	clitest.Want(t, clitest.Run(ctx, run, nil), cli.ExitFailed, "canceled")
}

func TestHelp(t *testing.T) {
	t.Parallel()
	r := clitest.Run(t.Context(), run, nil, "-h")
	clitest.Want(t, r, cli.ExitOK, "")
	for _, part := range []string{"update -display-name", "-token-file", "-clear", cli.SecretVariable, "Exit codes"} {
		if !strings.Contains(r.Stdout, part) {
			t.Errorf("the help does not hold %q", part)
		}
	}
}

func TestOutputFails(t *testing.T) {
	t.Parallel()
	clitest.Want(t, clitest.RunTo(t.Context(), clitest.BrokenPipe{}, run, nil), cli.ExitFailed, "broken pipe")
}

func TestNothingDiffers(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	token := embeddedToken()
	err := compare(&out, &token, &token, false)
	if err != nil || out.String() != "No property that can be read differs.\n" {
		t.Errorf("compare: %q, %v", out.String(), err)
	}
}
