package vpptoken_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// patchCase is what one property looks like in a body, made from its row of the table and its field.
type patchCase struct {
	name, field string
	set         func(*vpptoken.Patch) *vpptoken.Patch
	literal     *vpptoken.Patch
	value       string
	zero        func(*vpptoken.Patch) *vpptoken.Patch
	zeroLiteral *vpptoken.Patch
	zeroValue   string
	clear       func(*vpptoken.Patch) *vpptoken.Patch // nil when Graph takes no null
}

// instant has a zone and seven digits, both of which must arrive.
func instant() time.Time {
	return time.Date(2016, 12, 31, 23, 57, 57, 248123400, time.FixedZone("", -8*60*60))
}

// sample is a value of a property's type that is not zero, with its JSON and that of the zero value.
func sample(tb testing.TB, t reflect.Type) (value any, text, zero string) {
	tb.Helper()
	const at, never = `"2016-12-31T23:57:57.2481234-08:00"`, `"0001-01-01T00:00:00Z"`
	switch t {
	case reflect.TypeFor[string]():
		return "Kontor \u00e5 \u201cnord\u201d", "\"Kontor \u00e5 \u201cnord\u201d\"", `""`
	case reflect.TypeFor[bool]():
		return true, `true`, `false`
	case reflect.TypeFor[time.Time]():
		return instant(), at, never
	case reflect.TypeFor[vpptoken.Secret]():
		return vpptoken.NewSecret("Token value"), `"Token value"`, `""`
	case reflect.TypeFor[[]string]():
		return []string{"0", "7"}, `["0","7"]`, `[]`
	case reflect.TypeFor[[]vpptoken.ActionResult]():
		return []vpptoken.ActionResult{{
				ODataType: "microsoft.graph.vppTokenActionResult", ActionName: "sync", ActionState: vpptoken.ActionStatePending, StartDateTime: instant(),
			}},
			`[{"@odata.type":"microsoft.graph.vppTokenActionResult","actionName":"sync","actionState":"pending","startDateTime":` + at + `}]`, `[]`
	}
	words := reflect.Zero(t).MethodByName("Values")
	if !words.IsValid() {
		tb.Fatalf("no sample of %v", t)
	}
	word := words.Call(nil)[0].Index(1)
	return word.Interface(), strconv.Quote(word.String()), `""`
}

// patchCases has one case for each property that can be set, in the order of the table.
func patchCases(tb testing.TB) []patchCase {
	tb.Helper()
	var all []patchCase
	for _, f := range settable(tb) {
		value, text, zero := sample(tb, f.field.Type)
		c := patchCase{
			name: f.name, field: f.field.Name, value: text, zeroValue: zero,
			set: setter(tb, f, reflect.ValueOf(value)), literal: literal(tb, f, reflect.ValueOf(value)),
			zero: setter(tb, f, reflect.Zero(f.field.Type)), zeroLiteral: literal(tb, f, reflect.Zero(f.field.Type)),
		}
		if f.nullable {
			c.clear = method(tb, "Clear"+f.field.Name)
		}
		all = append(all, c)
	}
	return all
}

func setter(tb testing.TB, f fact, value reflect.Value) func(*vpptoken.Patch) *vpptoken.Patch {
	tb.Helper()
	var arguments []reflect.Value
	if value.Kind() != reflect.Slice {
		arguments = append(arguments, value)
	} else {
		for i := range value.Len() {
			arguments = append(arguments, value.Index(i))
		}
	}
	return method(tb, "Set"+f.field.Name, arguments...)
}

// method calls a method of Patch, which must return its receiver.
func method(tb testing.TB, name string, arguments ...reflect.Value) func(*vpptoken.Patch) *vpptoken.Patch {
	tb.Helper()
	if _, ok := reflect.TypeFor[*vpptoken.Patch]().MethodByName(name); !ok {
		tb.Fatalf("Patch has no %s", name)
	}
	return func(p *vpptoken.Patch) *vpptoken.Patch {
		got, ok := reflect.ValueOf(p).MethodByName(name).Call(arguments)[0].Interface().(*vpptoken.Patch)
		if !ok || got != p {
			tb.Errorf("%s does not return its receiver", name)
		}
		return got
	}
}

