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

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

type outcome struct {
	code           int
	stdout, stderr string
}

func runWith(ctx context.Context, env map[string]string, args ...string) outcome {
	var out, errs bytes.Buffer
	code := run(ctx, args, func(name string) string { return env[name] }, &out, &errs)
	return outcome{code, out.String(), errs.String()}
}

func want(t *testing.T, o outcome, code int, stderr string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d; stderr: %s", o.code, code, o.stderr)
	}
	if stderr == "" && o.stderr != "" || !strings.Contains(o.stderr, stderr) {
		t.Errorf("stderr = %q, want it to hold %q", o.stderr, stderr)
	}
	if strings.Contains(o.stdout, "\x1b") {
		t.Error("colours without a terminal")
	}
}

func holds(t *testing.T, o outcome, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(o.stdout) {
			t.Errorf("no line %s in\n%s", line, o.stdout)
		}
	}
}

// entries decodes the JSON that is all of the output.
func entries(t *testing.T, o outcome) (list []entry) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(o.stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&list); err != nil || dec.More() {
		t.Fatalf("%v, or more than a list:\n%s", err, o.stdout)
	}
	return list
}

func TestPlan(t *testing.T) {
	t.Parallel()
	o := runWith(t.Context(), nil)
	want(t, o, cli.ExitOK, "")
	holds(t, o, `An embedded Microsoft Graph, .*`, `STATUS    TOKEN    PROPERTY                 NOW       WANTED`,
		`differs   Field    automaticallyUpdateApps  false     true`, `differs   Field    displayName              Field     Field iPads`,
		`differs   Field    roleScopeTagIds          0         0, 12`, `differs   Library  locationName             Old wing  null`,
		`in order  Office`, `1 in order, 2 to change, 0 changed, 0 failed.`, `Nothing was changed. -apply carries it out.`)
}

