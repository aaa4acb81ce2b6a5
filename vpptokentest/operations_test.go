package vpptokentest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// Everything is written, in the order of the table: null, never, [] and false where there is
// nothing.
func TestWireForm(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Add(vpptoken.VPPToken{
		ID: "one", ODataType: "#microsoft.graph.vppToken", Token: vpptoken.NewSecret("canary"),
		Extra: map[string]json.RawMessage{"lastAppCount": json.RawMessage("12")},
	})
	for _, tt := range []struct{ version, want string }{
		{"beta", `"@odata.type":"#microsoft.graph.vppToken","id":"one","organizationName":null,"vppTokenAccountType":"business","appleId":null,` +
			`"expirationDateTime":"0001-01-01T00:00:00Z","lastSyncDateTime":"0001-01-01T00:00:00Z","token":null,` +
			`"lastModifiedDateTime":"0001-01-01T00:00:00Z","state":"valid","tokenActionResults":[],"lastSyncStatus":"none",` +
			`"automaticallyUpdateApps":false,"countryOrRegion":null,"dataSharingConsentGranted":false,"displayName":null,` +
			`"locationName":null,"claimTokenManagementFromExternalMdm":false,"roleScopeTagIds":[],` +
			`"appleDeviceAppDeliveryProtocolType":"default","lastAppCount":12}`},
		{"v1.0", `"@odata.type":"#microsoft.graph.vppToken","id":"one","organizationName":null,"vppTokenAccountType":"business","appleId":null,` +
			`"expirationDateTime":"0001-01-01T00:00:00Z","lastSyncDateTime":"0001-01-01T00:00:00Z","token":null,` +
			`"lastModifiedDateTime":"0001-01-01T00:00:00Z","state":"valid","lastSyncStatus":"none",` +
			`"automaticallyUpdateApps":false,"countryOrRegion":null,"lastAppCount":12}`},
	} {
		context := s.URL() + "/" + tt.version + "/$metadata#deviceAppManagement/vppTokens"
		r := s.send("GET", "/"+tt.version+collection+"/one", "")
		if want := `{"@odata.context":"` + context + `/$entity",` + tt.want; r.status != 200 || r.body != want {
			t.Errorf("get: %d\n%s\nwant 200\n%s", r.status, r.body, want)
		}
		r = s.send("GET", "/"+tt.version+collection, "")
		want := `{"@odata.context":"` + context + `","value":[{` + tt.want + `]}`
		if r.status != 200 || r.body != want {
			t.Errorf("list: %d\n%s\nwant 200\n%s", r.status, r.body, want)
		}
		if kind := r.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
			t.Errorf("Content-Type = %q", kind)
		}
	}
}

// What a page of the real service holds comes back from a server that was given its tokens.
func TestServesWhatWasRead(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../testdata/list-page-beta.json")
	if err != nil {
		t.Fatal(err)
	}
	var page struct {
		Value []json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(text, &page); err != nil {
		t.Fatal(err)
	}
	s := newService(t)
	for _, raw := range page.Value {
		var token vpptoken.VPPToken
		if err := json.Unmarshal(raw, &token); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(without(s.get(s.Add(token)), "@odata.context"))
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		if want, _ := json.Marshal(m); string(got) != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func without(m map[string]any, name string) map[string]any {
	delete(m, name)
	return m
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c))
	r := s.send("GET", "/beta"+collection, "", "client-request-id: mine-1")
	if got := r.header.Get("client-request-id"); got != "mine-1" {
		t.Errorf("client-request-id = %q, want the one that was sent", got)
	}
	if got := r.header.Get("request-id"); !guid.MatchString(got) {
		t.Errorf("request-id = %q, want a GUID", got)
	}
	if got := r.header.Get("Date"); got != "Fri, 20 Nov 2026 12:00:00 GMT" {
		t.Errorf("Date = %q, want the injected clock's", got)
	}
	if r.header.Get("x-ms-ags-diagnostic") == "" {
		t.Error("x-ms-ags-diagnostic is missing")
	}
	again := s.send("GET", "/beta"+collection+"/none", "", "client-request-id: mine-2")
	if again.header.Get("request-id") == r.header.Get("request-id") {
		t.Error("two requests have one request-id")
	}
	if want := `"innerError":{"date":"2026-11-20T12:00:00","request-id":"` + again.header.Get("request-id") +
		`","client-request-id":"mine-2"}`; !strings.Contains(again.body, want) {
		t.Errorf("body = %s, want it to hold %s", again.body, want)
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c))
	r := s.send("POST", "/beta"+collection,
		`{"@odata.type":"#microsoft.graph.vppToken","displayName":"Field","vppTokenAccountType":"education","token":"`+nordwind(t)+`"}`)
	m := s.want(r, 201)
	id, _ := m["id"].(string)
	if !guid.MatchString(id) {
		t.Errorf("id = %q, want a GUID", id)
	}
	want := map[string]any{
		"displayName": "Field", "vppTokenAccountType": "education", "token": nil, "state": "valid",
		"lastSyncStatus":     "none",
		"expirationDateTime": "2027-11-20T18:13:52Z", "organizationName": "Nordwind School District",
		"lastSyncDateTime": "0001-01-01T00:00:00Z", "lastModifiedDateTime": "2026-11-20T12:00:00Z",
	}
	equal(t, m, want)
	equal(t, s.get(id), want)

	again := s.want(s.send("POST", "/beta"+collection, `{"token":"`+nordwind(t)+`"}`), 201)
	equal(t, again, map[string]any{"state": "duplicateLocationId"})
	plain := s.want(s.send("POST", "/v1.0"+collection, `{"token":"Token value","organizationName":"Org"}`), 201)
	equal(t, plain,
		map[string]any{"state": "valid", "organizationName": "Org", "expirationDateTime": "0001-01-01T00:00:00Z"})
	equal(t, s.want(s.send("POST", "/v1.0"+collection, `{"token":"Token value"}`), 201),
		map[string]any{"state": "valid"})

	for _, want := range []string{"valid", "duplicateLocationId"} {
		m := s.want(s.send("POST", "/beta"+collection, `{"token":"x","locationName":"Oslo","organizationName":"Org"}`),
			201)
		equal(t, m, map[string]any{"state": want})
	}
}

