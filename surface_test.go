package vpptoken_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
)

// property is one row of Microsoft's table, in its order.
type property struct {
	json, field  string
	nullable, v1 bool
}

func propertyTable() []property {
	return []property{
		{"organizationName", "OrganizationName", true, true},
		{"vppTokenAccountType", "AccountType", false, true},
		{"appleId", "AppleID", true, true},
		{"expirationDateTime", "ExpirationDateTime", false, true},
		{"lastSyncDateTime", "LastSyncDateTime", false, true},
		{"token", "Token", true, true},
		{"lastModifiedDateTime", "LastModifiedDateTime", false, true},
		{"state", "State", false, true},
		{"tokenActionResults", "TokenActionResults", false, false},
		{"lastSyncStatus", "LastSyncStatus", false, true},
		{"automaticallyUpdateApps", "AutomaticallyUpdateApps", false, true},
		{"countryOrRegion", "CountryOrRegion", true, true},
		{"dataSharingConsentGranted", "DataSharingConsentGranted", false, false},
		{"displayName", "DisplayName", true, false},
		{"locationName", "LocationName", true, false},
		{"claimTokenManagementFromExternalMdm", "ClaimTokenManagementFromExternalMDM", false, false},
		{"roleScopeTagIds", "RoleScopeTagIDs", false, false},
		{"appleDeviceAppDeliveryProtocolType", "AppDeliveryProtocolType", false, false},
	}
}

// exportedFields are the names of a struct's exported fields, in order.
func exportedFields(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		if f.IsExported() {
			names = append(names, f.Name)
		}
	}
	return names
}

func TestFieldsFollowTheTable(t *testing.T) {
	t.Parallel()
	var fields, cases []string
	for _, p := range propertyTable() {
		fields = append(fields, p.field)
		cases = append(cases, p.json)
	}
	patch, token := reflect.TypeFor[vpptoken.Patch](), reflect.TypeFor[vpptoken.VPPToken]()
	if diff := cmp.Diff(fields, exportedFields(patch)); diff != "" {
		t.Errorf("Patch (-table +got):\n%s", diff)
	}
	want := append(append([]string{"ODataType", "ID"}, fields...), "Extra")
	if diff := cmp.Diff(want, exportedFields(token)); diff != "" {
		t.Errorf("VPPToken (-table +got):\n%s", diff)
	}
	var tested []string
	for _, tc := range patchCases() {
		tested = append(tested, tc.name)
	}
	if diff := cmp.Diff(cases, tested); diff != "" {
		t.Errorf("patchCases (-table +got):\n%s", diff)
	}
	for _, p := range propertyTable() {
		inPatch, _ := patch.FieldByName(p.field)
		inToken, _ := token.FieldByName(p.field)
		if inPatch.Type != reflect.PointerTo(inToken.Type) {
			t.Errorf("%s is %v in Patch and %v in VPPToken", p.field, inPatch.Type, inToken.Type)
		}
		if tag, _, _ := strings.Cut(inToken.Tag.Get("json"), ","); tag != p.json {
			t.Errorf("%s has the JSON name %q, want %q", p.field, tag, p.json)
		}
	}
}

// The methods of Patch are one Set for each property, one Clear for each that may be null, and these few.
func TestPatchMethodsFollowTheTable(t *testing.T) {
	t.Parallel()
	methods := map[string]bool{"IsEmpty": true, "Diff": true, "MarshalJSON": true, "UnmarshalJSON": true, "LogValue": true}
	patch := reflect.TypeFor[*vpptoken.Patch]()
	field := patch.Elem()
	for _, p := range propertyTable() {
		methods["Set"+p.field] = true
		m, ok := patch.MethodByName("Set" + p.field)
		f, _ := field.FieldByName(p.field)
		if !ok || m.Type.NumIn() != 2 || m.Type.In(1) != f.Type.Elem() || m.Type.NumOut() != 1 || m.Type.Out(0) != patch {
			t.Errorf("Set%s: %v", p.field, m.Type)
		}
		if ok && m.Type.IsVariadic() != (f.Type.Elem().Kind() == reflect.Slice) {
			t.Errorf("Set%s: variadic %v", p.field, m.Type.IsVariadic())
		}
		if p.nullable {
			methods["Clear"+p.field] = true
		}
	}
	for m := range patch.Methods() {
		if !methods[m.Name] {
			t.Errorf("Patch has a method %s", m.Name)
		}
		delete(methods, m.Name)
	}
	if len(methods) != 0 {
		t.Errorf("Patch has no %v", methods)
	}
}

