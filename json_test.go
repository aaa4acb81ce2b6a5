package vpptoken_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

func decodeToken(t *testing.T, text string) *vpptoken.VPPToken {
	t.Helper()
	var token vpptoken.VPPToken
	if err := json.Unmarshal([]byte(text), &token); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return &token
}

func TestSeedResponse(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", -8*60*60)
	at := func(y int, m time.Month, d, h, mi, s, ns int) time.Time {
		return time.Date(y, m, d, h, mi, s, ns, zone)
	}
	want := &vpptoken.VPPToken{
		ODataType: "#microsoft.graph.vppToken", ID: faulttest.ID, OrganizationName: "Organization Name value",
		AccountType: vpptoken.AccountTypeEducation, AppleID: "Apple Id value",
		ExpirationDateTime: at(2016, 12, 31, 23, 57, 57,
			248123400), LastSyncDateTime: at(2017, 1, 1, 0, 2, 49, 320597600),
		Token: vpptoken.NewSecret("Token value"), LastModifiedDateTime: at(2017, 1, 1, 0, 0, 35, 132946400),
		State: vpptoken.StateValid,
		TokenActionResults: []vpptoken.ActionResult{{
			ODataType: "microsoft.graph.vppTokenActionResult", ActionName: "Action Name value",
			ActionState:         vpptoken.ActionStatePending,
			StartDateTime:       at(2016, 12, 31, 23, 58, 46, 715618900),
			LastUpdatedDateTime: at(2017, 1, 1, 0, 0, 56, 832155600),
		}},
		LastSyncStatus: vpptoken.SyncStatusInProgress, AutomaticallyUpdateApps: true,
		CountryOrRegion:           "Country Or Region value",
		DataSharingConsentGranted: true, DisplayName: "Display Name value", LocationName: "Location Name value",
		ClaimTokenManagementFromExternalMDM: true,
	}
	text := faulttest.Fixture(t, "seed-update-response.json")
	got := decodeToken(t, text)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		t.Fatal(err)
	}
	unchanged := strings.Replace(compact.String(), `"Token value"`, `"REDACTED"`, 1)
	for name, v := range map[string]any{"pointer": got, "value": *got} {
		if diff := cmp.Diff(unchanged, encode(t, v)); diff != "" {
			t.Errorf("encoded %s (-want +got):\n%s", name, diff)
		}
	}
}

// Writing back what was read must not put the mark in the place of the token.
func TestRedactedTokenDecodesToZero(t *testing.T) {
	t.Parallel()
	read := decodeToken(t, `{"id":"1","token":"Token value"}`)
	again := decodeToken(t, encode(t, read))
	if !again.Token.IsZero() || again.Token.Reveal() != "" {
		t.Error("the mark decoded into a token")
	}
	if got := encode(t, again); strings.Contains(got, `"token"`) {
		t.Errorf("a zero token is written: %s", got)
	}
}

