package vpptokentest

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/vpptoken/vpptoken"
)

// property is one of the properties that vpptoken knows.
type property struct {
	name     string
	field    string // of VPPToken and Patch
	settable bool   // a body may hold it
	nullable bool
	beta     bool // v1.0 does not have it
}

// schema asks vpptoken for its list of properties, so that what a VPPToken and a Patch learn is
// known here: the fields of VPPToken have their names and order, and a Patch shows what a body may
// hold, what may be null and what v1.0 lacks.
func schema() (list []property) {
	for f := range reflect.TypeFor[vpptoken.VPPToken]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || !new(vpptoken.VPPToken).Has(name) {
			continue
		}
		p := property{name: name, field: f.Name}
		for _, value := range []string{"null", "false", "[]", `"0001-01-01T00:00:00Z"`, `""`} {
			patch, ok := p.read([]byte(value))
			if !ok {
				continue
			}
			p.settable = true
			p.nullable = p.nullable || value == "null"
			p.beta = errors.Is(patch.Check(vpptoken.VersionV1), vpptoken.ErrNotInVersion)
		}
		list = append(list, p)
	}
	return list
}

// read reads a value as a body with nothing else holds it.
func (p property) read(value []byte) (*vpptoken.Patch, bool) {
	patch := new(vpptoken.Patch)
	err := json.Unmarshal(slices.Concat([]byte(`{"`+p.name+`":`), value, []byte("}")), patch)
	return patch, err == nil
}

// takes reports whether a value is one that the property can have. An enum accepts only the members
// in the metadata, which on v1.0 lacks duplicateLocationId.
func (p property) takes(value []byte, beta bool) bool {
	patch, ok := p.read(value)
	field := reflect.ValueOf(patch).Elem().FieldByName(p.field)
	if !ok || field.IsNil() {
		return ok
	}
	switch v := field.Elem().Interface().(type) {
	case vpptoken.State:
		return v.IsKnown() && (beta || v != vpptoken.StateDuplicateLocationID)
	case interface{ IsKnown() bool }:
		return v.IsKnown()
	case []vpptoken.ActionResult:
		elements, ok := array(value)
		return ok && !slices.ContainsFunc(elements, func(e json.RawMessage) bool { return !isResult(e) })
	}
	return true
}

// append writes the value that t has: null for the content token always, and for a text that is
// empty, unless it was set to be.
func (p property) append(b []byte, t *vpptoken.VPPToken) []byte {
	switch v := reflect.ValueOf(t).Elem().FieldByName(p.field).Interface().(type) {
	case vpptoken.Secret:
		return append(b, "null"...)
	case []vpptoken.ActionResult:
		b = append(b, '[')
		for i := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendResult(b, &v[i])
		}
		return append(b, ']')
	case []string:
		return appendJSON(b, append([]string{}, v...))
	case string:
		if p.nullable && v == "" && (t.IsNull(p.name) || !t.Has(p.name)) {
			return append(b, "null"...)
		}
		return appendJSON(b, v)
	default:
		return appendJSON(b, v)
	}
}

// view is how much of a token an answer shows.
type view struct {
	beta    bool
	context string                     // the @odata.context; "" for an element of a list
	only    map[string]bool            // from $select; nil for everything
	instead map[string]json.RawMessage // shown in the place of what the token has
}

// encode writes every property of the version, as Graph does, and then those of Extra.
func (g *tenant) encode(t *vpptoken.VPPToken, v view) []byte {
	b := make([]byte, 0, 1024)
	put := func(name string) {
		sep := byte(',')
		if len(b) == 0 {
			sep = '{'
		}
		b = append(appendJSON(append(b, sep), name), ':')
	}
	if v.context != "" {
		put("@odata.context")
		b = appendJSON(b, v.context)
	}
	if t.ODataType != "" {
		put("@odata.type")
		b = appendJSON(b, t.ODataType)
	}
	for _, p := range g.schema {
		if p.beta && !v.beta || v.only != nil && !v.only[p.name] {
			continue
		}
		put(p.name)
		if value, ok := v.instead[p.name]; ok {
			b = append(b, value...)
		} else {
			b = p.append(b, t)
		}
	}
	if v.only == nil {
		for _, name := range slices.Sorted(maps.Keys(t.Extra)) {
			put(name)
			b = append(b, t.Extra[name]...)
		}
	}
	return append(b, '}')
}

// property finds a property by its exact name.
func (g *tenant) property(name string, beta bool) (property, bool) {
	for _, p := range g.schema {
		if p.name == name && (beta || !p.beta) {
			return p, true
		}
	}
	return property{}, false
}

func isNull(value json.RawMessage) bool { return string(bytes.TrimSpace(value)) == "null" }

func array(value []byte) (elements []json.RawMessage, ok bool) {
	return elements, json.Unmarshal(value, &elements) == nil && elements != nil
}

// appendJSON adds nothing when v has no JSON, as a time in the year 10000; Add and Edit see to it
// that there is none.
func appendJSON(b []byte, v any) []byte {
	encoded, err := json.Marshal(v)
	if err != nil {
		return b
	}
	return append(b, encoded...)
}

func appendText[T ~string](b []byte, s T) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendJSON(b, s)
}
