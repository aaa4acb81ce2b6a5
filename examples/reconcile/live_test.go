package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

const (
	field   = "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c"
	library = "5d0f5c3a-8d3e-4b62-8a0c-6c2f5b1d7e21"
	office  = "0b7a6c1e-0c55-4f0e-9f57-3f4d3a1f2a10"
)

// service is the real service with the tokens of the embedded Graph.
type service struct{ clitest.Service }

func newService(t *testing.T) service {
	t.Helper()
	return service{clitest.NewService(t, embeddedTokens(time.Now(), 0)...)}
}

// reconcile runs the program on the service, and looks for everything secret that it has had in its
// hands.
func (s service) reconcile(t *testing.T, file string, args ...string) clitest.Result {
	t.Helper()
	o := s.Run(t, run, append([]string{"-file", file}, args...)...)
	clitest.NoSecrets(t, o, "bm8=", "eyJ")
	return o
}

// patches returns the bodies that were sent, by id.
func (s service) patches() map[string]string {
	sent := make(map[string]string)
	for _, q := range s.Requests() {
		if q.Method != http.MethodGet {
			sent[q.Path[strings.LastIndex(q.Path, "/")+1:]] += q.Method + " " + q.Body
		}
	}
	return sent
}

func statuses(list []entry) (all []string) {
	for _, e := range list {
		all = append(all, e.ID+" "+string(e.Status))
	}
	return all
}

func TestSmallestPatches(t *testing.T) {
	t.Parallel()
	s := newService(t)
	file := clitest.File(t, "desired.json", `[
		{"id":"`+strings.ToUpper(field)+`","settings":{"displayName":"Field iPads","countryOrRegion":"no","automaticallyUpdateApps":false,
			"organizationName":null,"roleScopeTagIds":[],"vppTokenAccountType":"education","dataSharingConsentGranted":true,
			"claimTokenManagementFromExternalMdm":true,"appleDeviceAppDeliveryProtocolType":"declarativeDeviceManagement","appleId":""}},
		{"displayName":"Library","settings":{"displayName":"Library","countryOrRegion":null,"locationName":"Old wing"}},
		{"displayName":"Office","settings":{"automaticallyUpdateApps":true,"locationName":null}}
	]`)
	o := s.reconcile(t, file)
	want(t, o, cli.ExitOK, "")
	clitest.Holds(t, o, `differs +Field +vppTokenAccountType +business +education`,
		`differs +Field +roleScopeTagIds +0 +\[\]`, `differs +Field +appleId +it@nordwind.example +""`)
	if got := s.patches(); len(got) != 0 || strings.Contains(o.Stdout, "embedded") {
		t.Errorf("the plan sent %v", got)
	}
	o = s.reconcile(t, file, "-apply", "-json")
	want(t, o, cli.ExitOK, "")
	if diff := cmp.Diff([]string{field + " changed", library + " changed", office + " in order"},
		statuses(clitest.JSON[[]entry](t, o))); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{
		field: `PATCH {"organizationName":null,"vppTokenAccountType":"education","appleId":"","dataSharingConsentGranted":true,"displayName":"Field iPads",` +
			`"claimTokenManagementFromExternalMdm":true,"roleScopeTagIds":[],"appleDeviceAppDeliveryProtocolType":"declarativeDeviceManagement"}`,
		library: `PATCH {"countryOrRegion":null}`,
	}, s.patches()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	before := len(s.patches())
	o = s.reconcile(t, file, "-apply")
	want(t, o, cli.ExitOK, "")
	clitest.Holds(t, o, `3 in order, 0 to change, 0 changed, 0 failed.`)
	if len(s.patches()) != before {
		t.Error("the second run sent something")
	}
}

func TestOneFailureHidesNoOther(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Add(vpptoken.VPPToken{DisplayName: "Twin"})
	s.Add(vpptoken.VPPToken{DisplayName: "Twin"})
	file := clitest.File(t, "desired.json", `[
		{"displayName":"Twin","settings":{"countryOrRegion":"se"}},
		{"id":"gone","settings":{"countryOrRegion":"se"}},
		{"displayName":"Field","settings":{"countryOrRegion":"se"}},
		{"id":"`+library+`","settings":{"countryOrRegion":"se"}},
		{"displayName":"Office","settings":{"countryOrRegion":"se"}},
		{"id":"`+office+`","settings":{"automaticallyUpdateApps":false}}
	]`)
	s.Fail(vpptokentest.Fault{Method: http.MethodPatch, Path: field, Status: 403, Intune: true})
	o := s.reconcile(t, file, "-apply")
	want(t, o, cli.ExitFailed, "error: 5 of 6 tokens failed\n")
	clitest.Holds(t, o, `failed +Twin`, `failed +gone`, `failed +Field +countryOrRegion +no +se`,
		`changed +Library +countryOrRegion +no +se`, `failed +Office`,
		`Twin \S+: several tokens have this displayName: name the token by id`,
		`gone: there is no such token, or it is not visible to this account`,
		`Field `+field+`: vpptoken: update: 403 Forbidden: .*`, `Office `+office+`: another entry means the same token`,
		`0 in order, 0 to change, 1 changed, 5 failed.`)
	if got := s.patches(); len(got) != 2 || got[library] != `PATCH {"countryOrRegion":"se"}` {
		t.Errorf("sent %v", got)
	}
	o = s.reconcile(t, file, "-json") // without -apply too
	want(t, o, cli.ExitFailed, "error: 4 of 6 tokens failed\n")
	for _, e := range clitest.JSON[[]entry](t, o) {
		if (e.Status == failed) != (e.Error != "") {
			t.Errorf("%s is %s with the error %q", e.DisplayName, e.Status, e.Error)
		}
	}
}

