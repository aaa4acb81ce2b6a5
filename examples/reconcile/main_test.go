package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
)

func want(t *testing.T, o clitest.Result, code int, stderr string) {
	t.Helper()
	clitest.Want(t, o, code, stderr)
	if strings.Contains(o.Stdout, "\x1b") {
		t.Error("colors without a terminal")
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	o := clitest.Run(t.Context(), run, nil)
	want(t, o, cli.ExitOK, "")
	clitest.Holds(t, o, `An embedded Microsoft Graph, .*`,
		`STATUS    TOKEN    PROPERTY                 NOW       WANTED`,
		`differs   Field    automaticallyUpdateApps  false     true`,
		`differs   Field    displayName              Field     Field iPads`,
		`differs   Field    roleScopeTagIds          0         0, 12`,
		`differs   Library  locationName             Old wing  null`,
		`in order  Office`, `1 in order, 2 to change, 0 changed, 0 failed.`, `Nothing was changed. -apply sends:`,
		`PATCH 9ceb2f92-2f92-9ceb-922f-eb9c922feb9c {"automaticallyUpdateApps":true,"displayName":"Field iPads","roleScopeTagIds":\["0","12"\]}`,
		`PATCH 5d0f5c3a-8d3e-4b62-8a0c-6c2f5b1d7e21 {"locationName":null}`)
}

func TestApply(t *testing.T) {
	t.Parallel()
	o := clitest.Run(t.Context(), run, nil, "-apply")
	want(t, o, cli.ExitOK, "")
	clitest.Holds(t, o, `changed   Field    displayName              Field     Field iPads`,
		`changed   Library  locationName             Old wing  null`,
		`1 in order, 0 to change, 2 changed, 0 failed.`)
	if strings.Contains(o.Stdout, "Nothing was changed") {
		t.Error("it says that nothing was changed")
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	o := clitest.Run(t.Context(), run, nil, "-json")
	want(t, o, cli.ExitOK, "")
	list := clitest.JSON[[]entry](t, o)
	for i := range list {
		list[i].Body = json.RawMessage(strings.Join(strings.Fields(string(list[i].Body)), " ")) // not indented
	}
	if diff := cmp.Diff([]entry{
		{ID: "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c", DisplayName: "Field", Status: differs, Changes: []change{
			{"automaticallyUpdateApps", "false", "true"},
			{"displayName", "Field", "Field iPads"},
			{"roleScopeTagIds", "0", "0, 12"},
		}, Body: json.RawMessage(
			`{ "automaticallyUpdateApps": true, "displayName": "Field iPads", "roleScopeTagIds": [ "0", "12" ] }`)},
		{
			ID: "5d0f5c3a-8d3e-4b62-8a0c-6c2f5b1d7e21", DisplayName: "Library", Status: differs,
			Changes: []change{{"locationName", "Old wing", "null"}}, Body: json.RawMessage(`{ "locationName": null }`),
		},
		{ID: "0b7a6c1e-0c55-4f0e-9f57-3f4d3a1f2a10", DisplayName: "Office", Status: inOrder},
	}, list, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestWrongFile(t *testing.T) {
	t.Parallel()
	quoted, err := json.Marshal(clitest.File(t, "a.vpptoken", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ text, want string }{
		{`{}`, "it is not a list of JSON objects"},
		{`[]`, "the list is empty"},
		{`[{"id":"a","settings":{"countryOrRegion":"no","countryOrRegion":"se"}}]`, "twice"},
		{`[{"settings":{"countryOrRegion":"no"}}]`, "entry 1: it names its token by id or by displayName"},
		{
			`[{"id":"a","displayName":"b","settings":{"countryOrRegion":"no"}}]`,
			"entry 1: it names its token by id or by displayName",
		},
		{`[{"id":null,"settings":{}}]`, `entry 1: "id" is a text`},
		{`[{"id":"a"}]`, "entry 1: it has no settings and no tokenFile"},
		{`[{"id":"a","settings":{}}]`, "entry 1: it has no settings and no tokenFile"},
		{`[{"id":"a","settings":null}]`, "entry 1: settings is no object"},
		{`[{"id":"a","settings":[]}]`, "entry 1: settings is no object"},
		{`[{"id":"a","setting":{},"TokenFile":"x"}]`, `entry 1: not known: "TokenFile", "setting"; an entry has`},
		{`[{"id":"a","token":"hidden"}]`, `entry 1: "token" is a secret and has no place in this file`},
		{`[{"id":"a","settings":{"token":"hidden"}}]`, `entry 1: "token" is a secret and has no place in this file`},
		{`[{"id":"a","settings":{"token":null}}]`, `entry 1: "token" is a secret and has no place in this file`},
		{
			`[{"id":"a","settings":{"DisplayName":"hidden"}}]`,
			`entry 1: "DisplayName" is no setting; these are: organizationName, vppTokenAccountType,`,
		},
		{`[{"id":"a","settings":{"state":"valid"}}]`, `entry 1: "state" is no setting`},
		{`[{"id":"a","settings":{"expirationDateTime":null}}]`, `entry 1: "expirationDateTime" is no setting`},
		{
			`[{"id":"a","settings":{"countryOrRegion":["hidden"]}}]`,
			"entry 1: vpptoken: a patch: property countryOrRegion has a value of the wrong kind",
		},
		{
			`[{"id":"a","settings":{"automaticallyUpdateApps":null}}]`,
			"entry 1: vpptoken: a patch: property automaticallyUpdateApps has a value of the wrong kind",
		},
		{
			`[{"id":"a","settings":{"automaticallyUpdateApps":"true"}}]`,
			"entry 1: vpptoken: a patch: property automaticallyUpdateApps has a value of the wrong kind",
		},
		{
			`[{"id":"a","settings":{"vppTokenAccountType":null}}]`,
			"entry 1: vpptoken: a patch: property vppTokenAccountType has a value of the wrong kind",
		},
		{`[{"id":"a","settings":{"vppTokenAccountType":""}}]`, "entry 1: vppTokenAccountType is empty"},
		{
			`[{"id":"a","settings":{"appleDeviceAppDeliveryProtocolType":""}}]`,
			"entry 1: appleDeviceAppDeliveryProtocolType is empty",
		},
		{
			`[{"id":"a","settings":{"roleScopeTagIds":null}}]`,
			"entry 1: vpptoken: a patch: property roleScopeTagIds has a value of the wrong kind",
		},
		{
			`[{"id":"a","settings":{"roleScopeTagIds":["0",null]}}]`,
			"entry 1: vpptoken: a patch: property roleScopeTagIds has a value of the wrong kind",
		},
		{
			`[{"id":"a","settings":{"appleDeviceAppDeliveryProtocolType":"unknownFutureValue"}}]`,
			"entry 1: vpptoken: appleDeviceAppDeliveryProtocolType ",
		},
		{`[{"id":"a","settings":{"roleScopeTagIds":["0",""]}}]`, "entry 1: roleScopeTagIds has an empty text"},
		{
			`[{"id":"a","settings":{"countryOrRegion":"no"}},{"id":"a","settings":{"countryOrRegion":"se"}}]`,
			"entry 2: an earlier entry has the same token",
		},
		{
			`[{"displayName":"a","settings":{"displayName":"b"}}]`,
			"entry 1: it changes the displayName that names its token",
		},
		{
			`[{"displayName":"a","settings":{"displayName":null}}]`,
			"entry 1: it changes the displayName that names its token",
		},
		{`[{"id":"*","tokenFile":"a.vpptoken"}]`, "entry 1: a tokenFile is for one token"},
		{`[{"id":"*","settings":{"displayName":"hidden"}}]`, "entry 1: a displayName is for one token"},
		{
			`[{"id":"*","settings":{"locationName":null}},{"id":"*","settings":{"appleId":""}}]`,
			"entry 2: an earlier entry has the same token",
		},
		{`[{"id":"a","tokenFile":"none.vpptoken"}]`, "entry 1: tokenFile: contenttoken: the file can't be read"},
		{`[{"id":"a","tokenFile":` + string(quoted) + `}]`, "entry 1: tokenFile: contenttoken: the file is empty"},
		{
			`[{"id":"a","tokenFile":"ZXlKMGIydGxiaUk2SW1oMWRDSjk="}]`,
			"entry 1: tokenFile: contenttoken: the file can't be read",
		},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			o := clitest.Run(t.Context(), run, nil, "-apply", "-file", clitest.File(t, "desired.json", tt.text))
			if o.Code != cli.ExitUsage || !strings.HasPrefix(o.Stderr, "error: wrong input: ") ||
				!strings.Contains(o.Stderr, tt.want) || o.Stdout != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q, want %q", o.Code, o.Stdout, o.Stderr, tt.want)
			}
			if strings.Contains(o.Stderr, "hidden") || strings.Contains(o.Stderr, "ZXlKMGI") {
				t.Errorf("a value is shown: %s", o.Stderr)
			}
		})
	}
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	v1 := clitest.File(t, "desired.json", `[{"id":"a","settings":{"locationName":"x"}}]`)
	named := clitest.File(t, "desired.json", `[{"displayName":"a","settings":{"countryOrRegion":"no"}}]`)
	for _, tt := range []struct {
		args   []string
		stderr string
	}{
		{[]string{"-file", "none.json"}, "-file: open none.json: "},
		{[]string{"-file", ""}, "it is empty"},
		{[]string{"-tenant", "a.example", "-client-id", "x"}, "-tenant needs -file"},
		{[]string{"-client-id", "x"}, "-client-id needs -tenant"},
		{
			[]string{"-version", "v1.0", "-file", v1},
			"-file: entry 1: vpptoken: not in this version of the API: v1.0 has no locationName",
		},
		{[]string{"-version", "v1.0", "-file", named}, "entry 1: v1.0 has no displayName: name the token by id"},
		{[]string{"-apply", "yes"}, "something follows the flags"},
		{[]string{"-parallel", "0"}, "-parallel is 1 or more"},
		{[]string{"-tokens", "-1"}, "-tokens is for the embedded Graph"},
		{[]string{"-tokens", "x"}, "-tokens"},
		{
			[]string{"-tokens", "5", "-tenant", "a.example", "-client-id", "x", "-file", v1},
			"-tokens is for the embedded Graph",
		},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			o := clitest.Run(t.Context(), run, nil, tt.args...)
			want(t, o, cli.ExitUsage, tt.stderr)
			if o.Stdout != "" {
				t.Errorf("stdout %q", o.Stdout)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	o := clitest.Run(t.Context(), run, nil, "-h")
	want(t, o, cli.ExitOK, "")
	for _, part := range []string{"reconcile -apply", "tokenFile", "null clears", cli.SecretVariable, "Exit codes: 0"} {
		if !strings.Contains(o.Stdout, part) {
			t.Errorf("the help does not hold %q", part)
		}
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, clitest.Run(ctx, run, nil), cli.ExitFailed, "error: nothing was changed: ")
}

func TestOutputFails(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"-json"}} {
		want(t, clitest.RunTo(t.Context(), clitest.BrokenPipe{}, run, nil, args...), cli.ExitFailed, "broken pipe")
	}
}
