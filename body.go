package vpptoken

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"unicode/utf8"
)

// body writes a request body member by member, in the order of the calls. The first error stays.
type body struct {
	text []byte
	err  error
	beta string // a property in it that v1.0 does not have
}

// put writes v unless it is nil. texts are the strings inside v: encoding/json would replace what is not UTF-8 in them,
// and so lose it in silence.
func put[T any](b *body, name string, v *T, texts ...string) {
	if v == nil || b.err != nil {
		return
	}
	for _, s := range texts {
		if !utf8.ValidString(s) {
			b.err = fmt.Errorf("%s is not valid UTF-8", name)
			return
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		if m, ok := errors.AsType[*json.MarshalerError](err); ok {
			err = m.Err // without encoding/json's words around it
		}
		b.err = fmt.Errorf("%s: %w", name, err)
		return
	}
	b.member(name, text)
}

func putBool(b *body, name string, v *bool) {
	if v != nil {
		b.member(name, strconv.AppendBool(nil, *v))
	}
}

func putString[T ~string](b *body, name string, v *T, null nullSet) {
	switch {
	case v != nil && isPlain(string(*v)):
		b.member(name, []byte(`"`+string(*v)+`"`))
	case v != nil:
		put(b, name, v, string(*v))
	case null != 0:
		b.member(name, []byte("null"))
	}
}

// putSecret writes the real text.
func putSecret(b *body, name string, v *Secret, null nullSet) {
	if v == nil {
		putString[string](b, name, nil, null)
		return
	}
	putString(b, name, new(v.Reveal()), 0)
}

// putStrings writes a nil list as the empty one: null is not among its values.
func putStrings(b *body, name string, v *[]string) {
	switch {
	case v == nil:
	case *v == nil:
		b.member(name, []byte("[]"))
	default:
		put(b, name, v, *v...)
	}
}

func putResults(b *body, name string, v *[]ActionResult) {
	switch {
	case v == nil:
	case *v == nil:
		b.member(name, []byte("[]"))
	default:
		var texts []string
		for _, r := range *v {
			texts = append(texts, r.ODataType, r.ActionName, string(r.ActionState), string(r.ActionFailureReason))
		}
		put(b, name, v, texts...)
	}
}

// isPlain reports whether s stands in JSON as it is.
func isPlain(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

func (b *body) member(name string, value []byte) {
	if betaProperty(name) {
		b.beta = name
	}
	if b.text == nil {
		b.text = make([]byte, 0, 512) // most bodies fit
	}
	sep := byte(',')
	if len(b.text) == 0 {
		sep = '{'
	}
	b.text = append(b.text, sep, '"')
	b.text = append(b.text, name...)
	b.text = append(b.text, '"', ':')
	b.text = append(b.text, value...)
}

// end returns the body, which must fit version when that is not "".
func (b *body) end(version APIVersion) ([]byte, error) {
	switch {
	case b.err != nil:
		return nil, b.err
	case version == VersionV1 && b.beta != "":
		return nil, notInV1(b.beta)
	case len(b.text) == 0:
		return []byte("{}"), nil
	}
	return append(b.text, '}'), nil
}

func notInV1(name string) error { return fmt.Errorf("%w: v1.0 has no %s", ErrNotInVersion, name) }

// prefixed is for the errors of exported methods.
func prefixed(text []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("vpptoken: %w", err)
	}
	return text, nil
}

// logBody shows a body whose secret was taken out before.
func logBody(b json.Marshaler) slog.Value {
	text, err := b.MarshalJSON()
	if err != nil {
		return slog.StringValue(err.Error())
	}
	return slog.StringValue(string(text))
}