func TestUpdateMovesLastModified(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c))
	id := s.Add(vpptoken.VPPToken{DisplayName: "Field", AppleID: "a@b.example"})
	c.advance(time.Hour)
	equal(t, s.patch(id, `{"displayName":"Field iPads"}`), map[string]any{
		"displayName": "Field iPads", "appleId": "a@b.example", "lastModifiedDateTime": "2026-11-20T13:00:00Z",
	})
	r := s.send("PATCH", "/v1.0"+collection+"/"+id, `{"appleId":null}`)
	if _, has := s.want(r, 200)["displayName"]; has {
		t.Errorf("v1.0 shows a property of beta: %s", r.body)
	}
	equal(t, s.get(id), map[string]any{"displayName": "Field iPads", "appleId": nil})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ids := []string{s.Add(vpptoken.VPPToken{}), s.Add(vpptoken.VPPToken{}), s.Add(vpptoken.VPPToken{})}
	r := s.send("DELETE", "/v1.0"+collection+"/"+ids[1], "")
	if r.status != 204 || r.body != "" {
		t.Errorf("delete: %d %q, want 204 and nothing", r.status, r.body)
	}
	for i, want := range []int{200, 404, 200} {
		if r := s.send("GET", "/beta"+collection+"/"+ids[i], ""); r.status != want {
			t.Errorf("token %d after the deletion: %d, want %d", i, r.status, want)
		}
	}
	if r := s.send("DELETE", "/v1.0"+collection+"/"+ids[1], ""); r.status != 404 {
		t.Errorf("second deletion: %d, want 404", r.status)
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	s := newService(t, vpptokentest.WithCountRoute())
	for range 12 {
		s.Add(vpptoken.VPPToken{})
	}
	for _, accept := range []string{"text/plain", "*/*", "application/json, text/*;q=0.5", ""} {
		r := s.send("GET", "/v1.0"+collection+"/$count", "", "Accept: "+accept)
		if r.status != 200 || r.body != "\uFEFF12" || r.header.Get("Content-Type") != "text/plain" {
			t.Errorf("Accept %q: %d %q %s", accept, r.status, r.body, r.header.Get("Content-Type"))
		}
	}
}

func TestLicenses(t *testing.T) {
	t.Parallel()
	s := newService(t, withClock(newClock(t)), vpptokentest.WithSyncDuration(0))
	id := s.Add(vpptoken.VPPToken{})
	s.AddLicenses("com.example.o'hara/app",
		vpptoken.LicenseSummary{
			AppleID: "a@b.example", VPPTokenID: id, AvailableLicenseCount: 10, UsedLicenseCount: 30,
		},
		vpptoken.LicenseSummary{OrganizationName: "Org", VPPTokenID: "other", UsedLicenseCount: 5})
	function := "/beta" + collection + "/" + url.PathEscape("getLicensesForApp(bundleId='com.example.o''hara/app')")
	licenses := func(available, used int) string {
		return `{"@odata.context":"` + s.URL() +
			`/beta/$metadata#Collection(microsoft.graph.vppTokenLicenseSummary)","value":[` +
			fmt.Sprintf(`{"appleId":"a@b.example","organizationName":null,"vppTokenId":"%s","availableLicenseCount":%d,"usedLicenseCount":%d},`, id, available, used) +
			`{"appleId":null,"organizationName":"Org","vppTokenId":"other","availableLicenseCount":0,"usedLicenseCount":5}]}`
	}
	if r := s.send("GET", function, ""); r.status != 200 || r.body != licenses(10, 30) {
		t.Errorf("licenses: %d\n%s\nwant 200\n%s", r.status, r.body, licenses(10, 30))
	}
	r := s.send("GET", "/beta"+collection+"/getLicensesForApp(bundleId='com.example.none')", "")
	if r.status != 200 || !strings.HasSuffix(r.body, `"value":[]}`) {
		t.Errorf("an app without licenses: %d %s", r.status, r.body)
	}

	for path, body := range map[string]string{
		"/" + id + "/revokeLicenses": `{"notifyManagedDevices":true,"revokeUntrackedLicenses":false}`,
		"/syncLicenseCounts":         "",
	} {
		if r := s.send("POST", "/beta"+collection+path, body); r.status != 204 || r.body != "" {
			t.Errorf("%s: %d %q, want 204 and nothing", path, r.status, r.body)
		}
	}
	if r := s.send("GET", function, ""); r.body != licenses(40, 0) {
		t.Errorf("after the revocation: %s\nwant %s", r.body, licenses(40, 0))
	}
	want := `"tokenActionResults":[{"@odata.type":"#microsoft.graph.vppTokenRevokeLicensesActionResult","actionName":"revokeLicenses",` +
		`"actionState":"done","startDateTime":"2026-11-20T12:00:00Z","lastUpdatedDateTime":"2026-11-20T12:00:00Z",` +
		`"actionFailureReason":"none","totalLicensesCount":30,"failedLicensesCount":0}]`
	if r := s.send("GET", "/beta"+collection+"/"+id, ""); !strings.Contains(r.body, want) {
		t.Errorf("after the revocation: %s\nwant %s", r.body, want)
	}
}
