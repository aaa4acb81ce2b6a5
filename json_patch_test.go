package vpptoken_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken"
)

// A patch that was kept as JSON sends the same bytes afterward.
func TestPatchSurvivesJSON(t *testing.T) {
	t.Parallel()
	seed, err := os.ReadFile("testdata/seed-update-request.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		string(seed),
		`{}`,
		`{"organizationName":null,"appleId":null,"token":null,"countryOrRegion":null,"displayName":null,"locationName":null}`,
		`{"organizationName":"","vppTokenAccountType":"","token":"","automaticallyUpdateApps":false,"displayName":"","roleScopeTagIds":[]}`,
		`{"expirationDateTime":"2027-11-20T18:13:52.25+02:00","tokenActionResults":[],"roleScopeTagIds":["0","\u00e6"]}`,
		`{"state":"aWordOfTomorrow","appleDeviceAppDeliveryProtocolType":"default"}`,
	} {
		var p vpptoken.Patch
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Errorf("%.60s: %v", text, err)
			continue
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Errorf("%.60s: %v", text, err)
			continue
		}
		var want, got any
		if json.Unmarshal([]byte(text), &want) != nil || json.Unmarshal(again, &got) != nil {
			t.Fatal("no JSON")
		}
		w, _ := json.Marshal(want)
		g, _ := json.Marshal(got)
		if string(w) != string(g) {
			t.Errorf("got %s, want %s", g, w)
		}
	}
}

// Nothing is lost in silence, and no value shows.
func TestPatchRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"displayname":"canary"}`:                         "displayname",
		`{"id":"canary"}`:                                  "id",
		`{"roleScopeTagIds":["canary",null]}`:              "roleScopeTagIds",
		`{"tokenActionResults":[null]}`:                    "tokenActionResults",
		`{"@odata.type":"#microsoft.graph.vppToken"}`:      "property",
		`{"displayName":"canary","displayName":"canary"}`:  "displayName",
		`{"displayName":null,"displayName":"canary"}`:      "displayName",
		`{"displayName":"canary","display\u004eame":null}`: "displayName",
		`{"roleScopeTagIds":[],"roleScopeTagIds":[]}`:      "roleScopeTagIds",
		`{"state":null}`:                                   "state",
		`{"automaticallyUpdateApps":null}`:                 "automaticallyUpdateApps",
		`{"automaticallyUpdateApps":"canary"}`:             "automaticallyUpdateApps",
		`{"roleScopeTagIds":null}`:                         "roleScopeTagIds",
		`{"roleScopeTagIds":"canary"}`:                     "roleScopeTagIds",
		`{"tokenActionResults":[{"startDateTime":1}]}`:     "tokenActionResults",
		`{"tokenActionResults":[{"actionname":"canary"}]}`: "actionname",
		`{"tokenActionResults":[{"actionname":null}]}`:     "actionname",
		`{"expirationDateTime":null}`:                      "expirationDateTime",
		`{"expirationDateTime":"canary"}`:                  "expirationDateTime",
		`{"token":["canary"]}`:                             "token",
		`{"token":"REDACTED"}`:                             "token",
		`["canary"]`:                                       "object",
		`{"displayName":"canary"`:                          "JSON",
	} {
		p := vpptoken.Patch{DisplayName: new("before")}
		err := p.UnmarshalJSON([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") ||
			!strings.HasPrefix(err.Error(), "vpptoken: ") {
			t.Errorf("%s: got %v, want an error that names %q and no value", text, err, want)
		}
		if p.DisplayName == nil || *p.DisplayName != "before" {
			t.Errorf("%s: the patch was changed", text)
		}
	}
}
