package vpptoken_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
)

const canary = "canary-6tYq"

// shows reports whether text holds the canary, also as hexadecimal, base64 or a list of numbers.
func shows(text string) bool {
	c := []byte(canary)
	for _, form := range []string{
		canary, hex.EncodeToString(c), fmt.Sprintf("% x", c), fmt.Sprintf("%# x", c),
		base64.StdEncoding.EncodeToString(c[:9]),
		fmt.Sprintf("%d %d %d", c[0], c[1], c[2]), fmt.Sprintf("%#x, %#x, %#x", c[0], c[1], c[2]),
		fmt.Sprintf("%b %b", c[0], c[1]),
		fmt.Sprintf("%o %o", c[0], c[1]), fmt.Sprintf("%U %U", c[0], c[1]),
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return true
		}
	}
	return false
}

// Types of somebody else, who keeps secrets where fmt calls no method.
type (
	exported struct{ S vpptoken.Secret }
	hidden   struct {
		name string
		s    vpptoken.Secret
	}
	hiddenPointer struct{ s *vpptoken.Secret }
	hiddenAny     struct{ s any }
	hiddenDeep    struct {
		m map[string][]hidden
		t vpptoken.VPPToken
		p *hiddenPointer
	}
)

// holders are values with the canary in them. redacted tells those that must show the mark and not
// only hide the canary.
func holders() []struct {
	name     string
	value    any
	redacted bool
} {
	s := vpptoken.NewSecret(canary)
	token := vpptoken.VPPToken{ID: "1", Token: s}
	return []struct {
		name     string
		value    any
		redacted bool
	}{
		{"value", s, true},
		{"pointer", &s, true},
		{"slice", []vpptoken.Secret{s, s}, true},
		{"array", [1]vpptoken.Secret{s}, true},
		{"map", map[string]vpptoken.Secret{"a": s}, true},
		{"slice of any", []any{s, &s}, true},
		{"slice of pointers", []*vpptoken.Secret{&s}, false},
		{"exported field", exported{s}, true},
		{"pointer to exported field", &exported{s}, true},
		{"unexported field", hidden{"n", s}, false},
		{"pointer to unexported field", &hidden{"n", s}, false},
		{"unexported pointer", hiddenPointer{&s}, false},
		{"unexported interface", hiddenAny{s}, false},
		{"unexported interface of a pointer", hiddenAny{&s}, false},
		{"deep", hiddenDeep{map[string][]hidden{"a": {{"n", s}}}, token, &hiddenPointer{&s}}, false},
		{"VPPToken", token, true},
		{"pointer to VPPToken", &token, true},
		{"slice of VPPToken", []vpptoken.VPPToken{token}, true},
		{"slice of pointers to VPPToken", []*vpptoken.VPPToken{&token}, false},
		{"unexported VPPToken", hiddenAny{token}, false},
		{"Patch", vpptoken.Patch{Token: &s}, false},
		{"pointer to Patch", vpptoken.NewPatch().SetToken(s), false},
	}
}

func TestSecretUnderEveryVerb(t *testing.T) {
	t.Parallel()
	var formats []string
	for verb := 'A'; verb <= 'z'; verb++ {
		for _, flags := range []string{"", "+", "#", " ", "0", "-", "+#", "# ", "20", "-20.3", ".3"} {
			formats = append(formats, "%"+flags+string(verb))
		}
	}
	formats = append(formats, "%!", "%é", "%[1]v", "%[1]*v")
	for _, h := range holders() {
		for _, f := range formats {
			text := fmt.Sprintf(f, h.value)
			if shows(text) {
				t.Fatalf("%s under %s: %s", h.name, f, text)
			}
		}
		for _, f := range []string{"%v", "%+v", "%s"} {
			if text := fmt.Sprintf(f, h.value); h.redacted && !strings.Contains(text, "REDACTED") {
				t.Errorf("%s under %s has no mark: %s", h.name, f, text)
			}
		}
		for _, text := range []string{
			fmt.Sprint(h.value), fmt.Sprintln(h.value), fmt.Errorf("v: %v", h.value).Error(),
		} {
			if shows(text) {
				t.Errorf("%s printed %s", h.name, text)
			}
		}
	}
}

