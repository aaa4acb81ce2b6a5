package graph_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// disguise writes secret as a service could send it back.
func disguise(secret string) map[string]string {
	each := func(format string) string {
		var b strings.Builder
		for _, c := range []byte(secret) {
			fmt.Fprintf(&b, format, c)
		}
		return b.String()
	}
	quote := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b[1 : len(b)-1])
	}
	return map[string]string{
		"raw": secret, "JSON": quote(secret), "JSON twice": quote(quote(secret)),
		"slash": strings.ReplaceAll(secret, "/", `\/`),
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"query twice": url.QueryEscape(url.QueryEscape(secret)),
		"u":           each(`\u%04x`), "U": each(`\u%04X`), "uu": each(`\\u%04x`), "%": each("%%%02x"),
		"%25": each("%%25%02X"), "%2525": each("%%2525%02X"),
	}
}

// scrubbed has what bearers and content tokens are made of, and what their escapes are made of.
const scrubbed = "AbC+dE/fGh=uuuu0075-0025.~_25XyZ"

func TestScrub(t *testing.T) {
	t.Parallel()
	for name, text := range disguise(scrubbed) {
		for _, around := range [][2]string{
			{"", ""},
			{"before ", " after"},
			{`"`, `"`},
			{`\`, `\`},
			{"%", "%"},
			{`\u`, `\u`},
			{"A", "Z"},
		} {
			got := graph.Scrub(around[0]+text+around[1], []string{scrubbed})
			if !strings.Contains(got, "REDACTED") || strings.Contains(got, text) {
				t.Errorf("%s: Scrub(%q) = %q", name, around[0]+text+around[1], got)
			}
		}
	}
	for offset := range 3 {
		for tail := range 3 {
			plain := strings.Repeat("<", offset) + scrubbed + strings.Repeat(">", tail)
			for _, e := range []*base64.Encoding{
				base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding,
				base64.RawURLEncoding,
			} {
				text := e.EncodeToString([]byte(plain))
				if got := graph.Scrub("x "+text+" y",
					[]string{scrubbed}); len(strings.TrimRight(strings.Replace(got, "REDACTED", "", 1),
					"=")) > len("x  y")+offset+6 || !strings.Contains(got, "REDACTED") {
					t.Errorf("base64 of %q: Scrub(%q) = %q", plain, text, got)
				}
			}
		}
	}
}

// White space between the characters hides nothing, escaped or not.
func TestScrubReadsOverSpace(t *testing.T) {
	t.Parallel()
	for _, space := range []string{
		" ", "\t", "\r\n", "\x7f", `\b`, `\f`, `\n`, `\r`, `\t`, `\\n`, `\u0020`, "%0D%0A", "%7F",
		"&nbsp;", "&#32;", "&Tab;",
	} {
		text := strings.Join(strings.Split(scrubbed, ""), space)
		if got := graph.Scrub("<"+text+">", []string{scrubbed}); got != "<REDACTED>" {
			t.Errorf("with %q: %q", space, got)
		}
	}
}

// A secret in one alphabet of base64 is found in the other, also inside base64 of either.
func TestScrubReadsBothAlphabets(t *testing.T) {
	t.Parallel()
	const own, other = "a_b-c_d-e_f-g_h-i_j-k_l-", "a/b+c/d+e/f+g/h+i/j+k/l+"
	for _, secret := range []string{own, other} {
		for name, text := range map[string]string{
			"own": own, "other": other, "mixed": own[:12] + other[12:],
			"standard, of it": base64.StdEncoding.EncodeToString([]byte("~?~?~?" + secret)),
			"URL, of it":      base64.URLEncoding.EncodeToString([]byte("~?~?~?" + secret)),
		} {
			got := graph.Scrub("<"+text+">", []string{secret})
			if !strings.Contains(got, "REDACTED") || len(got) > len("<fj9_fj8_REDACTED>") {
				t.Errorf("%s: Scrub(%q) = %q", name, text, got)
			}
		}
	}
}

func TestScrubLeavesTheRest(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "nothing here", scrubbed[:11], scrubbed[11:22], `\`, "%", `\u00`,
		strings.Repeat(`\`, 100), "é\xff",
	} {
		if got := graph.Scrub(text, []string{scrubbed, "", "abc"}); got != text {
			t.Errorf("Scrub(%q) = %q", text, got)
		}
	}
	two := graph.Scrub("a "+scrubbed+" b "+scrubbed+" c", []string{scrubbed})
	if two != "a REDACTED b REDACTED c" {
		t.Errorf("twice: %q", two)
	}
	if cut := graph.Scrub("a "+scrubbed[:20], []string{scrubbed}); cut != "a REDACTED" {
		t.Errorf("cut off: %q", cut)
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	o := graph.Outcome{Secrets: []string{scrubbed}}
	for text, want := range map[string]string{
		"": "", "plain text, é 漢": "plain text, é 漢", "a\r\nb\tc\x00d": `a\r\nb\tc\x00d`,
		"\u202ea\u2028b\u200b": `\u202ea\u2028b\u200b`,
		"bad \xff UTF-8":       "bad \ufffd UTF-8", "x" + scrubbed: "xREDACTED", "\x1b[31m": `\x1b[31m`,
	} {
		if got := o.Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
	for _, unit := range []string{"a", "\x00", "\U0010FFFF", "é", scrubbed + " "} {
		got := o.Clean(strings.Repeat(unit, 100<<10/len(unit)))
		if len(got) > 4<<10 || unit != scrubbed+" " && !strings.HasSuffix(got, "...") || strings.Contains(got,
			scrubbed[:12]) {
			t.Errorf("Clean of many %q: %d bytes, end %q", unit, len(got), got[len(got)-20:])
		}
	}
}

func TestCleanID(t *testing.T) {
	t.Parallel()
	o := graph.Outcome{Secrets: []string{"abcdefghijklmnop"}}
	for id, ok := range map[string]bool{
		"":                                     true,
		"00000000-0000-4000-8000-000000000079": true,
		"abc":                                  true,
		strings.Repeat("a", 64):                true,
		strings.Repeat("a", 65):                false,
		"a b":                                  false, "a_b": false, "a:b": false, "é": false, "a\n": false,
		"abcdefghijklmnop":                     false,
		"x-abcdefghijklmnop-y":                 false,
		"abcdefghijklmn":                       false, // cut off
		"x-cdefghijklmn-y":                     false, // twelve of it
		"x-cdefghijklm-y":                      true,  // eleven
		"61626364-6566-6768-696a-6b6c6d6e6f70": false, // a GUID to look at, and hex of it
		base64.RawStdEncoding.EncodeToString([]byte("xcdefghijklmnopx")): false,
		base64.RawStdEncoding.EncodeToString([]byte("abcdefghijklmnop")): false,
	} {
		if got := o.CleanID(id); (got == id) != ok || got != "" && got != id {
			t.Errorf("CleanID(%q) = %q", id, got)
		}
	}
}

func FuzzScrub(f *testing.F) {
	for name, text := range disguise(scrubbed) {
		f.Add(scrubbed, text, name)
	}
	f.Add("aaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaa", "")
	f.Add("u0075u0075u0075u0075u0075", `\u0075u0075`, `\`)
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		odd := func(r rune) bool { return r < '!' || r > '~' || r == '\\' || r == '%' }
		const mark = "REDACTED"
		if len(secret) < 6 || len(secret) > 200 || len(before)+len(after) > 1000 || strings.ContainsFunc(secret,
			odd) || strings.Contains(mark, secret) {
			return
		}
		// An escape that begins right before a secret takes the secret's first characters, and one
		// in it looks like another text. Of a long one enough is left; a short one is found whole.
		if len(secret) < 24 && strings.ContainsAny(before[max(0, len(before)-32):]+secret, `%\&`) {
			return
		}
		for name, text := range disguise(secret) {
			got := strings.ReplaceAll(graph.Scrub(before+text+after, []string{secret}), mark, "\x00")
			for i := 0; i+12 <= len(secret); i++ {
				if strings.Contains(got, secret[i:i+12]) {
					t.Errorf("%s: Scrub(%q) = %q", name, before+text+after, got)
				}
			}
			if strings.Contains(got, text) {
				t.Errorf("%s: Scrub(%q) = %q", name, before+text+after, got)
			}
		}
		clean := (&graph.Outcome{Secrets: []string{secret}}).Clean(before + secret + after)
		if len(clean) > 4<<10 || !utf8.ValidString(clean) || strings.ContainsFunc(clean,
			func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("Clean gave %q", clean)
		}
	})
}
