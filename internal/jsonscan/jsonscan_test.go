package jsonscan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken/internal/jsonscan"
)

func TestValueReturnsItsText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`null`: `null`, ` true `: `true`, "\t-1.5e+3\r\n": `-1.5e+3`, `"a\"b\\"`: `"a\"b\\"`, `"é\u00e9"`: `"é\u00e9"`,
		` { "a" : [ 1 , { } ] } `: `{ "a" : [ 1 , { } ] }`, `[]`: `[]`, `[[],[[]]] x`: `[[],[[]]]`, `1,2`: `1`,
	} {
		s := jsonscan.New([]byte(in))
		if got := s.Value(); string(got) != want || s.Err() != nil {
			t.Errorf("%q: got %q, %v", in, got, s.Err())
		}
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf(`"n%d":%d`, i, i))
	}
	long := strings.Join(many, ",")
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for in, want := range map[string]error{
		`{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}`: nil,
		`{"a":1,"A":1,"a ":1}`:                      nil,
		`{"":1}`:                                    nil,
		`{` + long + `}`:                            nil,
		deep(64):                                    nil,
		`{"a":` + deep(63) + `}`:                    nil,
		deep(65):                                    jsonscan.ErrDepth,
		`{"a":` + deep(64) + `}`:                    jsonscan.ErrDepth,
		strings.Repeat("[", 1<<20):                  jsonscan.ErrDepth,
		strings.Repeat(`{"a":`, 1<<18):              jsonscan.ErrDepth,
		`{"a":1,"a":2}`:                             jsonscan.ErrDuplicate,
		`{"a":1,"\u0061":2}`:                        jsonscan.ErrDuplicate,
		`{"\u0061":1,"a":2}`:                        jsonscan.ErrDuplicate,
		`{"a":{"x":1,"y":2},"x":3,"b":{"a":1,"x":{"x":1}},"y":4}`: nil,
		`{"a":{"x":1,"y":2},"b":3,"a":4}`:                         jsonscan.ErrDuplicate,
		`{"o":{` + long + `},` + long + `}`:                       nil,
		`{` + long + `,"o":{` + long + `},"n50":1}`:               jsonscan.ErrDuplicate,
		`{"":1,"":2}`:                 jsonscan.ErrDuplicate,
		`[{"x":{"a":1,"b":2,"a":3}}]`: jsonscan.ErrDuplicate,
		`{` + long + `,"n0":0}`:       jsonscan.ErrDuplicate,
		`{` + long + `,"n39":0}`:      jsonscan.ErrDuplicate,
		`{` + long + `,"n99":0}`:      jsonscan.ErrDuplicate,
		"{\"a\":\"\xff\"}":            jsonscan.ErrUTF8,
		"{\"\xc3\":1}":                jsonscan.ErrUTF8,
		"\"\xed\xa0\x80\"":            jsonscan.ErrUTF8,
		``:                            jsonscan.ErrSyntax,
		`{`:                           jsonscan.ErrSyntax,
		`[`:                           jsonscan.ErrSyntax,
		`[1,`:                         jsonscan.ErrSyntax,
		`{"a"`:                        jsonscan.ErrSyntax,
		`{"a":`:                       jsonscan.ErrSyntax,
		`{"a" 1}`:                     jsonscan.ErrSyntax,
		`{a:1}`:                       jsonscan.ErrSyntax,
		`{1:1}`:                       jsonscan.ErrSyntax,
		`{"\u00zz":1}`:                jsonscan.ErrSyntax,
		`"abc`:                        jsonscan.ErrSyntax,
		`"abc\`:                       jsonscan.ErrSyntax,
		`"abc\"`:                      jsonscan.ErrSyntax,
		`}`:                           jsonscan.ErrSyntax,
		`[:]`:                         jsonscan.ErrSyntax,
	} {
		s := jsonscan.New([]byte(in))
		value := s.Value()
		if !errors.Is(s.Err(), want) || want == nil && s.Err() != nil {
			t.Errorf("%.40s: got %v, want %v", in, s.Err(), want)
		}
		if want != nil && value != nil {
			t.Errorf("%.40s: a value in spite of %v: %.40s", in, want, value)
		}
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	s := jsonscan.New([]byte(` { "a" : 1 , "b\u0063" : [ "x", {"n":2} ] , "d" : { "e" : null } } `))
	var got []string
	s.Object(func(name []byte) {
		switch string(name) {
		case "d":
			s.Object(func(inner []byte) { got = append(got, "d."+string(inner)+"="+string(s.Value())) })
		case "bc":
			s.Array(func(i int) { got = append(got, fmt.Sprintf("bc.%d=%s", i, s.Value())) })
		default:
			got = append(got, string(name)+"="+string(s.Value()))
		}
	})
	if diff := cmp.Diff([]string{"a=1", `bc.0="x"`, `bc.1={"n":2}`, "d.e=null"}, got); diff != "" || s.Err() != nil {
		t.Errorf("%v (-want +got):\n%s", s.Err(), diff)
	}
}

func TestLastName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":1,"b":{"c":1},"b":2}`: "b", `{"a":{"x":1,"b":2,"x":3},"y":1}`: "x", `{"a":1,"\u0061":2}`: `\u0061`,
	} {
		s := jsonscan.New([]byte(in))
		s.Value()
		if !errors.Is(s.Err(), jsonscan.ErrDuplicate) || string(s.LastName()) != want {
			t.Errorf("%s: got %s, %v, want %s", in, s.LastName(), s.Err(), want)
		}
	}
}

// Whatever is not an object or an array is passed over, and what follows is still read.
func TestOtherKindsArePassedOver(t *testing.T) {
	t.Parallel()
	s := jsonscan.New([]byte(`{"object":[1],"array":{"a":1},"null":null,"last":7}`))
	var last []byte
	s.Object(func(name []byte) {
		switch string(name) {
		case "object":
			s.Object(func([]byte) { t.Error("an array was taken for an object") })
		case "array", "null":
			s.Array(func(int) { t.Errorf("%s was taken for an array", name) })
		default:
			last = s.Value()
		}
	})
	if string(last) != "7" || s.Err() != nil {
		t.Errorf("got %s, %v", last, s.Err())
	}
}

func TestNothingIsVisitedAfterAnError(t *testing.T) {
	t.Parallel()
	s := jsonscan.New([]byte(`{"a":1,"a":2,"b":3}`))
	var names []string
	s.Object(func(name []byte) {
		names = append(names, string(name))
		s.Value()
	})
	s.Object(func([]byte) { t.Error("visited after the error") })
	s.Array(func(int) { t.Error("visited after the error") })
	if diff := cmp.Diff([]string{"a"}, names); diff != "" || s.Value() != nil {
		t.Error(diff)
	}
}

func TestFailKeepsTheFirst(t *testing.T) {
	t.Parallel()
	first := errors.New("first")
	s := jsonscan.New([]byte(`{"a":1}`))
	if !s.IsObject() || s.IsArray() {
		t.Error("an object is told wrong")
	}
	s.Fail(first)
	s.Fail(errors.New("second"))
	s.Object(func([]byte) { t.Error("visited after the error") })
	if s.Err() != first || s.IsObject() { //nolint:errorlint // the very same
		t.Errorf("Err() = %v", s.Err())
	}
}