// Each field, Set and Clear touches its own property and no other.
func TestPatchMembersWriteTheirOwnProperty(t *testing.T) {
	t.Parallel()
	for _, p := range propertyTable() {
		var literal vpptoken.Patch
		f := reflect.ValueOf(&literal).Elem().FieldByName(p.field)
		f.Set(reflect.New(f.Type().Elem()))
		set := vpptoken.NewPatch()
		arguments := []reflect.Value{reflect.Zero(f.Type().Elem())}
		method := reflect.ValueOf(set).MethodByName("Set" + p.field)
		if method.Type().IsVariadic() {
			arguments = nil
		}
		if returned := method.Call(arguments)[0].Interface(); returned != any(set) {
			t.Errorf("Set%s does not return its receiver", p.field)
		}
		checkMembers(t, &literal, p.json, false)
		checkMembers(t, set, p.json, false)
		if !p.nullable {
			continue
		}
		cleared := vpptoken.NewPatch()
		if returned := reflect.ValueOf(cleared).MethodByName("Clear" + p.field).Call(nil)[0].Interface(); returned != any(cleared) {
			t.Errorf("Clear%s does not return its receiver", p.field)
		}
		checkMembers(t, cleared, p.json, true)
	}
}

// checkMembers wants one member of the body, null or not.
func checkMembers(t *testing.T, p *vpptoken.Patch, name string, null bool) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(encode(t, p)), &members); err != nil {
		t.Fatal(err)
	}
	if value, ok := members[name]; !ok || len(members) != 1 || (string(value) == "null") != null {
		t.Errorf("%s: the body is %s", name, encode(t, p))
	}
}

// A property that has a field is known: it never lands in Extra, and Extra may not hold it. Every other one does and may.
func TestKnownPropertiesFollowTheTable(t *testing.T) {
	t.Parallel()
	known := []string{"@odata.type", "id"}
	for _, p := range propertyTable() {
		known = append(known, p.json)
	}
	for _, name := range known {
		if token := decodeToken(t, `{"`+name+`":null}`); token.Extra != nil {
			t.Errorf("%s is not known: %v", name, token.Extra)
		}
		if b, err := json.Marshal(vpptoken.VPPToken{Extra: map[string]json.RawMessage{name: json.RawMessage("1")}}); err == nil {
			t.Errorf("Extra may hold %s: %s", name, b)
		}
		upper := strings.ToUpper(name)
		if token := decodeToken(t, `{"`+upper+`":"x"}`); (len(token.Extra) != 1) != (name == "@odata.type") || encode(t, token) == encode(t, vpptoken.VPPToken{}) != (name == "@odata.type") {
			t.Errorf("%s was taken for %s, or lost: %v", upper, name, token)
		}
	}
	// Each value of a table row is read into its field.
	for _, tc := range patchCases() {
		token := decodeToken(t, `{"`+tc.name+`":`+tc.value+`}`)
		for _, p := range propertyTable() {
			if f := reflect.ValueOf(*token).FieldByName(p.field); f.IsZero() != (p.json != tc.name) {
				t.Errorf("%s: field %s is %v", tc.name, p.field, f)
			}
		}
	}
}

func TestV1FollowsTheTable(t *testing.T) {
	t.Parallel()
	for i, p := range propertyTable() {
		c, mock := newClient(t, vpptoken.WithAPIVersion(vpptoken.VersionV1))
		mock.RegisterResponder("PATCH", v1URL+"/"+tokenID, (&wire{}).answer(200, bareToken))
		mock.RegisterResponder("GET", v1URL, (&wire{}).answer(200, page("")))
		_, patched := c.Update(t.Context(), tokenID, patchCases()[i].set(vpptoken.NewPatch()))
		_, selected := collect(c.List(t.Context(), vpptoken.WithSelect(p.json)))
		for _, err := range []error{patched, selected} {
			if p.v1 && err != nil || !p.v1 && !errors.Is(err, vpptoken.ErrNotInVersion) {
				t.Errorf("%s on v1.0: %v", p.json, err)
			}
		}
	}
}

// What a caller may not be able to write: an option of List for another method.
func TestListOptionsAreNoCallOptions(t *testing.T) {
	t.Parallel()
	call := reflect.TypeFor[vpptoken.CallOption]()
	list := reflect.TypeFor[vpptoken.ListOption]()
	if !call.Implements(list) {
		t.Error("a CallOption is no ListOption")
	}
	for _, o := range []vpptoken.ListOption{
		vpptoken.WithTop(1), vpptoken.WithSelect("id"), vpptoken.WithFilter("x"), vpptoken.WithOrderBy("id"),
	} {
		if reflect.TypeOf(o).AssignableTo(call) {
			t.Errorf("%T is a CallOption", o)
		}
	}
}
