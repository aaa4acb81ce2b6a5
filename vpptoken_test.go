package vpptoken_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

func TestListFixture(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Root,
		faulttest.Respond(200, faulttest.Fixture(t, "list-page-beta.json")).Then(faulttest.Respond(200,
			faulttest.Page("", "3"))))
	got, err := faulttest.Collect(c.List(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || mock.Requests()[1].URL != faulttest.Root+"?$top=2&$skiptoken=bmV4dA" {
		t.Fatalf("%d tokens over %v", len(got), mock.Lines())
	}
	date := func(s string) time.Time {
		d, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	want := &vpptoken.VPPToken{
		ID: "00000000-0000-4000-8000-000000000002", OrganizationName: "Nordwind School District",
		AccountType: vpptoken.AccountTypeEducation, ExpirationDateTime: date("2026-11-30T00:00:00Z"),
		LastModifiedDateTime: date("2026-11-19T08:00:00Z"), State: vpptoken.StateDuplicateLocationID,
		TokenActionResults: []vpptoken.ActionResult{{
			ODataType: "#microsoft.graph.vppTokenRevokeLicensesActionResult", ActionName: "revokeLicenses",
			ActionState: vpptoken.ActionStateFailed, StartDateTime: date("2026-11-19T07:00:00Z"),
			LastUpdatedDateTime: date("2026-11-19T07:05:00.5Z"),
			ActionFailureReason: vpptoken.ActionFailureReasonAppleFailure, TotalLicensesCount: 40,
			FailedLicensesCount: 3,
		}},
		LastSyncStatus: vpptoken.SyncStatusFailed, DataSharingConsentGranted: true,
		AppDeliveryProtocolType: "someFutureProtocol",
		Extra:                   map[string]json.RawMessage{"lastAppCount": json.RawMessage("12")},
	}
	if diff := cmp.Diff(want, got[1], cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("second token (-want +got):\n%s", diff)
	}
	if got[1].AppDeliveryProtocolType.IsKnown() || !got[0].AppDeliveryProtocolType.IsKnown() {
		t.Error("IsKnown of the delivery protocols")
	}
	if got[0].Extra != nil {
		t.Errorf("Extra of a token without unknown properties: %v", got[0].Extra)
	}
}

func TestF07HandBuiltTokensHaveAll(t *testing.T) {
	t.Parallel()
	var zero vpptoken.VPPToken
	for _, f := range facts(t) {
		if !zero.Has(f.name) || !zero.IsNull(f.name) {
			t.Errorf("%s: Has %v, IsNull %v", f.name, zero.Has(f.name), zero.IsNull(f.name))
		}
		value, _, _ := sample(t, f.field.Type)
		var token vpptoken.VPPToken
		reflect.ValueOf(&token).Elem().FieldByIndex(f.field.Index).Set(reflect.ValueOf(value))
		for _, other := range facts(t) {
			if !token.Has(other.name) || token.IsNull(other.name) == (other.name == f.name) {
				t.Errorf("with %s, %s: Has %v, IsNull %v",
					f.name, other.name, token.Has(other.name), token.IsNull(other.name))
			}
		}
	}
}

func TestF07DecodedTokensHaveWhatWasRead(t *testing.T) {
	t.Parallel()
	for _, f := range facts(t) {
		_, text, zero := sample(t, f.field.Type)
		for value, null := range map[string]bool{text: false, zero: false, "null": true} {
			token := *decodeToken(t, `{"`+f.name+`":`+value+`}`) // a copy knows it too
			for _, other := range facts(t) {
				same := other.name == f.name
				if token.Has(other.name) != same || token.IsNull(other.name) != (same && null) {
					t.Errorf("%s of %s: %s: Has %v, IsNull %v",
						value, f.name, other.name, token.Has(other.name), token.IsNull(other.name))
				}
			}
		}
	}
}

func TestF07PresenceOfOthers(t *testing.T) {
	t.Parallel()
	token := decodeToken(t, `{"@odata.type":"x","lastAppCount":12,"alpha":null,"displayName":null}`)
	for name, want := range map[string][2]bool{
		"lastAppCount": {true, false}, "alpha": {true, true}, "beta": {}, "": {}, "DisplayName": {},
		"displayName": {true, true}, "@odata.etag": {}, "a\"b": {},
	} {
		if token.Has(name) != want[0] || token.IsNull(name) != want[1] {
			t.Errorf("%s: Has %v, IsNull %v", name, token.Has(name), token.IsNull(name))
		}
	}
	zero := new(vpptoken.VPPToken)
	if zero.Has("lastAppCount") || zero.IsNull("lastAppCount") || zero.Has("@odata.type") {
		t.Error("a zero token has what Graph has not")
	}
	var none *vpptoken.VPPToken
	if none.Has("id") || none.IsNull("id") {
		t.Error("a nil token has an id")
	}
	token.DisplayName = "changed"
	if !token.Has("displayName") || token.IsNull("displayName") {
		t.Error("a field that was changed is null")
	}
	if err := json.Unmarshal([]byte("{}"), token); err != nil || token.Has("displayName") || token.Has("lastAppCount") {
		t.Error("what was read before is still there", err)
	}
	// Written and read again it may have fewer, not more.
	again := decodeToken(t, encode(t, decodeToken(t, `{"id":"1","displayName":"","organizationName":"o"}`)))
	if !again.Has("id") || !again.Has("organizationName") || again.Has("displayName") ||
		again.Has("automaticallyUpdateApps") {
		t.Error("after JSON:", encode(t, again))
	}
}

// The client's answers, the versions and $select.
func TestF07PresenceOfAnswers(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Item,
		faulttest.Respond(200, `{"value":{"id":"`+faulttest.ID+`","appleId":null}}`))
	mock.RegisterResponder("GET", faulttest.Root,
		faulttest.Respond(200, `{"value":[{"id":"1","displayName":"a"},{"id":"2"},{"displayName":null,"id":"3"}]}`))
	got, err := c.Get(t.Context(), faulttest.ID)
	if err != nil || !got.Has("id") || !got.IsNull("appleId") || got.Has("displayName") {
		t.Error(got, err)
	}
	list, err := faulttest.Collect(c.List(t.Context()))
	if err != nil || len(list) != 3 || !list[0].Has("displayName") || list[1].Has("displayName") ||
		!list[2].IsNull("displayName") || list[0].IsNull("displayName") {
		t.Error(list, err)
	}
}

// What a token was read with is none of its values: a literal equals what was read, under go-cmp
// too.
func TestEqual(t *testing.T) {
	t.Parallel()
	text := `{"id":"1","appleId":null,"expirationDateTime":"2016-12-31T23:57:57.2481234-08:00","roleScopeTagIds":[],"x":1}`
	read := decodeToken(t, text)
	literal := vpptoken.VPPToken{
		ID: "1", ExpirationDateTime: instant().UTC(), Extra: map[string]json.RawMessage{"x": json.RawMessage("1")},
	}
	if !read.Equal(literal) || !literal.Equal(*read) || !cmp.Equal(*read, literal) ||
		!cmp.Equal([]*vpptoken.VPPToken{read}, []*vpptoken.VPPToken{&literal}) {
		t.Errorf("%v is not %v", read, literal)
	}
	if !reflect.DeepEqual(read, decodeToken(t, text)) {
		t.Error("the same text gives tokens that are not deeply equal")
	}
	for name, other := range map[string]vpptoken.VPPToken{
		"@odata.type": {ODataType: "x"}, "Extra": {Extra: map[string]json.RawMessage{"x": json.RawMessage("1")}},
	} {
		if other.Equal(vpptoken.VPPToken{}) || new(vpptoken.VPPToken).Equal(other) {
			t.Errorf("%s does not count", name)
		}
	}
	for _, f := range facts(t) {
		value, _, _ := sample(t, f.field.Type)
		var token vpptoken.VPPToken
		reflect.ValueOf(&token).Elem().FieldByIndex(f.field.Index).Set(reflect.ValueOf(value))
		copied := token
		if token.Equal(vpptoken.VPPToken{}) || new(vpptoken.VPPToken).Equal(token) || !token.Equal(copied) {
			t.Errorf("%s does not count", f.name)
		}
	}
	for name, pair := range map[string][2]vpptoken.VPPToken{
		"order of tags":   {{RoleScopeTagIDs: []string{"1", "2"}}, {RoleScopeTagIDs: []string{"2", "1"}}},
		"case of country": {{CountryOrRegion: "no"}, {CountryOrRegion: "NO"}},
		"type of results": {
			{TokenActionResults: []vpptoken.ActionResult{{ODataType: "a"}}},
			{TokenActionResults: []vpptoken.ActionResult{{ODataType: "#a"}}},
		},
		"value in Extra": {
			{Extra: map[string]json.RawMessage{"x": json.RawMessage("1")}},
			{Extra: map[string]json.RawMessage{"x": json.RawMessage("2")}},
		},
	} {
		if pair[0].Equal(pair[1]) {
			t.Errorf("%s does not count", name)
		}
	}
}

// A boolean that was not read is not known to be false: written as such, it would look as if it had
// been read, and Diff would lose a change in silence. One that was set since, and those of a token
// that was built by hand, are written.
func TestF07UnreadBooleansAreNotWritten(t *testing.T) {
	t.Parallel()
	names := []string{"automaticallyUpdateApps", "dataSharingConsentGranted", "claimTokenManagementFromExternalMdm"}
	want := vpptoken.NewPatch().SetAutomaticallyUpdateApps(false).SetDataSharingConsentGranted(false).
		SetClaimTokenManagementFromExternalMDM(false)
	for _, text := range []string{
		`{"id":"1"}`, `{"id":"1","displayName":"\"automaticallyUpdateApps\":false","lastAppCount":1}`,
		`{"organizationName":"o","id":"1","x":{"automaticallyUpdateApps":false}}`,
	} {
		again := decodeToken(t, encode(t, decodeToken(t, text)))
		for _, name := range names {
			if again.Has(name) {
				t.Errorf("%s has %s after JSON", text, name)
			}
		}
		if got := encode(t, want.Diff(again)); got != encode(t, want) {
			t.Errorf("Diff against %s after JSON = %s", text, got)
		}
	}
	const one = `{"id":"1","dataSharingConsentGranted":false,"lastAppCount":1}`
	if got := encode(t, decodeToken(t, one)); got != one {
		t.Errorf("%s became %s", one, got)
	}
	changed := decodeToken(t, `{"id":"1"}`)
	changed.AutomaticallyUpdateApps = true
	if got := encode(t, changed); got != `{"id":"1","automaticallyUpdateApps":true}` {
		t.Errorf("set by hand: %s", got)
	}
	for _, name := range names {
		if got := encode(t, &vpptoken.VPPToken{ID: "1"}); !strings.Contains(got, `"`+name+`":false`) {
			t.Errorf("built by hand: %s", got)
		}
	}
}

func TestR15DecodingIntoNil(t *testing.T) {
	t.Parallel()
	var (
		token  *vpptoken.VPPToken
		result *vpptoken.ActionResult
		patch  *vpptoken.Patch
		secret *vpptoken.Secret
		cloud  *vpptoken.Cloud
	)
	for name, err := range map[string]error{
		"VPPToken": token.UnmarshalJSON([]byte("{}")), "ActionResult": result.UnmarshalJSON([]byte("{}")),
		"Patch": patch.UnmarshalJSON([]byte("{}")), "Secret": secret.UnmarshalText([]byte("a")),
		"Cloud": cloud.UnmarshalText([]byte("Global")),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