func TestTokenEncoding(t *testing.T) {
	t.Parallel()
	const booleans = `"automaticallyUpdateApps":false,"dataSharingConsentGranted":false,"claimTokenManagementFromExternalMdm":false`
	for name, tc := range map[string]struct{ in, want string }{
		"nothing": {`{}`, `{` + booleans + `}`},
		"never": {
			`{"expirationDateTime":"0001-01-01T00:00:00Z","lastSyncDateTime":"0001-01-01T00:00:00-08:00"}`,
			`{` + booleans + `}`,
		},
		"empty": {`{"organizationName":"","tokenActionResults":[],"roleScopeTagIds":[]}`, `{` + booleans + `}`},
		"annotations": {
			`{"@odata.context":"c","@odata.etag":"e","displayName@odata.type":"#String","#action":{}}`,
			`{` + booleans + `}`,
		},
		"all null": {
			`{"id":null,"organizationName":null,"vppTokenAccountType":null,"appleId":null,"expirationDateTime":null,"lastSyncDateTime":null,` +
				`"token":null,"lastModifiedDateTime":null,"state":null,"tokenActionResults":null,"lastSyncStatus":null,"automaticallyUpdateApps":null,` +
				`"countryOrRegion":null,"dataSharingConsentGranted":null,"displayName":null,"locationName":null,` +
				`"claimTokenManagementFromExternalMdm":null,"roleScopeTagIds":null,"appleDeviceAppDeliveryProtocolType":null}`,
			`{` + booleans + `}`,
		},
		"unknown enums": {
			`{"vppTokenAccountType":"guild","state":"Paused","lastSyncStatus":"new","appleDeviceAppDeliveryProtocolType":"pigeon"}`,
			`{"vppTokenAccountType":"guild","state":"Paused","lastSyncStatus":"new","automaticallyUpdateApps":false,"dataSharingConsentGranted":false,` +
				`"claimTokenManagementFromExternalMdm":false,"appleDeviceAppDeliveryProtocolType":"pigeon"}`,
		},
		"unknown properties": {
			`{"zeta":{"b":[1,2.50],"a":null},"lastAppCount":12,"DisplayName":"case counts","alpha":"\u00e5"}`,
			`{` + booleans +
				`,"DisplayName":"case counts","alpha":"\u00e5","lastAppCount":12,"zeta":{"b":[1,2.50],"a":null}}`,
		},
		"@odata.type": {
			`{"@odata.type":"microsoft.graph.vppToken"}`, `{"@odata.type":"microsoft.graph.vppToken",` + booleans + `}`,
		},
	} {
		token := decodeToken(t, tc.in)
		got := encode(t, token)
		if got != tc.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, tc.want)
		}
		if again := encode(t, decodeToken(t, got)); again != got {
			t.Errorf("%s: decoded and encoded again it is %s", name, again)
		}
	}
}

func TestExtraHoldsUnknownPropertiesOnly(t *testing.T) {
	t.Parallel()
	token := decodeToken(t, `{"id":"1","state":"valid","lastAppCount":12,"@odata.etag":"e"}`)
	if diff := cmp.Diff(map[string]json.RawMessage{"lastAppCount": json.RawMessage("12")}, token.Extra); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if token = decodeToken(t, `{"id":"1","@odata.etag":"e"}`); token.Extra != nil {
		t.Errorf("Extra of a token without unknown properties: %v", token.Extra)
	}
}

// Case is exact: another spelling is another property, and must not land in the field.
func TestNamesCountInTheirExactCase(t *testing.T) {
	t.Parallel()
	token := decodeToken(t, `{"ID":"2","id":"1","Id":"3","STATE":"x","claimTokenManagementFromExternalMDM":true}`)
	if token.ID != "1" || token.State != "" || token.ClaimTokenManagementFromExternalMDM {
		t.Errorf("got %v", token)
	}
	if len(token.Extra) != 4 {
		t.Errorf("Extra: %v", token.Extra)
	}
}

func TestExtraMustNotShadowAField(t *testing.T) {
	t.Parallel()
	token := vpptoken.VPPToken{Extra: map[string]json.RawMessage{"state": json.RawMessage(`"valid"`)}}
	if b, err := json.Marshal(token); err == nil || !strings.Contains(err.Error(), "state") {
		t.Errorf("got %s, %v", b, err)
	}
	token.Extra = map[string]json.RawMessage{"lastAppCount": json.RawMessage(`{`)}
	if b, err := json.Marshal(token); err == nil {
		t.Errorf("got %s", b)
	}
}

func TestUnmarshalReplacesAll(t *testing.T) {
	t.Parallel()
	token := vpptoken.VPPToken{
		ID: "old", DisplayName: "old", Token: vpptoken.NewSecret("old"), RoleScopeTagIDs: []string{"0"},
		Extra: map[string]json.RawMessage{"x": json.RawMessage("1")},
	}
	if err := json.Unmarshal([]byte(`{"id":"new"}`), &token); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(vpptoken.VPPToken{ID: "new"}, token); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	before := vpptoken.VPPToken{ID: "kept"}
	if err := json.Unmarshal([]byte(`{"id":7}`), &before); err == nil || before.ID != "kept" {
		t.Errorf("a failed decode left %v, %v", before, err)
	}
	// As encoding/json has it, null leaves a struct alone.
	if err := json.Unmarshal([]byte(`null`), &before); err != nil || before.ID != "kept" {
		t.Errorf("null left %v, %v", before, err)
	}
	result := vpptoken.ActionResult{ActionName: "kept"}
	if err := json.Unmarshal([]byte(`null`), &result); err != nil || result.ActionName != "kept" {
		t.Errorf("null left %v, %v", result, err)
	}
}

