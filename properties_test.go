package vpptoken_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// fact is a row of testdata/properties.csv, with the field of VPPToken whose JSON name it is.
type fact struct {
	name, typ    string
	nullable, v1 bool
	field        reflect.StructField
}

// facts are the table, in its order. A property that has no field fails the test.
func facts(tb testing.TB) []fact {
	tb.Helper()
	f, err := os.Open("testdata/properties.csv")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || !slices.Equal(rows[0], []string{"name", "type", "nullable", "versions"}) {
		tb.Fatalf("the table starts %v: %v", rows, err)
	}
	fields := fieldsByName()
	var all []fact
	for _, r := range rows[1:] {
		f, ok := fields[r[0]]
		if !ok {
			tb.Fatalf("VPPToken has no field for %s", r[0])
		}
		if r[3] != "v1.0 beta" && r[3] != "beta" {
			tb.Fatalf("%s is in the versions %q", r[0], r[3])
		}
		all = append(all, fact{r[0], r[1], r[2] == "true", r[3] != "beta", f})
	}
	return all
}

// settable are the facts without id, which the service makes.
func settable(tb testing.TB) []fact {
	tb.Helper()
	all := facts(tb)
	if all[0].name != "id" {
		tb.Fatalf("the table starts with %s", all[0].name)
	}
	return all[1:]
}

func fieldsByName() map[string]reflect.StructField {
	fields := make(map[string]reflect.StructField)
	for f := range reflect.TypeFor[vpptoken.VPPToken]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = f
	}
	return fields
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

// VPPToken and Patch have the fields of the table, in its order and of its types.
func TestFieldsFollowTheFacts(t *testing.T) {
	t.Parallel()
	types := map[string]reflect.Type{
		"Edm.String":                                       reflect.TypeFor[string](),
		"Edm.Boolean":                                      reflect.TypeFor[bool](),
		"Edm.DateTimeOffset":                               reflect.TypeFor[time.Time](),
		"Collection(Edm.String)":                           reflect.TypeFor[[]string](),
		"microsoft.graph.vppTokenAccountType":              reflect.TypeFor[vpptoken.AccountType](),
		"microsoft.graph.vppTokenState":                    reflect.TypeFor[vpptoken.State](),
		"microsoft.graph.vppTokenSyncStatus":               reflect.TypeFor[vpptoken.SyncStatus](),
		"Collection(microsoft.graph.vppTokenActionResult)": reflect.TypeFor[[]vpptoken.ActionResult](),
		"microsoft.graph.appleDeviceDeliveryProtocol":      reflect.TypeFor[vpptoken.DeliveryProtocol](),
	}
	patch := reflect.TypeFor[vpptoken.Patch]()
	var fields []string
	for _, f := range facts(t) {
		fields = append(fields, f.field.Name)
		want := types[f.typ]
		if f.name == "token" {
			want = reflect.TypeFor[vpptoken.Secret]()
		}
		if f.field.Type != want {
			t.Errorf("%s is %v in VPPToken, want %v", f.name, f.field.Type, want)
		}
		if p, ok := patch.FieldByName(f.field.Name); ok && p.Type != reflect.PointerTo(want) {
			t.Errorf("%s is %v in Patch, want a pointer to %v", f.name, p.Type, want)
		}
	}
	want := append(append([]string{"ODataType"}, fields...), "Extra")
	if diff := cmp.Diff(want, exportedFields(reflect.TypeFor[vpptoken.VPPToken]())); diff != "" {
		t.Errorf("VPPToken (-table +got):\n%s", diff)
	}
	if diff := cmp.Diff(fields[1:], exportedFields(patch)); diff != "" {
		t.Errorf("Patch (-table +got):\n%s", diff)
	}
}