func TestSecretIsTheMarkAlone(t *testing.T) {
	t.Parallel()
	for _, s := range []vpptoken.Secret{vpptoken.NewSecret(canary), {}} {
		for verb := 'A'; verb <= 'z'; verb++ {
			if strings.ContainsRune("Tpw[\\]^_`", verb) { // fmt answers the first three by itself
				continue
			}
			for _, flags := range []string{"", "+", "#", "20", ".3"} {
				if got := fmt.Sprintf("%"+flags+string(verb), s); got != "REDACTED" {
					t.Errorf("%%%s%c: %s", flags, verb, got)
				}
			}
		}
		if got := s.String() + s.GoString(); got != "REDACTEDREDACTED" {
			t.Errorf("String and GoString: %s", got)
		}
	}
}

func TestSecretInLogs(t *testing.T) {
	t.Parallel()
	for _, h := range holders() {
		var b bytes.Buffer
		for name, handler := range map[string]slog.Handler{
			"text": slog.NewTextHandler(&b, nil),
			"JSON": slog.NewJSONHandler(&b, nil),
		} {
			b.Reset()
			if strings.HasSuffix(h.name, "Patch") {
				continue // request bodies: TestRequestBodiesLogWithoutTheToken
			}
			l := slog.New(handler).With("with", h.value)
			l.WithGroup("g").Info("m", "v", h.value, slog.Group("in", "v", h.value))
			if shows(b.String()) {
				t.Errorf("%s, %s handler: %s", h.name, name, b.String())
			}
			if h.redacted && strings.Count(b.String(), "REDACTED") < 3 {
				t.Errorf("%s, %s handler has no mark: %s", h.name, name, b.String())
			}
		}
	}
}

func TestSecretInEncodings(t *testing.T) {
	t.Parallel()
	for _, h := range holders() {
		if strings.HasSuffix(h.name, "Patch") {
			continue // request bodies carry it
		}
		b, err := json.Marshal(h.value)
		if err != nil {
			t.Errorf("%s: %v", h.name, err)
		}
		if shows(string(b)) || h.redacted && !bytes.Contains(b, []byte("REDACTED")) {
			t.Errorf("%s: %s", h.name, b)
		}
		if b, err = xml.Marshal(h.value); err == nil && shows(string(b)) {
			t.Errorf("%s as XML: %s", h.name, b)
		}
	}
	if got := encode(t, map[string]any{"a": vpptoken.NewSecret(canary)}); got != `{"a":"REDACTED"}` {
		t.Errorf("got %s", got)
	}
}