func TestTimesKeepPrecisionAndOffset(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2016-12-31T23:57:57.2481234-08:00":    "",
		"2026-11-20T14:50:53.4972449Z":         "",
		"2026-11-20T14:50:53Z":                 "",
		"2026-11-20T14:50:53+05:30":            "",
		`2026-11-20T14:50:53\u002B05:30`:       "2026-11-20T14:50:53+05:30",
		"2026-11-20T14:50:53.500Z":             "2026-11-20T14:50:53.5Z",
		"2026-11-20T14:50:53.0000000Z":         "2026-11-20T14:50:53Z",
		"2026-11-20T14:50:53.123456789Z":       "",
		"9999-12-31T23:59:59.9999999Z":         "",
		"2026-11-20T14:50:53.120000000000Z":    "2026-11-20T14:50:53.12Z",
		"1601-01-01T00:00:00Z":                 "",
		"2026-02-28T23:59:59.999999999-11:00":  "",
		"2026-11-20T14:50:53.1234567000+00:00": "2026-11-20T14:50:53.1234567Z",
	} {
		if want == "" {
			want = in
		}
		token := decodeToken(t, `{"expirationDateTime":"`+in+`"}`)
		if got := encode(t, token); !strings.HasPrefix(got, `{"expirationDateTime":"`+want+`",`) {
			t.Errorf("%s became %s", in, got)
		}
	}
}

func TestNeverIsTheZeroTime(t *testing.T) {
	t.Parallel()
	for _, never := range []string{
		"0001-01-01T00:00:00Z", "0001-01-01T00:00:00-08:00", "0001-01-01T00:00:00.0000000+14:00",
		"0001-01-01T00:00:00+01:00",
	} {
		token := decodeToken(t,
			`{"expirationDateTime":"`+never+`","lastSyncDateTime":"`+never+`","lastModifiedDateTime":"`+never+
				`","tokenActionResults":[{"startDateTime":"`+never+`","lastUpdatedDateTime":"`+never+`"}]}`)
		r := token.TokenActionResults[0]
		for i, d := range []time.Time{
			token.ExpirationDateTime, token.LastSyncDateTime, token.LastModifiedDateTime, r.StartDateTime,
			r.LastUpdatedDateTime,
		} {
			if !d.IsZero() {
				t.Errorf("%s, time %d: %v", never, i, d)
			}
		}
	}
}

func TestActionResultEncoding(t *testing.T) {
	t.Parallel()
	const plain, revoke = "#microsoft.graph.vppTokenActionResult", "microsoft.graph.vppTokenRevokeLicensesActionResult"
	for want, r := range map[string]vpptoken.ActionResult{
		`{}`: {},
		`{"@odata.type":"` + plain + `","actionName":"sync","actionState":"done"}`: {
			ODataType: plain, ActionName: "sync", ActionState: vpptoken.ActionStateDone,
		},
		`{"@odata.type":"` + revoke + `","totalLicensesCount":0,"failedLicensesCount":0}`: {ODataType: revoke},
		`{"@odata.type":"#` + revoke + `","totalLicensesCount":40,"failedLicensesCount":0}`: {
			ODataType: "#" + revoke, TotalLicensesCount: 40,
		},
		`{"actionState":"new","actionFailureReason":"appleFailure","failedLicensesCount":3}`: {
			ActionState: "new", ActionFailureReason: "appleFailure", FailedLicensesCount: 3,
		},
		`{"lastUpdatedDateTime":"2016-12-31T23:57:57.2481234-08:00","totalLicensesCount":-1}`: {
			LastUpdatedDateTime: instant(), TotalLicensesCount: -1,
		},
	} {
		if got := encode(t, r); got != want {
			t.Errorf("\ngot  %s\nwant %s", got, want)
		}
		r.StartDateTime = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)
		if _, err := r.MarshalJSON(); err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") {
			t.Errorf("the year 12000: %v", err)
		}
		r.StartDateTime = time.Time{}
		var again vpptoken.ActionResult
		if err := json.Unmarshal([]byte(want), &again); err != nil || !cmp.Equal(r, again) {
			t.Errorf("%s decoded into %v, %v", want, again, err)
		}
	}
}