// The methods of Patch are one Set for each property, one Clear for each that may be null, and
// these few.
func TestPatchMethodsFollowTheFacts(t *testing.T) {
	t.Parallel()
	others := []string{"IsEmpty", "Diff", "Check", "Redacted", "MarshalJSON", "UnmarshalJSON", "LogValue"}
	patch := reflect.TypeFor[*vpptoken.Patch]()
	want := slices.Clone(others)
	for _, f := range settable(t) {
		want = append(want, "Set"+f.field.Name)
		m, ok := patch.MethodByName("Set" + f.field.Name)
		if !ok {
			continue
		}
		if m.Type.NumIn() != 2 || m.Type.In(1) != f.field.Type || m.Type.NumOut() != 1 || m.Type.Out(0) != patch {
			t.Errorf("Set%s: %v", f.field.Name, m.Type)
		}
		if m.Type.IsVariadic() != (f.field.Type.Kind() == reflect.Slice) {
			t.Errorf("Set%s: variadic %v", f.field.Name, m.Type.IsVariadic())
		}
		if f.nullable {
			want = append(want, "Clear"+f.field.Name)
		}
	}
	var got []string
	for m := range patch.Methods() {
		got = append(got, m.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A patch in JSON takes what the table has: each property, null where it says so.
func TestPatchInJSONFollowsTheFacts(t *testing.T) {
	t.Parallel()
	for _, tc := range patchCases(t) {
		var p vpptoken.Patch
		if err := json.Unmarshal([]byte(`{"`+tc.name+`":`+tc.value+`}`), &p); err != nil {
			t.Error(err)
			continue
		}
		for f := range reflect.TypeFor[vpptoken.Patch]().Fields() {
			if f.IsExported() && reflect.ValueOf(p).FieldByIndex(f.Index).IsNil() != (f.Name != tc.field) {
				t.Errorf("%s: field %s is %v", tc.name, f.Name, reflect.ValueOf(p).FieldByIndex(f.Index))
			}
		}
		if err := json.Unmarshal([]byte(`{"`+tc.name+`":null}`), &p); (err == nil) != (tc.clear != nil) {
			t.Errorf("%s null: %v", tc.name, err)
		}
	}
	if err := json.Unmarshal([]byte(`{"id":"1"}`), new(vpptoken.Patch)); err == nil {
		t.Error("a patch takes an id")
	}
}

// What a Set or a Clear did is the same after JSON and back.
func TestEachSetAndClearSurvivesJSON(t *testing.T) {
	t.Parallel()
	for _, tc := range patchCases(t) {
		patches := []*vpptoken.Patch{tc.set(vpptoken.NewPatch()), tc.zero(vpptoken.NewPatch())}
		if tc.clear != nil {
			patches = append(patches, tc.clear(vpptoken.NewPatch()))
		}
		for _, p := range patches {
			text := encode(t, p)
			var back vpptoken.Patch
			if err := json.Unmarshal([]byte(text), &back); err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			again := encode(t, back)
			if again != text || !strings.HasPrefix(text, `{"`+tc.name+`":`) || back.IsEmpty() {
				t.Errorf("%s came back as %s", text, again)
			}
		}
	}
}

// A property of the table is known: a token reads it into its field, and its Extra can't hold it.
// Another case of it is another property.
func TestTokensFollowTheFacts(t *testing.T) {
	t.Parallel()
	for _, tc := range patchCases(t) {
		token := decodeToken(t, `{"`+tc.name+`":`+tc.value+`}`)
		for f := range reflect.TypeFor[vpptoken.VPPToken]().Fields() {
			if f.IsExported() && reflect.ValueOf(*token).FieldByIndex(f.Index).IsZero() != (f.Name != tc.field) {
				t.Errorf("%s: field %s is %v", tc.name, f.Name, reflect.ValueOf(*token).FieldByIndex(f.Index))
			}
		}
	}
	known := []string{"@odata.type"}
	for _, f := range facts(t) {
		known = append(known, f.name)
		if upper := decodeToken(t, `{"`+strings.ToUpper(f.name)+`":"x"}`); len(upper.Extra) != 1 {
			t.Errorf("%s in capitals is taken for it, or lost: %v", f.name, upper)
		}
	}
	for _, name := range known {
		if token := decodeToken(t, `{"`+name+`":null}`); token.Extra != nil {
			t.Errorf("%s is not known: %v", name, token.Extra)
		}
		b, err := json.Marshal(vpptoken.VPPToken{Extra: map[string]json.RawMessage{name: json.RawMessage("1")}})
		if err == nil {
			t.Errorf("Extra may hold %s: %s", name, b)
		}
	}
}

// On v1.0 the properties of beta can be neither set nor selected.
func TestVersionsFollowTheFacts(t *testing.T) {
	t.Parallel()
	cases := patchCases(t)
	for i, f := range settable(t) {
		c, mock := faulttest.Mock(t, vpptoken.WithAPIVersion(vpptoken.VersionV1))
		mock.RegisterResponder("PATCH", faulttest.RootV1+"/"+faulttest.ID, faulttest.Respond(200, faulttest.BareToken))
		mock.RegisterResponder("GET", faulttest.RootV1, faulttest.Respond(200, faulttest.Page("")))
		_, patched := c.Update(t.Context(), faulttest.ID, cases[i].set(vpptoken.NewPatch()))
		_, selected := faulttest.Collect(c.List(t.Context(), vpptoken.WithSelect(f.name)))
		_, ordered := faulttest.Collect(c.List(t.Context(), vpptoken.WithOrderBy("id", " "+f.name+" desc")))
		_, orderedInOne := faulttest.Collect(c.List(t.Context(), vpptoken.WithOrderBy("id desc, "+f.name)))
		for _, err := range []error{patched, selected, ordered, orderedInOne} {
			if f.v1 && err != nil ||
				!f.v1 && (!errors.Is(err, vpptoken.ErrNotInVersion) || !strings.Contains(err.Error(), f.name)) {
				t.Errorf("%s on v1.0: %v", f.name, err)
			}
			if _, ok := errors.AsType[*vpptoken.Error](err); ok {
				t.Errorf("%s on v1.0: an *Error although nothing left the process", f.name)
			}
		}
		if sent := len(mock.Requests()); (sent == 4) != f.v1 || sent != 0 && !f.v1 {
			t.Errorf("%s on v1.0: %d requests", f.name, sent)
		}
	}
}

// patchCase is what one property looks like in a body, made from its row of the table and its
// field.
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

// sample is a value of a property's type that is not zero, with its JSON and that of the zero
// value.
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
				ODataType: "microsoft.graph.vppTokenActionResult", ActionName: "sync",
				ActionState: vpptoken.ActionStatePending, StartDateTime: instant(),
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
		got, ok := reflect.TypeAssert[*vpptoken.Patch](reflect.ValueOf(p).MethodByName(name).Call(arguments)[0])
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