func TestSecretUnderGoCmp(t *testing.T) {
	t.Parallel()
	one, other := vpptoken.NewSecret(canary), vpptoken.NewSecret(canary+"2")
	if !cmp.Equal(one, vpptoken.NewSecret(canary)) || cmp.Equal(one, other) || cmp.Equal(one, vpptoken.Secret{}) {
		t.Error("go-cmp does not compare the text")
	}
	exporter := cmp.Exporter(func(reflect.Type) bool { return true })
	for name, pair := range map[string][2]any{
		"value":            {one, other},
		"with zero":        {one, vpptoken.Secret{}},
		"pointer":          {&one, &other},
		"slice":            {[]vpptoken.Secret{one}, []vpptoken.Secret{other, one}},
		"map":              {map[string]vpptoken.Secret{"a": one}, map[string]vpptoken.Secret{"b": other}},
		"unexported field": {hidden{"a", one}, hidden{"b", other}},
		"only one side":    {hiddenAny{one}, hiddenAny{"text"}},
		"VPPToken":         {vpptoken.VPPToken{Token: one}, vpptoken.VPPToken{Token: other}},
		"Patch":            {vpptoken.Patch{Token: &one}, vpptoken.Patch{Token: &other}},
	} {
		if diff := cmp.Diff(pair[0], pair[1], exporter); diff == "" || shows(diff) {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// reach collects every string that a printer finds which follows pointers, calls no method and
// looks behind unexported fields, as spew does, and testify through it.
func reach(v reflect.Value, seen map[unsafe.Pointer]bool, found func(string)) {
	switch v.Kind() {
	case reflect.String:
		found(v.String())
	case reflect.Pointer:
		if !v.IsNil() && !seen[v.UnsafePointer()] {
			seen[v.UnsafePointer()] = true
			reach(v.Elem(), seen, found)
		}
	case reflect.Interface:
		if !v.IsNil() {
			reach(addressable(v.Elem()), seen, found)
		}
	case reflect.Struct:
		for _, f := range v.Fields() {
			reach(reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem(), seen, found)
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			found(string(v.Bytes()))
		}
		for i := range v.Len() {
			reach(v.Index(i), seen, found)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			reach(addressable(it.Key()), seen, found)
			reach(addressable(it.Value()), seen, found)
		}
	default: // numbers hold no text, and no printer reads the code or the variables of a function
	}
}

func addressable(v reflect.Value) reflect.Value {
	p := reflect.New(v.Type()).Elem()
	p.Set(v)
	return p
}

func TestSecretIsOutOfReachOfMemoryWalkers(t *testing.T) {
	t.Parallel()
	marks := 0
	for _, h := range holders() {
		reach(addressable(reflect.ValueOf(h.value)), map[unsafe.Pointer]bool{}, func(text string) {
			if shows(text) {
				t.Errorf("%s holds it in reach", h.name)
			}
			if strings.Contains(text, "REDACTED") {
				marks++
			}
		})
	}
	if marks < len(holders()) {
		t.Errorf("the mark was met %d times only", marks)
	}
	control := false // the walker must find what is there
	reach(addressable(reflect.ValueOf(hiddenAny{map[string]*[]hidden{"a": {{canary, vpptoken.Secret{}}}}})),
		map[unsafe.Pointer]bool{}, func(text string) {
			control = control || shows(text)
		})
	if !control {
		t.Error("the walker finds nothing")
	}
}

func TestSecretValues(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a", canary, "a\xff\x00", "REDACTED and more", strings.Repeat("x", 1<<16)} {
		s := vpptoken.NewSecret(text)
		if s.Reveal() != text || s.IsZero() != (text == "") || !s.Equal(vpptoken.NewSecret(text)) ||
			s.Equal(vpptoken.NewSecret(text+"x")) {
			t.Errorf("a secret of %d bytes: reveals %d, IsZero %v", len(text), len(s.Reveal()), s.IsZero())
		}
	}
}

func TestSecretDecoding(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"Token value"`: "Token value", `null`: "", `""`: "", `"REDACTED"`: "",
		`"redacted"`: "redacted",
	} {
		var s vpptoken.Secret
		if err := json.Unmarshal([]byte(in), &s); err != nil || s.Reveal() != want || s.IsZero() != (want == "") {
			t.Errorf("%s: %q, %v", in, s.Reveal(), err)
		}
	}
	for _, in := range []string{`"REDACTED"`, `""`} {
		s := vpptoken.NewSecret("before")
		if err := json.Unmarshal([]byte(in), &s); err != nil || !s.IsZero() {
			t.Errorf("%s over a secret leaves %q, %v", in, s.Reveal(), err)
		}
	}
}

// A secret shows nowhere but where it is asked for.
func ExampleSecret() {
	s := vpptoken.NewSecret("the text of the .vpptoken file")
	fmt.Println(s, len(s.Reveal()))
	// Output: REDACTED 30
}