// An error names the property, and shows no value: it may be a secret.
func TestDecodeErrorsNameTheProperty(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"displayName":4711}`:                                                    "displayName",
		`{"token":4711}`:                                                          "token",
		`{"token":["canary"]}`:                                                    "token",
		`{"state":{"a":"canary"}}`:                                                "state",
		`{"automaticallyUpdateApps":"canary"}`:                                    "automaticallyUpdateApps",
		`{"roleScopeTagIds":"canary"}`:                                            "roleScopeTagIds",
		`{"roleScopeTagIds":[4711]}`:                                              "roleScopeTagIds",
		`{"tokenActionResults":{"a":"canary"}}`:                                   "tokenActionResults",
		`{"tokenActionResults":["canary"]}`:                                       "tokenActionResults",
		`{"tokenActionResults":[{"totalLicensesCount":"canary"}]}`:                "totalLicensesCount",
		`{"tokenActionResults":[{"totalLicensesCount":4711.5}]}`:                  "totalLicensesCount",
		`{"tokenActionResults":[{}],"locationName":4711}`:                         "property locationName has",
		`{"expirationDateTime":"canary"}`:                                         "expirationDateTime",
		`{"lastSyncDateTime":"2027-11-20T18:13:52+0000 canary"}`:                  "lastSyncDateTime",
		`{"lastModifiedDateTime":4711}`:                                           "lastModifiedDateTime",
		`{"tokenActionResults":[{"startDateTime":"2026-13-01 canary"}]}`:          "startDateTime",
		`{"id":"canary","id":"canary"}`:                                           "twice",
		`{"id":"canary","i\u0064":"canary"}`:                                      "twice",
		`{"displayName":null,"displayName":null}`:                                 "displayName appears twice",
		`{"@odata.type":"canary","id":"1","@odata.type":null}`:                    "@odata.type appears twice",
		`{"@odata.etag":"canary","id":"1","@odata.etag":"canary"}`:                "twice",
		`{"x":"canary","id":"1","x":"canary"}`:                                    "twice",
		`{"x":"canary","id":"1","\u0078":"canary"}`:                               "twice",
		`{"x":[{"canary":1},{"canary":2,"canary":3}]}`:                            "twice",
		`{"@odata.note":{"canary":2,"canary":3}}`:                                 "twice",
		`{"tokenActionResults":[{"actionName":"canary","actionName":"canary"}]}`:  "twice",
		`{"tokenActionResults":[{"y":"canary","\u0079":"canary"}]}`:               "twice",
		`{"x":{"canary":1,"canary":2}}`:                                           "twice",
		"{\"displayName\":\"canary\xff\"}":                                        "UTF-8",
		`{"x":"\ud800"}`:                                                          "UTF-8",
		`{"x":` + strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001) + `}`: "deep",
		`{"id":"1",}`:                     "",
		`{"id":"1"} trailing`:             "",
		`{"id"`:                           "",
		`{"id":`:                          "",
		`{"id":"canary`:                   "",
		`{"automaticallyUpdateApps":tru}`: "",
		`{"tokenActionResults":[{"actionName":"canary"`: "",
		"\uFEFF":                    "",
		" ":                         "",
		`["canary"]`:                "",
		`"canary"`:                  "",
		`4711`:                      "",
		`{"displayName":"canary"`:   "",
		`{"displayName":"canary"}{`: "",
		``:                          "",
	} {
		var token vpptoken.VPPToken
		err := token.UnmarshalJSON([]byte(in))
		if err == nil {
			t.Errorf("%.60s is taken", in)
			continue
		}
		if text := err.Error(); !strings.Contains(text, want) || strings.Contains(text, "canary") ||
			strings.Contains(text, "4711") || strings.Contains(text, "\n") {
			t.Errorf("%.60s: got %q, want one line that names %q and no value", in, text, want)
		}
	}
}

func TestUnknownEnumIsNotLost(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Item,
		faulttest.Respond(200, `{"id":"`+faulttest.ID+`","state":"quarantined"}`))
	got, err := c.Get(t.Context(), faulttest.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != "quarantined" || got.State.IsKnown() || got.State == vpptoken.StateUnknown {
		t.Errorf("state %q, known %v", got.State, got.State.IsKnown())
	}
	if encoded := encode(t, got); !strings.Contains(encoded, `"state":"quarantined"`) {
		t.Errorf("encoded %s", encoded)
	}
}
