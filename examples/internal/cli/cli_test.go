package cli_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

func TestExit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		err    error
		code   int
		stderr string
	}{
		{"nil", nil, 0, ""},
		{"help", flag.ErrHelp, 0, ""},
		{"usage", fmt.Errorf("%w: x", cli.ErrUsage), 2, "error: wrong input: x\n-h shows what can be given.\n"},
		{"failure", errors.New("no network"), 1, "error: no network\n"},
		{
			"refused call", cli.Refused(vpptoken.ErrInvalidID), 2,
			"error: wrong input: " + vpptoken.ErrInvalidID.Error() + "\n-h shows what can be given.\n",
		},
		{
			"failed call", cli.Refused(&vpptoken.Error{Op: "get", StatusCode: 404}), 1,
			"error: vpptoken: get: 404 Not Found\n",
		},
		{"good call", cli.Refused(nil), 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			if code := cli.Exit(&stderr, tt.err); code != tt.code || stderr.String() != tt.stderr {
				t.Errorf("Exit = %d and %q, want %d and %q", code, stderr.String(), tt.code, tt.stderr)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args, stdout, err string
		usage             bool
	}{
		{"-n 1", "", "", false},
		{"-h", "what it does\n\nFlags:\n  -n count\n    \ta count\n", "flag: help requested", false},
		{"-n 1 secret", "", "wrong input: something follows the flags", true},
		{"-m", "", "wrong input: flag provided but not defined: -m", true},
		{"-n x", "", `wrong input: invalid value "x" for flag -n`, true},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			fs := flag.NewFlagSet("example", flag.PanicOnError)
			fs.Int("n", 0, "a `count`")
			var stdout bytes.Buffer
			err := cli.Parse(fs, strings.Fields(tt.args), &stdout, "what it does\n")
			if text := fmt.Sprint(err); tt.err == "" && err != nil ||
				!strings.HasPrefix(text, tt.err) && tt.err != "" || strings.Contains(text, "secret") {
				t.Errorf("Parse: %v, want %q", err, tt.err)
			}
			if errors.Is(err, cli.ErrUsage) != tt.usage {
				t.Errorf("ErrUsage of %v is not %v", err, tt.usage)
			}
			if stdout.String() != tt.stdout {
				t.Errorf("stdout %q, want %q", stdout.String(), tt.stdout)
			}
		})
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var table cli.Table
	table.Row(cli.Bold, "", "name", "état")
	table.Row(cli.Plain, "*", "Ås", "x")
	table.Row(cli.Red, "", "a\x1b[2Jb\nc", "", "only here")
	table.Row(cli.Plain)
	for _, tt := range []struct {
		colored bool
		want    string
	}{
		{false, "   name      état\n*  Ås        x\n   a�[2Jb�c        only here\n\n"},
		{true, "\x1b[1m   name      état\x1b[0m\n*  Ås        x\n\x1b[31m   a�[2Jb�c        only here\x1b[0m\n\n"},
	} {
		var out bytes.Buffer
		if err := table.Print(&out, tt.colored); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, out.String()); diff != "" {
			t.Errorf("colored %v (-want +got):\n%s", tt.colored, diff)
		}
	}
}

func TestColored(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if cli.IsTerminal(file) || cli.IsTerminal(&bytes.Buffer{}) || cli.Colored(file, none) {
		t.Error("a file or a buffer is taken for a terminal")
	}
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device everywhere, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = device.Close() }()
	for _, tt := range []struct {
		name, value string
		want        bool
	}{{"", "", true}, {"NO_COLOR", "1", false}, {"TERM", "dumb", false}, {"TERM", "xterm", true}} {
		env := func(name string) string { return map[string]string{tt.name: tt.value}[name] }
		if got := cli.Colored(device, env); got != tt.want {
			t.Errorf("%s=%s: Colored = %v", tt.name, tt.value, got)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	when := time.Date(2026, 5, 4, 3, 2, 1, 500, time.FixedZone("", -8*3600))
	full := cli.Properties(&vpptoken.VPPToken{
		ID: "1", OrganizationName: "2", AccountType: "3", AppleID: "4", ExpirationDateTime: when,
		LastSyncDateTime:     when,
		LastModifiedDateTime: when, State: "5", LastSyncStatus: "6", AutomaticallyUpdateApps: true,
		CountryOrRegion: "7",
		TokenActionResults: []vpptoken.ActionResult{
			{ActionName: "a", ActionState: "done"}, {ActionName: "b", ActionState: "failed"},
		},
		DataSharingConsentGranted: true, DisplayName: "8", LocationName: "9", ClaimTokenManagementFromExternalMDM: true,
		RoleScopeTagIDs: []string{"0", "1"}, AppDeliveryProtocolType: "10", Token: vpptoken.NewSecret("Token value"),
	})
	const moment = "2026-05-04T03:02:01.0000005-08:00"
	if diff := cmp.Diff([]cli.Property{
		{"id", "1"},
		{"organizationName", "2"},
		{"vppTokenAccountType", "3"},
		{"appleId", "4"},
		{"expirationDateTime", moment},
		{"lastSyncDateTime", moment},
		{"lastModifiedDateTime", moment},
		{"state", "5"},
		{"tokenActionResults", "a: done, b: failed"},
		{"lastSyncStatus", "6"},
		{"automaticallyUpdateApps", "true"},
		{"countryOrRegion", "7"},
		{"dataSharingConsentGranted", "true"},
		{"displayName", "8"},
		{"locationName", "9"},
		{"claimTokenManagementFromExternalMdm", "true"},
		{"roleScopeTagIds", "0, 1"},
		{"appleDeviceAppDeliveryProtocolType", "10"},
	}, full); diff != "" {
		t.Errorf("Properties (-want +got):\n%s", diff)
	}
	for i, p := range cli.Properties(&vpptoken.VPPToken{}) {
		if p.Name != full[i].Name || p.Value != "-" && p.Value != "false" {
			t.Errorf("an empty token has %v", p)
		}
	}
}
