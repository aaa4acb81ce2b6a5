package vpptoken_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
)

// What the fields of Diff's result point to is its own too, for each property.
func TestDiffOwnsItsValues(t *testing.T) {
	t.Parallel()
	for _, current := range []*vpptoken.VPPToken{nil, {}} {
		for _, tc := range patchCases(t) {
			p := tc.set(vpptoken.NewPatch())
			value := reflect.ValueOf(p.Diff(current)).Elem().FieldByName(tc.field).Elem()
			if value.Kind() == reflect.Slice {
				value.Index(0).SetZero()
			}
			value.SetZero()
			if got, want := encode(t, p), `{"`+tc.name+`":`+tc.value+`}`; got != want {
				t.Errorf("a value that Diff returned is the patch's: got %s, want %s", got, want)
			}
		}
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	current := &vpptoken.VPPToken{
		OrganizationName: "Nordwind", AppleID: "apps@nordwind.example", ExpirationDateTime: instant(),
		State: vpptoken.StateValid, AutomaticallyUpdateApps: true, DisplayName: "Field iPads",
		RoleScopeTagIDs:    []string{"0", "7"},
		TokenActionResults: []vpptoken.ActionResult{{ActionName: "sync", StartDateTime: instant()}},
	}
	for name, tc := range map[string]struct {
		patch   *vpptoken.Patch
		current *vpptoken.VPPToken
		want    string
	}{
		"same": {
			vpptoken.NewPatch().SetDisplayName("Field iPads").SetAutomaticallyUpdateApps(true), current, `{}`,
		},
		"one of two": {
			vpptoken.NewPatch().SetDisplayName("x").SetAppleID("apps@nordwind.example"), current, `{"displayName":"x"}`,
		},
		"to zero": {
			vpptoken.NewPatch().SetDisplayName("").SetAutomaticallyUpdateApps(false), current,
			`{"automaticallyUpdateApps":false,"displayName":""}`,
		},
		"zero is zero": {
			vpptoken.NewPatch().SetLocationName("").SetDataSharingConsentGranted(false), current, `{}`,
		},
		"same instant": {vpptoken.NewPatch().SetExpirationDateTime(instant().UTC()), current, `{}`},
		"other instant": {
			vpptoken.NewPatch().SetExpirationDateTime(instant().Add(time.Nanosecond).UTC()), current,
			`{"expirationDateTime":"2017-01-01T07:57:57.248123401Z"}`,
		},
		"same list":    {vpptoken.NewPatch().SetRoleScopeTagIDs("0", "7"), current, `{}`},
		"other order":  {vpptoken.NewPatch().SetRoleScopeTagIDs("7", "0"), current, `{}`},
		"list emptied": {vpptoken.NewPatch().SetRoleScopeTagIDs(), current, `{"roleScopeTagIds":[]}`},
		"empty and absent": {
			vpptoken.NewPatch().SetRoleScopeTagIDs().SetTokenActionResults(),
			&vpptoken.VPPToken{RoleScopeTagIDs: []string{}}, `{}`,
		},
		"same results": {
			vpptoken.NewPatch().
				SetTokenActionResults(vpptoken.ActionResult{ActionName: "sync", StartDateTime: instant().UTC()}),
			current, `{}`,
		},
		"other results": {
			vpptoken.NewPatch().SetTokenActionResults(vpptoken.ActionResult{ActionName: "sync"}), current,
			`{"tokenActionResults":[{"actionName":"sync"}]}`,
		},
		"results of another time": {
			vpptoken.NewPatch().SetTokenActionResults(vpptoken.ActionResult{
				ActionName: "sync", StartDateTime: instant(), LastUpdatedDateTime: instant(),
			}),
			current,
			`{"tokenActionResults":[{"actionName":"sync","startDateTime":"2016-12-31T23:57:57.2481234-08:00",` +
				`"lastUpdatedDateTime":"2016-12-31T23:57:57.2481234-08:00"}]}`,
		},
		"clear what is there": {vpptoken.NewPatch().ClearDisplayName(), current, `{"displayName":null}`},
		"clear what is not":   {vpptoken.NewPatch().ClearLocationName().ClearCountryOrRegion(), current, `{}`},
		"token always": {
			vpptoken.NewPatch().SetToken(vpptoken.NewSecret("t")), &vpptoken.VPPToken{Token: vpptoken.NewSecret("t")},
			`{"token":"t"}`,
		},
		"cleared token always": {vpptoken.NewPatch().ClearToken(), current, `{"token":null}`},
		"nil current keeps all": {
			vpptoken.NewPatch().SetDisplayName("").ClearLocationName(), nil, `{"displayName":"","locationName":null}`,
		},
		"nil patch": {nil, current, `{}`},
	} {
		before := ""
		if tc.patch != nil {
			before = encode(t, tc.patch)
		}
		got := tc.patch.Diff(tc.current)
		if encode(t, got) != tc.want || got.IsEmpty() != (tc.want == "{}") {
			t.Errorf("%s: got %s, want %s", name, encode(t, got), tc.want)
		}
		if tc.patch != nil && encode(t, tc.patch) != before {
			t.Errorf("%s: Diff changed the patch", name)
		}
	}
	// Every property on its own: kept when it differs from the zero token, dropped when it does
	// not.
	for _, tc := range patchCases(t) {
		got := encode(t, tc.set(vpptoken.NewPatch()).Diff(&vpptoken.VPPToken{}))
		if got != `{"`+tc.name+`":`+tc.value+`}` {
			t.Errorf("%s: got %s", tc.name, got)
		}
		if got := tc.zero(vpptoken.NewPatch()).Diff(&vpptoken.VPPToken{}); got.IsEmpty() == (tc.name == "token") {
			t.Errorf("%s to zero: got %s", tc.name, encode(t, got))
		}
	}
}

// F07: what was not read can't be compared, so a change to it is kept.
func TestF07DiffKeepsWhatWasNotRead(t *testing.T) {
	t.Parallel()
	cases := patchCases(t)
	for _, tc := range cases {
		for name, current := range map[string]string{
			"$select=id": `{"id":"1"}`,
			"nothing":    `{}`,
			"stranger":   `{"id":"1","lastAppCount":1}`,
		} {
			for _, p := range []*vpptoken.Patch{tc.set(vpptoken.NewPatch()), tc.zero(vpptoken.NewPatch())} {
				if got, want := encode(t, p.Diff(decodeToken(t, current))), encode(t, p); got != want {
					t.Errorf("%s, %s: %s became %s", tc.name, name, want, got)
				}
			}
			if tc.clear == nil {
				continue
			}
			got := encode(t, tc.clear(vpptoken.NewPatch()).Diff(decodeToken(t, current)))
			if got != `{"`+tc.name+`":null}` {
				t.Errorf("%s, %s: null became %s", tc.name, name, got)
			}
		}
		// What was read is compared, whatever else was not.
		read := decodeToken(t, `{"`+tc.name+`":`+tc.value+`}`)
		if got := tc.set(vpptoken.NewPatch()).Diff(read); got.IsEmpty() == (tc.name == "token") {
			t.Errorf("%s as it was read: %s", tc.name, encode(t, got))
		}
		copied := *read // a copy was read with the same
		if got := tc.set(vpptoken.NewPatch()).Diff(&copied); got.IsEmpty() == (tc.name == "token") {
			t.Errorf("%s as it was copied: %s", tc.name, encode(t, got))
		}
	}
}

// F10: what the service gives back in a form of its own is no change, so that a loop of Diff and
// Update ends.
func TestF10DiffEnds(t *testing.T) {
	t.Parallel()
	const never = "0001-01-01T00:00:00-08:00"
	zone := time.FixedZone("", -8*60*60)
	results := func(odataType string) vpptoken.ActionResult {
		return vpptoken.ActionResult{ODataType: odataType, ActionName: "sync"}
	}
	for name, tc := range map[string]struct {
		p             *vpptoken.Patch
		current, want string
	}{
		"tags in another order": {
			vpptoken.NewPatch().SetRoleScopeTagIDs("1", "2"), `{"roleScopeTagIds":["2","1"]}`, `{}`,
		},
		"tags more than once": {
			vpptoken.NewPatch().SetRoleScopeTagIDs("1", "2", "1"), `{"roleScopeTagIds":["2","1"]}`, `{}`,
		},
		"more tags": {
			vpptoken.NewPatch().SetRoleScopeTagIDs("1", "2"), `{"roleScopeTagIds":["2"]}`,
			`{"roleScopeTagIds":["1","2"]}`,
		},
		"fewer tags": {
			vpptoken.NewPatch().SetRoleScopeTagIDs("1"), `{"roleScopeTagIds":["2","1"]}`, `{"roleScopeTagIds":["1"]}`,
		},
		"as many, others": {
			vpptoken.NewPatch().SetRoleScopeTagIDs("1", "1"), `{"roleScopeTagIds":["2","1"]}`,
			`{"roleScopeTagIds":["1","1"]}`,
		},
		"tags in another case": {
			vpptoken.NewPatch().SetRoleScopeTagIDs("a"), `{"roleScopeTagIds":["A"]}`, `{"roleScopeTagIds":["a"]}`,
		},
		"no tags, null":           {vpptoken.NewPatch().SetRoleScopeTagIDs(), `{"roleScopeTagIds":null}`, `{}`},
		"country":                 {vpptoken.NewPatch().SetCountryOrRegion("NO"), `{"countryOrRegion":"no"}`, `{}`},
		"country from lower case": {vpptoken.NewPatch().SetCountryOrRegion("no"), `{"countryOrRegion":"NO"}`, `{}`},
		"another country": {
			vpptoken.NewPatch().SetCountryOrRegion("NO"), `{"countryOrRegion":"se"}`, `{"countryOrRegion":"NO"}`,
		},
		"name counts with case": {
			vpptoken.NewPatch().SetDisplayName("NO"), `{"displayName":"no"}`, `{"displayName":"NO"}`,
		},
		"never in another zone": {
			vpptoken.NewPatch().SetLastSyncDateTime(time.Date(1, 1, 1, 0, 0, 0, 0, zone)),
			`{"lastSyncDateTime":"` + never + `"}`, `{}`,
		},
		"results, type with #": {
			vpptoken.NewPatch().SetTokenActionResults(results("a.b")),
			`{"tokenActionResults":[{"@odata.type":"#a.b","actionName":"sync"}]}`, `{}`,
		},
		"results in another order": {
			vpptoken.NewPatch().SetTokenActionResults(results(""), results("x")),
			`{"tokenActionResults":[{"@odata.type":"x","actionName":"sync"},{"actionName":"sync"}]}`,
			`{"tokenActionResults":[{"actionName":"sync"},{"@odata.type":"x","actionName":"sync"}]}`,
		},
		"null is not empty": {
			vpptoken.NewPatch().SetDisplayName(""), `{"displayName":null}`, `{"displayName":""}`,
		},
		"empty is not null": {
			vpptoken.NewPatch().ClearDisplayName(), `{"displayName":""}`, `{"displayName":null}`,
		},
		"null is null": {
			vpptoken.NewPatch().ClearDisplayName().ClearAppleID(), `{"displayName":null,"appleId":null}`, `{}`,
		},
		"empty is empty": {vpptoken.NewPatch().SetDisplayName(""), `{"displayName":""}`, `{}`},
		"country, null and empty": {
			vpptoken.NewPatch().SetCountryOrRegion(""), `{"countryOrRegion":null}`, `{"countryOrRegion":""}`,
		},
		"false is false": {
			vpptoken.NewPatch().SetAutomaticallyUpdateApps(false), `{"automaticallyUpdateApps":false}`, `{}`,
		},
		"token, whatever was read": {
			vpptoken.NewPatch().SetToken(vpptoken.NewSecret("t")), `{"token":"t"}`, `{"token":"t"}`,
		},
		"null token, null was read": {vpptoken.NewPatch().ClearToken(), `{"token":null}`, `{"token":null}`},
	} {
		if got := encode(t, tc.p.Diff(decodeToken(t, tc.current))); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
	// What a program wrote into a token that it had read counts.
	read := decodeToken(t, `{"displayName":null}`)
	read.DisplayName = "x"
	if got := encode(t, vpptoken.NewPatch().ClearDisplayName().Diff(read)); got != `{"displayName":null}` {
		t.Errorf("a field that was changed: %s", got)
	}
	if got := encode(t, vpptoken.NewPatch().SetDisplayName("x").Diff(read)); got != `{}` {
		t.Errorf("a field that was changed to what is wanted: %s", got)
	}
}