func literal(tb testing.TB, f fact, value reflect.Value) *vpptoken.Patch {
	tb.Helper()
	p := new(vpptoken.Patch)
	field := reflect.ValueOf(p).Elem().FieldByName(f.field.Name)
	if !field.IsValid() {
		tb.Fatalf("Patch has no field %s", f.field.Name)
	}
	field.Set(reflect.New(f.field.Type))
	field.Elem().Set(value)
	return p
}

func encode(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func TestPatchSendsOnlyWhatWasSet(t *testing.T) {
	t.Parallel()
	for _, tc := range patchCases(t) {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			set, zero := `{"`+tc.name+`":`+tc.value+`}`, `{"`+tc.name+`":`+tc.zeroValue+`}`
			bodies := map[string]struct {
				patch *vpptoken.Patch
				want  string
			}{
				"set":            {tc.set(vpptoken.NewPatch()), set},
				"literal":        {tc.literal, set},
				"zero":           {tc.zero(vpptoken.NewPatch()), zero},
				"zero literal":   {tc.zeroLiteral, zero},
				"set after zero": {tc.set(tc.zero(vpptoken.NewPatch())), set},
				"zero after set": {tc.zero(tc.set(vpptoken.NewPatch())), zero},
			}
			if tc.clear != nil {
				null := `{"` + tc.name + `":null}`
				more := map[string]struct {
					patch *vpptoken.Patch
					want  string
				}{
					"clear":                 {tc.clear(vpptoken.NewPatch()), null},
					"clear after set":       {tc.clear(tc.set(vpptoken.NewPatch())), null},
					"clear after zero":      {tc.clear(tc.zero(vpptoken.NewPatch())), null},
					"set after clear":       {tc.set(tc.clear(vpptoken.NewPatch())), set},
					"zero after clear":      {tc.zero(tc.clear(vpptoken.NewPatch())), zero},
					"clear, set, clear":     {tc.clear(tc.set(tc.clear(vpptoken.NewPatch()))), null},
					"clear, set, zero, set": {tc.set(tc.zero(tc.clear(vpptoken.NewPatch()))), set},
				}
				maps.Copy(bodies, more)
			}
			for name, b := range bodies {
				if b.patch.IsEmpty() {
					t.Errorf("%s: IsEmpty", name)
				}
				if tc.name == "token" && strings.HasPrefix(name, "zero") {
					continue // Update refuses it
				}
				c, mock := faulttest.Mock(t)
				mock.RegisterResponder("PATCH", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
				if _, err := c.Update(t.Context(), faulttest.ID, b.patch); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if mock.Requests()[0].Body != b.want || encode(t, b.patch) != b.want || encode(t, *b.patch) != b.want {
					t.Errorf("%s:\nsent    %s\nencoded %s\nwant    %s", name, mock.Requests()[0].Body, encode(t, b.patch), b.want)
				}
			}
		})
	}
}

// Absent: every other property of a patch that sets all but one.
func TestPatchLeavesOneOut(t *testing.T) {
	t.Parallel()
	cases := patchCases(t)
	for _, absent := range cases {
		p := vpptoken.NewPatch()
		var want []string
		for _, tc := range cases {
			if tc.name != absent.name {
				tc.set(p)
				want = append(want, `"`+tc.name+`":`+tc.value)
			}
		}
		if got, want := encode(t, p), "{"+strings.Join(want, ",")+"}"; got != want {
			t.Errorf("without %s:\ngot  %s\nwant %s", absent.name, got, want)
		}
	}
}

