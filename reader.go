package vpptoken

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	// With go 1.27 in go.mod these become encoding/json/v2 and encoding/json/jsontext, of which
	// they are the mirror.
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// reader walks once over a JSON text. The library sees to the grammar, to names that stand twice
// and to UTF-8; what is here adds the bounds and the words of the errors. After an error it reads
// nothing more.
type reader struct {
	data   []byte
	walk   func(*reader) // reads all of it
	d      *jsontext.Decoder
	strict bool   // of a patch: what can't be kept is an error
	inside string // the property around the object at hand, for errors
	values int
	err    error

	// The texts that were read last, the @odata.type and then property by property: they repeat
	// from token to token of a tenant, and so share memory.
	words [1 + maxProperties]string
	none  Patch // stands where the list asks for a patch
}

// Bounds of a text: the elements of a list, and how many values may cost many times the memory of
// their text once they are decoded. No service of this kind has as many. How deep a text nests is
// bounded by the library.
const (
	maxElements = 10_000
	maxValues   = 1 << 16
	maxNames    = 1000 // of an object that is no token
)

var (
	errCrowded  = errors.New("more elements and unknown properties than an answer may have: ask for smaller pages")
	errNoObject = errors.New("JSON of the wrong kind where an object should be")
	errNotJSON  = errors.New("not JSON, not all of it, or nested too deep")
)

// read lets walk read data, which must be one JSON value. A byte order mark, which some of
// Microsoft's answers carry, is taken off.
func read(data []byte, walk func(*reader)) error {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if len(data) == 0 {
		return errors.New("empty, where JSON should be")
	}
	in := &reader{data: data, walk: walk}
	if err := jsonv2.Unmarshal(data, in, jsontext.AllowDuplicateNames(true)); err != nil && in.err == nil {
		in.syntax()
	}
	return in.err
}

// UnmarshalJSONFrom is called by the library with a decoder of its own, which it keeps for the next
// text.
func (in *reader) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	in.d = d
	in.walk(in)
	return in.err
}

// fail makes err the reader's, unless it has one.
func (in *reader) fail(err error) {
	if in.err == nil {
		in.err = err
	}
}

// syntax says what is wrong with the text itself, without the library's words: they show what stands
// there.
func (in *reader) syntax() {
	if jsontext.Value(in.data).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) {
		in.fail(errors.New("not valid UTF-8"))
	}
	in.fail(errNotJSON)
}

// twice is for a name that stood in the same object before. One that is not known may be a secret.
func (in *reader) twice(name string) {
	if known(name) {
		in.fail(fmt.Errorf("property %s stands twice", name))
	}
	in.fail(errors.New("a property stands twice in one object"))
}

func (in *reader) wrongKind(name string) {
	if in.err == nil && in.d.PeekKind() == 0 {
		in.value() // no value at all
	}
	in.fail(fmt.Errorf("property %s%s has a value of the wrong kind", in.inside, name))
}

// count counts a value that costs memory of its own.
func (in *reader) count() {
	if in.values++; in.values > maxValues {
		in.fail(errCrowded)
	}
}

// kind tells what comes next. It is 0, and an error, when that is no JSON. Where no white space
// stands the byte tells as much as the library would, in a tenth of the time; whether it is JSON
// shows when it is read.
func (in *reader) kind() jsontext.Kind {
	if in.err != nil {
		return 0
	}
	at := in.d.InputOffset()
	if at+1 < int64(len(in.data)) {
		c := in.data[at]
		if c == ',' || c == ':' {
			c = in.data[at+1]
		}
		if c == '"' || c >= '[' { // a letter or a bracket
			return jsontext.Kind(c)
		}
	}
	k := in.d.PeekKind()
	if k == 0 {
		in.value()
	}
	return k
}

// value reads a value of any kind. What it returns is good until the next read.
func (in *reader) value() jsontext.Value {
	if in.err != nil {
		return nil
	}
	raw, err := in.d.ReadValue()
	if err != nil {
		in.syntax()
		return nil
	}
	return raw
}

// scalar reads a value of one kind, and nothing when there is another.
func (in *reader) scalar(k jsontext.Kind) jsontext.Value {
	if in.kind() != k {
		return nil
	}
	return in.value()
}

// null reads a null, if there is one.
func (in *reader) null() bool { return in.scalar('n') != nil }

// open steps into an object or an array, if there is one; shut steps out of it.
func (in *reader) open(k jsontext.Kind) bool { return in.kind() == k && in.shut() }

func (in *reader) shut() bool {
	_, err := in.d.ReadToken()
	if err != nil {
		in.syntax()
	}
	return err == nil
}

// name reads the name of the next member and tells where it stands between its quotes; at the end
// of the object there is no more.
func (in *reader) name() (from, to int, more bool) {
	if in.kind() == '}' {
		in.shut()
		return 0, 0, false
	}
	raw := in.value()
	if raw == nil {
		return 0, 0, false
	}
	to = int(in.d.InputOffset()) - 1
	return to + 2 - len(raw), to, true
}

