package vpptoken

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	// With go 1.27 in go.mod these become encoding/json/v2 and encoding/json/jsontext, which they
	// mirror.
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// reader walks once over a JSON text. The library checks the grammar, duplicate names and UTF-8;
// the reader adds the bounds and the error texts. After an error it reads nothing more.
type reader struct {
	data   []byte
	walk   func(*reader) // reads all of it
	d      *jsontext.Decoder
	strict bool   // for a patch: what can't be kept is an error
	inside string // the property that contains the current object, for errors
	err    error

	elements, values int // so far, of lists and of what is kept as it is

	// In a list, the last text of each property. Texts repeat from token to token of a tenant, and so
	// share memory.
	words []string
}

// Bounds of a text, for what takes much more memory decoded than as text. No service of this kind
// sends so many. The library bounds the nesting.
const (
	maxList     = 10_000  // elements of one list
	maxElements = 1 << 18 // of all lists
	maxValues   = 1 << 16 // unknown properties, and what is inside
	maxNames    = 1000    // of an object that is no token
)

var (
	errCrowded  = errors.New("too many elements and unknown properties: ask for smaller pages")
	errNoObject = errors.New("not a JSON object")
	errNotJSON  = errors.New("not JSON, incomplete, or nested too deep")
)

// read calls walk to read data, which must be one JSON value. It strips the byte order mark that
// some of Microsoft's responses carry.
func read(data []byte, walk func(*reader)) error {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if len(data) == 0 {
		return errors.New("empty, not JSON")
	}
	in := &reader{data: data, walk: walk}
	if err := jsonv2.Unmarshal(data, in, jsontext.AllowDuplicateNames(true)); err != nil && in.err == nil {
		in.syntax()
	}
	return in.err
}

// UnmarshalJSONFrom is called by the library with a decoder that it pools.
func (in *reader) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	in.d = d
	in.walk(in)
	return in.err
}

// fail records the first error.
func (in *reader) fail(err error) {
	if in.err == nil {
		in.err = err
	}
}

// unknown records a property that a patch can't keep.
func (in *reader) unknown(name []byte) { in.fail(fmt.Errorf("unknown property %.40q", name)) }

// syntax records what is wrong with the text itself, without the library's message, which quotes
// it.
func (in *reader) syntax() {
	if jsontext.Value(in.data).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) {
		in.fail(errors.New("not valid UTF-8"))
	}
	in.fail(errNotJSON)
}

// twice refuses a name that the same object already had. It does not show an unknown name, which
// may be a secret.
func (in *reader) twice(name string) {
	if known(name) {
		in.fail(fmt.Errorf("property %s appears twice", name))
	}
	in.fail(errors.New("a property appears twice in one object"))
}

func (in *reader) wrongKind(name string) {
	if in.err == nil && in.d.PeekKind() == 0 {
		in.value() // no value at all
	}
	in.fail(fmt.Errorf("property %s%s has a value of the wrong kind", in.inside, name))
}

// count counts a value that takes memory of its own.
func (in *reader) count() {
	if in.values++; in.values > maxValues {
		in.fail(errCrowded)
	}
}

// kind returns the kind of the next value. If that is not JSON it records the error and returns 0.
// Without white space the next byte tells as much as the library would, in a tenth of the time;
// whether it is valid shows when the value is read.
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

// value reads a value of any kind. The result is valid until the next read.
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

// scalar reads a value of kind k, or returns nil and reads nothing.
func (in *reader) scalar(k jsontext.Kind) jsontext.Value {
	if in.kind() != k {
		return nil
	}
	return in.value()
}

// quoted reads a value and returns it if it is a string, and otherwise nil. It does not look at its
// kind first, as scalar does: there are many strings, and any other value is an error.
func (in *reader) quoted() jsontext.Value {
	if raw := in.value(); len(raw) > 0 && raw[0] == '"' {
		return raw
	}
	return nil
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

// name reads the name of the next member and returns its position between the quotes, or reads the
// end of the object.
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

// plain returns a name without escapes.
func plain(name []byte) []byte {
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	text, _ := jsontext.AppendUnquote(nil, slices.Concat([]byte(`"`), name, []byte(`"`)))
	return text
}

// object calls member for each member of an object, and refuses anything else. member returns false
// for a value of the wrong kind.
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

// array calls element for each element of an array. It returns false if there is no array, or if
// element does.
func (in *reader) array(element func() bool) bool {
	if !in.open('[') {
		return false
	}
	for n := 0; in.kind() != ']'; n++ {
		if in.elements++; n == maxList || in.elements > maxElements {
			in.fail(errCrowded)
		}
		if in.err != nil || !element() {
			return false
		}
	}
	return in.shut()
}

// skip reads a value of any kind and counts the values inside.
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

// last returns where to keep the last text of a property, or nil if it is not worth keeping.
func (in *reader) last(property int) *string {
	if in.words == nil {
		return nil
	}
	return &in.words[property]
}

// readText reads a string. If it equals last, it shares last's memory; last may be nil.
func readText[T ~string](in *reader, into *T, last *string) bool {
	raw := in.quoted()
	if raw == nil {
		return false
	}
	plain := raw[1 : len(raw)-1]
	switch {
	case last != nil && string(plain) == *last:
		*into = T(*last)
		return true
	case bytes.IndexByte(plain, '\\') >= 0:
		decoded, err := jsontext.AppendUnquote(nil, raw)
		*into = T(decoded)
		return err == nil
	}
	*into = T(plain)
	if last != nil {
		*last = string(*into)
	}
	return true
}

// readSecret reads REDACTED as the zero Secret, and refuses it for a patch: it would replace the
// content token.
func readSecret(in *reader, into *Secret, _ *string) bool {
	var text string
	ok := readText(in, &text, nil)
	_ = into.UnmarshalText([]byte(text)) // never fails
	return ok && (!in.strict || text != redacted)
}

// readTime reads a time and keeps its precision and offset. 0001-01-01 in any zone, which is how
// the service writes "never", becomes the zero time.
func readTime(in *reader, into *time.Time, _ *string) bool {
	raw := in.quoted()
	if bytes.IndexByte(raw, '\\') >= 0 {
		// Microsoft's encoder writes + as \u002B, which the time package does not read.
		plain, _ := jsontext.AppendUnquote(nil, raw)
		raw = strconv.AppendQuote(nil, string(plain))
	}
	if raw == nil || into.UnmarshalJSON(raw) != nil {
		return false
	}
	if !bytes.HasSuffix(raw, []byte(`Z"`)) {
		if _, offset := into.Zone(); offset <= -24*3600 || offset >= 24*3600 {
			return false // the time package can read it but not write it
		}
	}
	if bytes.HasPrefix(raw, []byte(`"0001-01-01`)) {
		*into = time.Time{}
	}
	return true
}

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
		ok := !in.strict && in.null() || readText(in, &s, nil)
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