func TestPatchKeepsTheOrderOfTheTable(t *testing.T) {
	t.Parallel()
	cases := patchCases(t)
	p := vpptoken.NewPatch()
	var want []string
	for i := range cases { // set from the last to the first
		cases[len(cases)-1-i].set(p)
		want = append(want, `"`+cases[i].name+`":`+cases[i].value)
	}
	if got, want := encode(t, p), "{"+strings.Join(want, ",")+"}"; got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

func TestEmptyPatch(t *testing.T) {
	t.Parallel()
	var none *vpptoken.Patch
	if got := encode(t, none.SetDisplayName("x").ClearAppleID()); got != `{"appleId":null,"displayName":"x"}` {
		t.Errorf("Set on a nil patch: %s", got)
	}
	if !none.IsEmpty() || !new(vpptoken.Patch).IsEmpty() || !vpptoken.NewPatch().IsEmpty() {
		t.Error("IsEmpty of an empty patch is false")
	}
	if got := encode(t, vpptoken.Patch{}); got != "{}" {
		t.Errorf("got %s", got)
	}
}

func TestPatchFieldSetByHandAfterClear(t *testing.T) {
	t.Parallel()
	p := vpptoken.NewPatch().ClearDisplayName()
	p.DisplayName = new("by hand")
	if got := encode(t, p); got != `{"displayName":"by hand"}` {
		t.Errorf("a field after Clear: %s", got)
	}
	p.DisplayName = nil
	if got := encode(t, p); got != `{"displayName":null}` {
		t.Errorf("a nil field after Clear: %s", got)
	}
	p = vpptoken.NewPatch().ClearDisplayName().SetDisplayName("x")
	p.DisplayName = nil
	if !p.IsEmpty() {
		t.Errorf("Set did not undo Clear: %s", encode(t, p))
	}
}

func TestPatchCopiesAreIndependent(t *testing.T) {
	t.Parallel()
	for _, tc := range patchCases(t) {
		original := tc.set(vpptoken.NewPatch())
		copied := *original
		tc.zero(&copied)
		if got, want := encode(t, original), `{"`+tc.name+`":`+tc.value+`}`; got != want {
			t.Errorf("Set on a copy changed the original: %s", got)
		}
		if tc.clear == nil {
			continue
		}
		copied = *original
		tc.clear(&copied)
		if got, want := encode(t, original), `{"`+tc.name+`":`+tc.value+`}`; got != want {
			t.Errorf("Clear on a copy changed the original: %s", got)
		}
		cleared := tc.clear(vpptoken.NewPatch())
		copied = *cleared
		tc.set(&copied)
		if got, want := encode(t, cleared), `{"`+tc.name+`":null}`; got != want {
			t.Errorf("Set on a copy of a cleared patch changed the original: %s", got)
		}
	}
}

func TestPatchOwnsItsLists(t *testing.T) {
	t.Parallel()
	ids, results := []string{"0", "7"}, []vpptoken.ActionResult{{ActionName: "sync"}}
	p := vpptoken.NewPatch().SetRoleScopeTagIDs(ids...).SetTokenActionResults(results...)
	want := encode(t, p)
	ids[0], results[0].ActionName = "changed", "changed"
	if got := encode(t, p); got != want {
		t.Errorf("the caller's slice is the patch's: %s", got)
	}
	p.Diff(nil).SetRoleScopeTagIDs("changed").SetTokenActionResults().SetDisplayName("changed").ClearAppleID()
	if got := encode(t, p); got != want {
		t.Errorf("a change to what Diff returned changed the patch: %s", got)
	}
}

func TestPatchRefusesWhatJSONWouldChange(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*vpptoken.Patch{
		"displayName":        vpptoken.NewPatch().SetDisplayName("a\xffb"),
		"token":              vpptoken.NewPatch().SetToken(vpptoken.NewSecret("canary\xff")),
		"state":              vpptoken.NewPatch().SetState("a\xff"),
		"roleScopeTagIds":    vpptoken.NewPatch().SetRoleScopeTagIDs("0", "a\xff"),
		"tokenActionResults": vpptoken.NewPatch().SetTokenActionResults(vpptoken.ActionResult{ActionName: "a\xff"}),
		"expirationDateTime": vpptoken.NewPatch().SetExpirationDateTime(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)),
	} {
		c, mock := faulttest.Mock(t)
		_, err := c.Update(t.Context(), faulttest.ID, p)
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "canary") || len(mock.Requests()) != 0 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	current := &vpptoken.VPPToken{
		OrganizationName: "Nordwind", AppleID: "apps@nordwind.example", ExpirationDateTime: instant(),
		State: vpptoken.StateValid, AutomaticallyUpdateApps: true, DisplayName: "Field iPads", RoleScopeTagIDs: []string{"0", "7"},
		TokenActionResults: []vpptoken.ActionResult{{ActionName: "sync", StartDateTime: instant()}},
	}
	for name, tc := range map[string]struct {
		patch   *vpptoken.Patch
		current *vpptoken.VPPToken
		want    string
	}{
		"same":                  {vpptoken.NewPatch().SetDisplayName("Field iPads").SetAutomaticallyUpdateApps(true), current, `{}`},
		"one of two":            {vpptoken.NewPatch().SetDisplayName("x").SetAppleID("apps@nordwind.example"), current, `{"displayName":"x"}`},
		"to zero":               {vpptoken.NewPatch().SetDisplayName("").SetAutomaticallyUpdateApps(false), current, `{"automaticallyUpdateApps":false,"displayName":""}`},
		"zero is zero":          {vpptoken.NewPatch().SetLocationName("").SetDataSharingConsentGranted(false), current, `{}`},
		"same instant":          {vpptoken.NewPatch().SetExpirationDateTime(instant().UTC()), current, `{}`},
		"other instant":         {vpptoken.NewPatch().SetExpirationDateTime(instant().Add(time.Nanosecond).UTC()), current, `{"expirationDateTime":"2017-01-01T07:57:57.248123401Z"}`},
		"same list":             {vpptoken.NewPatch().SetRoleScopeTagIDs("0", "7"), current, `{}`},
		"other order":           {vpptoken.NewPatch().SetRoleScopeTagIDs("7", "0"), current, `{"roleScopeTagIds":["7","0"]}`},
		"list emptied":          {vpptoken.NewPatch().SetRoleScopeTagIDs(), current, `{"roleScopeTagIds":[]}`},
		"empty and absent":      {vpptoken.NewPatch().SetRoleScopeTagIDs().SetTokenActionResults(), &vpptoken.VPPToken{RoleScopeTagIDs: []string{}}, `{}`},
		"same results":          {vpptoken.NewPatch().SetTokenActionResults(vpptoken.ActionResult{ActionName: "sync", StartDateTime: instant().UTC()}), current, `{}`},
		"other results":         {vpptoken.NewPatch().SetTokenActionResults(vpptoken.ActionResult{ActionName: "sync"}), current, `{"tokenActionResults":[{"actionName":"sync"}]}`},
		"clear what is there":   {vpptoken.NewPatch().ClearDisplayName(), current, `{"displayName":null}`},
		"clear what is not":     {vpptoken.NewPatch().ClearLocationName().ClearCountryOrRegion(), current, `{}`},
		"token always":          {vpptoken.NewPatch().SetToken(vpptoken.NewSecret("t")), &vpptoken.VPPToken{Token: vpptoken.NewSecret("t")}, `{"token":"t"}`},
		"cleared token always":  {vpptoken.NewPatch().ClearToken(), current, `{"token":null}`},
		"nil current keeps all": {vpptoken.NewPatch().SetDisplayName("").ClearLocationName(), nil, `{"displayName":"","locationName":null}`},
		"nil patch":             {nil, current, `{}`},
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
	// Every property on its own: kept when it differs from the zero token, dropped when it does not.
	for _, tc := range patchCases(t) {
		if got := encode(t, tc.set(vpptoken.NewPatch()).Diff(&vpptoken.VPPToken{})); got != `{"`+tc.name+`":`+tc.value+`}` {
			t.Errorf("%s: got %s", tc.name, got)
		}
		if got := tc.zero(vpptoken.NewPatch()).Diff(&vpptoken.VPPToken{}); got.IsEmpty() == (tc.name == "token") {
			t.Errorf("%s to zero: got %s", tc.name, encode(t, got))
		}
	}
}

func TestRequestBodiesLogWithoutTheToken(t *testing.T) {
	t.Parallel()
	p := vpptoken.NewPatch().SetToken(vpptoken.NewSecret("canary")).SetDisplayName("Field iPads").ClearLocationName()
	var b bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		b.Reset()
		slog.New(h).Info("update", "patch", p, "value", *p)
		if strings.Contains(b.String(), "canary") || strings.Count(b.String(), "Field iPads") != 2 || strings.Count(b.String(), "REDACTED") != 2 {
			t.Errorf("logged %s", b.String())
		}
	}
	if got := encode(t, p); !strings.Contains(got, "canary") {
		t.Error("logging a patch changed it")
	}
}