func TestApply(t *testing.T) {
	t.Parallel()
	o := runWith(t.Context(), nil, "-apply")
	want(t, o, cli.ExitOK, "")
	holds(t, o, `changed   Field    displayName              Field     Field iPads`, `changed   Library  locationName             Old wing  null`,
		`1 in order, 0 to change, 2 changed, 0 failed.`)
	if strings.Contains(o.stdout, "Nothing was changed") {
		t.Error("it says that nothing was changed")
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	o := runWith(t.Context(), nil, "-json")
	want(t, o, cli.ExitOK, "")
	if diff := cmp.Diff([]entry{
		{ID: "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c", DisplayName: "Field", Status: differs, Changes: []change{
			{"automaticallyUpdateApps", "false", "true"}, {"displayName", "Field", "Field iPads"}, {"roleScopeTagIds", "0", "0, 12"},
		}},
		{ID: "5d0f5c3a-8d3e-4b62-8a0c-6c2f5b1d7e21", DisplayName: "Library", Status: differs, Changes: []change{{"locationName", "Old wing", "null"}}},
		{ID: "0b7a6c1e-0c55-4f0e-9f57-3f4d3a1f2a10", DisplayName: "Office", Status: inOrder},
	}, entries(t, o)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "desired.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestWrongFile(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "a.vpptoken")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(empty)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{}`: "it is not a list of JSON objects",
		`[]`: "the list is empty",
		`[{"id":"a","settings":{"countryOrRegion":"no","countryOrRegion":"se"}}]`:                         "twice",
		`[{"settings":{"countryOrRegion":"no"}}]`:                                                         "entry 1: it names its token by id or by displayName",
		`[{"id":"a","displayName":"b","settings":{"countryOrRegion":"no"}}]`:                              "entry 1: it names its token by id or by displayName",
		`[{"id":null,"settings":{}}]`:                                                                     `entry 1: "id" is a text`,
		`[{"id":"a"}]`:                                                                                    "entry 1: it has no settings and no tokenFile",
		`[{"id":"a","settings":{}}]`:                                                                      "entry 1: it has no settings and no tokenFile",
		`[{"id":"a","settings":null}]`:                                                                    "entry 1: settings is no object",
		`[{"id":"a","settings":[]}]`:                                                                      "entry 1: settings is no object",
		`[{"id":"a","setting":{},"TokenFile":"x"}]`:                                                       `entry 1: not known: "TokenFile", "setting"; an entry has`,
		`[{"id":"a","token":"hidden"}]`:                                                                   `entry 1: "token" is a secret and has no place in this file`,
		`[{"id":"a","settings":{"token":"hidden"}}]`:                                                      `entry 1: "token" is a secret and has no place in this file`,
		`[{"id":"a","settings":{"token":null}}]`:                                                          `entry 1: "token" is a secret and has no place in this file`,
		`[{"id":"a","settings":{"DisplayName":"hidden"}}]`:                                                `entry 1: "DisplayName" is no setting in beta; these are: organizationName, vppTokenAccountType,`,
		`[{"id":"a","settings":{"state":"valid"}}]`:                                                       `entry 1: "state" is no setting in beta`,
		`[{"id":"a","settings":{"expirationDateTime":null}}]`:                                             `entry 1: "expirationDateTime" is no setting in beta`,
		`[{"id":"a","settings":{"countryOrRegion":["hidden"]}}]`:                                          "entry 1: vpptoken: a patch: property countryOrRegion has a value of the wrong kind",
		`[{"id":"a","settings":{"automaticallyUpdateApps":null}}]`:                                        "entry 1: vpptoken: a patch: property automaticallyUpdateApps has a value of the wrong kind",
		`[{"id":"a","settings":{"automaticallyUpdateApps":"true"}}]`:                                      "entry 1: vpptoken: a patch: property automaticallyUpdateApps has a value of the wrong kind",
		`[{"id":"a","settings":{"vppTokenAccountType":null}}]`:                                            "entry 1: vpptoken: a patch: property vppTokenAccountType has a value of the wrong kind",
		`[{"id":"a","settings":{"vppTokenAccountType":""}}]`:                                              "entry 1: vppTokenAccountType is empty",
		`[{"id":"a","settings":{"appleDeviceAppDeliveryProtocolType":""}}]`:                               "entry 1: appleDeviceAppDeliveryProtocolType is empty",
		`[{"id":"a","settings":{"roleScopeTagIds":null}}]`:                                                "entry 1: vpptoken: a patch: property roleScopeTagIds has a value of the wrong kind",
		`[{"id":"a","settings":{"roleScopeTagIds":["0",null]}}]`:                                          "entry 1: vpptoken: a patch: property roleScopeTagIds has a value of the wrong kind",
		`[{"id":"a","settings":{"roleScopeTagIds":["0",""]}}]`:                                            "entry 1: roleScopeTagIds has an empty text",
		`[{"id":"a","settings":{"countryOrRegion":"no"}},{"id":"a","settings":{"countryOrRegion":"se"}}]`: "entry 2: the same token stands in an entry before",
		`[{"displayName":"a","settings":{"displayName":"b"}}]`:                                            "entry 1: it changes the displayName that names its token",
		`[{"displayName":"a","settings":{"displayName":null}}]`:                                           "entry 1: it changes the displayName that names its token",
		`[{"id":"a","tokenFile":"none.vpptoken"}]`:                                                        "entry 1: tokenFile: contenttoken: the file can't be read",
		`[{"id":"a","tokenFile":` + string(quoted) + `}]`:                                                 "entry 1: tokenFile: contenttoken: the file is empty",
		`[{"id":"a","tokenFile":"ZXlKMGIydGxiaUk2SW1oMWRDSjk="}]`:                                         "entry 1: tokenFile: contenttoken: the file can't be read",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			o := runWith(t.Context(), nil, "-apply", "-file", write(t, text))
			if o.code != cli.ExitUsage || !strings.HasPrefix(o.stderr, "error: wrong input: ") || !strings.Contains(o.stderr, want) || o.stdout != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q, want %q", o.code, o.stdout, o.stderr, want)
			}
			if strings.Contains(o.stderr, "hidden") || strings.Contains(o.stderr, "ZXlKMGI") {
				t.Errorf("a value is shown: %s", o.stderr)
			}
		})
	}
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	v1 := write(t, `[{"id":"a","settings":{"locationName":"x"}}]`)
	named := write(t, `[{"displayName":"a","settings":{"countryOrRegion":"no"}}]`)
	for _, tt := range []struct {
		args   []string
		stderr string
	}{
		{[]string{"-file", "none.json"}, "none.json"},
		{[]string{"-file", ""}, "it is empty"},
		{[]string{"-tenant", "a.example", "-client-id", "x"}, "-tenant needs -file"},
		{[]string{"-client-id", "x"}, "-client-id needs -tenant"},
		{[]string{"-version", "v1.0", "-file", v1}, `entry 1: "locationName" is no setting in v1.0; these are: organizationName, `},
		{[]string{"-version", "v1.0", "-file", named}, "entry 1: v1.0 has no displayName: name the token by id"},
		{[]string{"-apply", "yes"}, "something follows the flags"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			o := runWith(t.Context(), nil, tt.args...)
			want(t, o, cli.ExitUsage, tt.stderr)
			if o.stdout != "" {
				t.Errorf("stdout %q", o.stdout)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	o := runWith(t.Context(), nil, "-h")
	want(t, o, cli.ExitOK, "")
	for _, part := range []string{"reconcile -apply", "tokenFile", "null clears", cli.SecretVariable, "Exit codes: 0"} {
		if !strings.Contains(o.stdout, part) {
			t.Errorf("the help does not hold %q", part)
		}
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, runWith(ctx, nil), cli.ExitFailed, "cancelled")
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestOutputFails(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"-json"}} {
		var errs bytes.Buffer
		code := run(t.Context(), args, func(string) string { return "" }, brokenPipe{}, &errs)
		want(t, outcome{code, "", errs.String()}, cli.ExitFailed, "broken pipe")
	}
}
