// Package leaktest detects whether a text shows a secret of the tests, in any disguise, and has the
// tests that drive secrets through every type and every way of printing.
package leaktest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// window is how much of a secret in a row is a leak; all such pieces hold one of those that are
// looked for.
const window, piece, step = 16, 12, 4

type fragment struct{ secret, plain, hex, bytes string }

var fragments = sync.OnceValue(func() (all []fragment) {
	for _, secret := range []string{faulttest.Bearer, faulttest.AppleToken, faulttest.ClientSecret} {
		for i := 0; i+piece <= len(secret); i += step {
			b := []byte(secret[i : i+piece])
			all = append(all, fragment{secret, string(b), hex.EncodeToString(b), strings.Trim(fmt.Sprintf("%d", b), "[]")})
		}
	}
	return all
})

var (
	escapeJSON  = regexp.MustCompile(`\\+u00([0-9A-Fa-f]{2})`)
	escapeURL   = regexp.MustCompile(`%(?:25)*([0-9A-Fa-f]{2})`)
	escapeGo    = regexp.MustCompile(`\\+x([0-9A-Fa-f]{2})`)
	escapeSlash = regexp.MustCompile(`\\+(.)`)
	runsBase64  = regexp.MustCompile(`[A-Za-z0-9+/_-]{16,}`)
)

// Leaks returns the secret that text shows, in any disguise, or "". It shares no code with the
// scrubbing that it checks.
func Leaks(text string) string {
	byHex := func(s string) string {
		b, err := hex.DecodeString(s[len(s)-2:])
		if err != nil {
			return s
		}
		return string(b)
	}
	texts := []string{text}
	plain := escapeGo.ReplaceAllStringFunc(escapeURL.ReplaceAllStringFunc(escapeJSON.ReplaceAllStringFunc(text, byHex),
		byHex), byHex)
	plain = escapeSlash.ReplaceAllString(plain, "$1")
	if plain != text {
		texts = append(texts, plain)
	}
	for _, t := range slices.Clip(texts) {
		for _, run := range runsBase64.FindAllString(t, -1) {
			run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
			for skip := range 4 {
				b, err := base64.RawStdEncoding.DecodeString(run[skip : len(run)-(len(run)-skip)%4])
				if err == nil {
					texts = append(texts, string(b), escapeJSON.ReplaceAllStringFunc(string(b), byHex))
				}
			}
		}
	}
	squeezed := strings.ToLower(strings.NewReplacer(" ", "", "0x", "", ",", "").Replace(text))
	for _, f := range fragments() {
		for _, t := range texts {
			if strings.Contains(t, f.plain) {
				return f.secret
			}
		}
		if strings.Contains(squeezed, f.hex) || strings.Contains(text, f.bytes) {
			return f.secret
		}
	}
	return ""
}

// ShowsNoSecret fails the test when a usual way of printing v, or an error below it, shows a
// secret.
func ShowsNoSecret(tb testing.TB, v any) {
	tb.Helper()
	texts := append(Logged(v), Marshaled(v)...)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, v))
	}
	for err, ok := v.(error); ok && err != nil; err = errors.Unwrap(err) {
		texts = append(texts, err.Error(), fmt.Sprintf("%+v %#v", err, err))
	}
	for _, text := range texts {
		if secret := Leaks(text); secret != "" {
			tb.Errorf("a secret (%.12s...) shows in: %.600s", secret, text)
		}
	}
}

// Printed renders v under every verb with every flag, alone and inside other values, also where fmt
// may not call methods.
func Printed(v any) (texts []string) {
	type hidden struct{ v any }
	values := []any{v, []any{v}, map[string]any{"k": v}, struct{ V any }{v}, hidden{v}, &hidden{v}, [1]hidden{{v}}}
	for _, value := range values {
		for _, verb := range "vTtbcdoOqxXUeEfFgGspw" {
			for _, flags := range []string{"", "+", "#", "# ", ".20"} {
				texts = append(texts, fmt.Sprintf("%"+flags+string(verb), value))
			}
		}
		texts = append(texts, fmt.Sprint(value), fmt.Sprintln(value))
	}
	return texts
}

// Logged renders v through slog's handlers, alone and in a group.
func Logged(v any) (texts []string) {
	var b bytes.Buffer
	options := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, options), slog.NewJSONHandler(&b, options)} {
		slog.New(h).With("with", v).WithGroup("g").Info("message", "v", v, slog.Group("h", slog.Any("v", v)))
		texts = append(texts, b.String())
		b.Reset()
	}
	return texts
}

// Marshaled renders v through encoding/json.
func Marshaled(v any) (texts []string) {
	for _, value := range []any{v, []any{v}, map[string]any{"k": v}, struct{ V any }{v}} {
		b, err := json.Marshal(value)
		texts = append(texts, string(b))
		if err != nil {
			texts = append(texts, err.Error())
		}
	}
	return texts
}

// Disguises returns text as a hostile service could send it back.
func Disguises(text string) map[string]string {
	each := func(format string) string {
		var b strings.Builder
		for _, c := range []byte(text) {
			fmt.Fprintf(&b, format, c)
		}
		return b.String()
	}
	quoted := strings.Trim(JSONText(text), `"`)
	return map[string]string{
		"raw":                 text,
		"JSON":                quoted,
		"JSON twice":          strings.Trim(JSONText(quoted), `"`),
		"slashes":             strings.ReplaceAll(text, "/", `\/`),
		"each \\u":            each(`\u%04x`),
		"each \\u, capitals":  each(`\u%04X`),
		"each \\\\u":          each(`\\\\u%04x`),
		"query":               url.QueryEscape(text),
		"path":                url.PathEscape(text),
		"query twice":         url.QueryEscape(url.QueryEscape(text)),
		"each %":              each("%%%02x"),
		"each %, capitals":    each("%%%02X"),
		"each %25":            each("%%25%02x"),
		"base64":              base64.StdEncoding.EncodeToString([]byte(text)),
		"base64 after one":    base64.StdEncoding.EncodeToString([]byte("x" + text + "y")),
		"base64 after two":    base64.StdEncoding.EncodeToString([]byte("xy" + text + "z")),
		"base64, URL":         base64.URLEncoding.EncodeToString([]byte("x" + text)),
		"base64, raw":         base64.RawURLEncoding.EncodeToString([]byte("xx" + text)),
		"base64, URL escaped": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(text))),
		"base64, \\/":         strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(text)), "/", `\/`),
		"after other text":    strings.Repeat("x ", 2000) + text,
		"cut off":             strings.Repeat("x ", 32<<10-15) + text,
	}
}

// JSONText is s as JSON. A string always has one.
func JSONText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