// plain is a name without escapes.
func plain(name []byte) []byte {
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	text, _ := jsontext.AppendUnquote(nil, slices.Concat([]byte(`"`), name, []byte(`"`)))
	return text
}

// object calls member for each member of an object, and refuses anything else. member is false for
// a value of the wrong kind.
func (in *reader) object(member func(name []byte) bool) {
	if !in.open('{') {
		in.fail(errNoObject)
		return
	}
	seen := make([][]byte, 0, 16)
	for from, to, more := in.name(); more; from, to, more = in.name() {
		name := plain(in.data[from:to])
		switch {
		case len(seen) == maxNames:
			in.fail(errCrowded)
		case slices.ContainsFunc(seen, func(s []byte) bool { return bytes.Equal(s, name) }):
			in.twice(string(name))
		}
		seen = append(seen, name)
		if !member(name) {
			in.wrongKind(in.d.StackPointer().LastToken())
		}
	}
}

// array calls element for each element of an array. It is false when there is none, or when element
// is.
func (in *reader) array(element func() bool) bool {
	if !in.open('[') {
		return false
	}
	for n := 0; in.kind() != ']'; n++ {
		if in.count(); n == maxElements {
			in.fail(errCrowded)
		}
		if in.err != nil || !element() {
			return false
		}
	}
	return in.shut()
}

// skip reads a value of any kind and counts what is inside.
func (in *reader) skip() []byte {
	in.count()
	if k := in.kind(); k != '{' && k != '[' {
		return in.value()
	}
	start, outside := in.d.InputOffset(), in.d.StackDepth()
	for in.err == nil && in.shut() && in.d.StackDepth() > outside {
		if k, n := in.d.StackIndex(in.d.StackDepth()); k == '[' || n > 64 { // names and values
			in.count()
		}
	}
	if in.err != nil {
		return nil
	}
	raw := bytes.TrimLeft(in.data[start:in.d.InputOffset()], " \t\r\n:,")
	if !jsontext.Value(raw).IsValid() {
		in.twice("")
	}
	return raw
}

// readText reads a string. When it is the same as last, it shares last's memory.
func readText[T ~string](in *reader, into *T, last *string) bool {
	raw := in.scalar('"')
	if raw == nil {
		return false
	}
	switch plain := raw[1 : len(raw)-1]; {
	case string(plain) == *last:
		*into = T(*last)
	case bytes.IndexByte(plain, '\\') < 0:
		*last = string(plain)
		*into = T(*last)
	default:
		decoded, err := jsontext.AppendUnquote(nil, raw)
		*into = T(decoded)
		return err == nil
	}
	return true
}

// readSecret reads REDACTED as the zero Secret, and not at all into a patch: it would replace the
// content token.
func readSecret(in *reader, into *Secret, _ *string) bool {
	var text string
	ok := readText(in, &text, new(string))
	_ = into.UnmarshalText([]byte(text)) // never fails
	return ok && (!in.strict || text != redacted)
}

// readTime reads a time, with its precision and offset. 0001-01-01 of any zone, which is how the
// service writes "never", is the zero time.
func readTime(in *reader, into *time.Time, _ *string) bool {
	raw := in.scalar('"')
	if bytes.IndexByte(raw, '\\') >= 0 {
		// Microsoft's encoder writes + as \u002B, and the time package does not read that.
		plain, _ := jsontext.AppendUnquote(nil, raw)
		raw = strconv.AppendQuote(nil, string(plain))
	}
	if raw == nil || into.UnmarshalJSON(raw) != nil {
		return false
	}
	if _, offset := into.Zone(); offset <= -24*3600 || offset >= 24*3600 {
		return false // the time package reads it and can't write it
	}
	if never(*into) {
		*into = time.Time{}
	}
	return true
}

func never(t time.Time) bool { return t.Year() == 1 && t.YearDay() == 1 }

func readFlag(in *reader, into *bool, _ *string) bool {
	*into = in.scalar('t') != nil
	return *into || in.scalar('f') != nil
}

// readNumber reads a whole number.
func readNumber(in *reader, into *int) (ok bool) {
	n, err := strconv.Atoi(string(in.scalar('0')))
	*into = n
	return err == nil
}

func readTexts(in *reader, into *[]string, _ *string) bool {
	if in.strict {
		*into = []string{}
	}
	return in.array(func() bool {
		var s string
		ok := !in.strict && in.null() || readText(in, &s, new(string))
		*into = append(*into, s)
		return ok
	})
}

func readResults(in *reader, into *[]ActionResult, _ *string) bool {
	if in.strict {
		*into = []ActionResult{}
	}
	in.inside = "tokenActionResults."
	defer func() { in.inside = "" }()
	return in.array(func() bool {
		var r ActionResult
		ok := in.kind() == '{'
		if ok {
			in.result(&r)
		}
		*into = append(*into, r)
		return ok
	})
}
