package vpptoken

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// body is a request body under construction.
type body struct {
	text    []byte
	version APIVersion // that it must fit; "" fits any, and skips what only the service would refuse
	refused PropertyError
	newer   []string // the properties that the version lacks
}

// of appends the properties of p and returns the whole body.
func (b *body) of(p *Patch) ([]byte, error) {
	if b.text == nil {
		b.text = append(make([]byte, 0, 512), '{') // most bodies fit
	}
	each(&visit{do: write, body: b, nulls: p.nulls}, p, &noToken)
	if len(b.newer) > 0 {
		b.refused.reasons = append(b.refused.reasons, notInV1(strings.Join(b.newer, ", ")).Error())
		b.refused.cause = ErrNotInVersion
	}
	if len(b.refused.Properties) > 0 {
		return nil, &b.refused
	}
	return append(b.text, '}'), nil
}

// member begins a member.
func (b *body) member(name string, m mark) {
	if m&beta != 0 && b.version == VersionV1 {
		b.newer = append(b.newer, name)
		b.refused.add(name)
	}
	if b.text[len(b.text)-1] != '{' {
		b.text = append(b.text, ',')
	}
	b.text = append(b.text, '"')
	b.text = append(b.text, name...)
	b.text = append(b.text, '"', ':')
}

// refuse records a problem with a property, unless the problem is "".
func (b *body) refuse(name, problem string) {
	if problem != "" {
		b.refused.add(name)
		b.refused.reasons = append(b.refused.reasons, name+" "+problem)
	}
}

func notInV1(what string) error { return fmt.Errorf("%w: v1.0 has no %s", ErrNotInVersion, what) }

// writeText copies a plain string as it is. It refuses invalid UTF-8, which encoding/json would
// silently replace.
func writeText[T ~string](b []byte, v T) ([]byte, string) {
	switch {
	case isPlain(string(v)):
		return append(append(append(b, '"'), v...), '"'), ""
	case !utf8.ValidString(string(v)):
		return b, "is not valid UTF-8"
	}
	return writeJSON(b, v)
}

// isPlain reports whether s needs no escaping in JSON.
func isPlain(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// writeSecret writes the real text.
func writeSecret(b []byte, v Secret) ([]byte, string) { return writeText(b, v.Reveal()) }

func writeFlag(b []byte, v bool) ([]byte, string) { return strconv.AppendBool(b, v), "" }

func writeTime(b []byte, v time.Time) ([]byte, string) { return writeJSON(b, v) }

func writeTexts(b []byte, v []string) ([]byte, string) {
	if !utf8.ValidString(strings.Join(v, "")) {
		return b, "is not valid UTF-8"
	}
	return writeJSON(b, append([]string{}, v...))
}

func writeResults(b []byte, v []ActionResult) ([]byte, string) {
	for _, r := range v {
		if !utf8.ValidString(r.ODataType + r.ActionName + string(r.ActionState) + string(r.ActionFailureReason)) {
			return b, "is not valid UTF-8"
		}
	}
	return writeJSON(b, append([]ActionResult{}, v...))
}

func writeJSON(b []byte, v any) ([]byte, string) {
	text, err := json.Marshal(v)
	if m, ok := errors.AsType[*json.MarshalerError](err); ok {
		err = m.Err // without encoding/json's words around it
	}
	if err != nil {
		return b, "can't be written: " + err.Error()
	}
	return append(b, text...), ""
}