func seedPatches(t *testing.T) map[string]*vpptoken.Patch {
	t.Helper()
	at := func(s string) time.Time {
		d, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	expires, synced := at("2016-12-31T23:57:57.2481234-08:00"), at("2017-01-01T00:02:49.3205976-08:00")
	modified := at("2017-01-01T00:00:35.1329464-08:00")
	result := vpptoken.ActionResult{
		ODataType: "microsoft.graph.vppTokenActionResult", ActionName: "Action Name value", ActionState: vpptoken.ActionStatePending,
		StartDateTime: at("2016-12-31T23:58:46.7156189-08:00"), LastUpdatedDateTime: at("2017-01-01T00:00:56.8321556-08:00"),
	}
	return map[string]*vpptoken.Patch{
		"Set": vpptoken.NewPatch().
			SetOrganizationName("Organization Name value").SetAccountType(vpptoken.AccountTypeEducation).SetAppleID("Apple Id value").
			SetExpirationDateTime(expires).SetLastSyncDateTime(synced).SetToken(vpptoken.NewSecret("Token value")).
			SetLastModifiedDateTime(modified).SetState(vpptoken.StateValid).SetTokenActionResults(result).
			SetLastSyncStatus(vpptoken.SyncStatusInProgress).SetAutomaticallyUpdateApps(true).SetCountryOrRegion("Country Or Region value").
			SetDataSharingConsentGranted(true).SetDisplayName("Display Name value").SetLocationName("Location Name value").
			SetClaimTokenManagementFromExternalMDM(true),
		"literal": {
			OrganizationName: new("Organization Name value"), AccountType: new(vpptoken.AccountTypeEducation), AppleID: new("Apple Id value"),
			ExpirationDateTime: &expires, LastSyncDateTime: &synced, Token: new(vpptoken.NewSecret("Token value")), LastModifiedDateTime: &modified,
			State: new(vpptoken.StateValid), TokenActionResults: &[]vpptoken.ActionResult{result}, LastSyncStatus: new(vpptoken.SyncStatusInProgress),
			AutomaticallyUpdateApps: new(true), CountryOrRegion: new("Country Or Region value"), DataSharingConsentGranted: new(true),
			DisplayName: new("Display Name value"), LocationName: new("Location Name value"), ClaimTokenManagementFromExternalMDM: new(true),
		},
	}
}

// The main job: the body of Microsoft's own example, byte for byte but for its white space, and its answer.
func TestSeedUpdate(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := json.Compact(&want, []byte(faulttest.Fixture(t, "seed-update-request.json"))); err != nil {
		t.Fatal(err)
	}
	for name, p := range seedPatches(t) {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("PATCH", faulttest.Item, faulttest.Respond(200, faulttest.Fixture(t, "seed-update-response.json")))
		got, err := c.Update(t.Context(), faulttest.ID, p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), mock.Requests()[0].Body); diff != "" {
			t.Errorf("%s: body (-want +got):\n%s", name, diff)
		}
		if got.ID != faulttest.ID || got.Token.Reveal() != "Token value" {
			t.Errorf("%s: got %v", name, got)
		}
		if left := p.Diff(got); encode(t, left) != `{"token":"Token value"}` {
			t.Errorf("%s: after the update there is still %s", name, encode(t, left.ClearToken()))
		}
	}
}