func TestListFails(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Fail(vpptokentest.Fault{Status: 403})
	o := s.reconcile(t,
		clitest.File(t, "desired.json", `[{"displayName":"Field","settings":{"countryOrRegion":"se"}}]`), "-apply")
	want(t, o, cli.ExitFailed, "error: nothing was changed: vpptoken: list: 403 Forbidden")
	if o.Stdout != "" || len(s.patches()) != 0 {
		t.Errorf("it went on:\n%s", o.Stdout)
	}
}

func TestAcceptedIsNotKept(t *testing.T) {
	t.Parallel()
	s := newService(t)
	unchanged := `{"id":"` + field + `","displayName":"Field","countryOrRegion":"no","appleId":"it@nordwind.example"}`
	s.Fail(vpptokentest.Fault{},
		vpptokentest.Fault{Status: 200, Body: unchanged, Header: http.Header{"Content-Type": {"application/json"}}})
	o := s.reconcile(t,
		clitest.File(t, "desired.json", `[{"displayName":"Field","settings":{"countryOrRegion":"se","appleId":null}}]`),
		"-apply")
	want(t, o, cli.ExitFailed, "error: 1 of 1 tokens failed")
	clitest.Holds(t, o,
		`Field `+field+`: the service accepted the change, but still shows another appleId, countryOrRegion`)
}

// content writes a .vpptoken file into the folder of file, and returns its text.
func content(t *testing.T, file, name, organization string, expires time.Time) string {
	t.Helper()
	text := clitest.Content(organization, expires)
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), name), []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTokenFile(t *testing.T) {
	t.Parallel()
	s := newService(t)
	file := clitest.File(t, "desired.json", `[{"id":"`+field+`","tokenFile":"a.vpptoken"},{"id":"`+library+
		`","settings":{"countryOrRegion":"se"},"tokenFile":"b.vpptoken"}]`)
	expires := time.Now().AddDate(1, 0, 0)
	first := content(t, file, "a.vpptoken", "Nordwind AS", expires)
	second := content(t, file, "b.vpptoken", "Nordwind AS", expires.Add(time.Hour))
	o := s.reconcile(t, file)
	want(t, o, cli.ExitOK, "")
	clitest.Holds(t, o,
		`differs +Field +token +expires \S+ \S+ UTC +expires `+expires.UTC().Format("2006-01-02 15:04:05 UTC"),
		`PATCH `+library+` {"token":"REDACTED","countryOrRegion":"se"}`)
	o = s.reconcile(t, file, "-apply", "-json")
	want(t, o, cli.ExitOK, "")
	if diff := cmp.Diff(map[string]string{
		field: `PATCH {"token":"` + first + `"}`, library: `PATCH {"token":"` + second + `","countryOrRegion":"se"}`,
	}, s.patches()); diff != "" {
		t.Error("the patches are not those of the files") // not shown: they hold the content tokens
	}
	for _, id := range []string{field, library} {
		if _, err := s.Client().SyncLicenses(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	o = s.reconcile(t, file, "-apply") // after the sync the expiry tells that the file is there
	want(t, o, cli.ExitOK, "")
	clitest.Holds(t, o, `2 in order, 0 to change, 0 changed, 0 failed.`)
}

func TestTokenFileIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		organization string
		days         int
		err          error
	}{
		"expired":            {"Nordwind AS", -1, renew.ErrExpired},
		"other organization": {"Fjord", 365, renew.ErrOtherOrganization},
		"earlier":            {"Nordwind AS", 30, renew.ErrEarlierExpiry},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			file := clitest.File(t, "desired.json", `[{"id":"`+field+
				`","settings":{"countryOrRegion":"se"},"tokenFile":"a.vpptoken"},{"id":"`+library+
				`","settings":{"countryOrRegion":"se"}}]`)
			content(t, file, "a.vpptoken", tt.organization, time.Now().AddDate(0, 0, tt.days))
			o := s.reconcile(t, file, "-apply", "-json")
			want(t, o, cli.ExitFailed, "error: 1 of 2 tokens failed")
			list := clitest.JSON[[]entry](t, o)
			diff := cmp.Diff([]string{field + " failed", library + " changed"}, statuses(list))
			if diff != "" || !strings.HasPrefix(list[0].Error, tt.err.Error()) {
				t.Errorf("error %q, results (-want +got):\n%s", list[0].Error, diff)
			}
			if _, sent := s.patches()[field]; sent {
				t.Error("something was sent for the token whose file was refused")
			}
		})
	}
}

func TestSampleIsWhatTheServerHolds(t *testing.T) {
	t.Parallel()
	wanted, err := readDesired("", vpptoken.VersionBeta)
	if err != nil {
		t.Fatal(err)
	}
	tokens := embeddedTokens(time.Now(), 0)
	for i, d := range wanted {
		if d.id != tokens[i].ID && d.displayName != tokens[i].DisplayName && d.id != everyOther {
			t.Errorf("entry %d is not token %s", i+1, tokens[i].DisplayName)
		}
	}
}
