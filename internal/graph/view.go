package graph

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// view is a text after some decoding. It records for each byte which part of the original it came
// from. It merges both alphabets of base64: '-' reads as '+' and '_' as '/'.
type view struct {
	text     []byte
	from, to []int32
}

func newView(text string) view {
	v := makeView(len(text))
	for i := range len(text) {
		v.add(text[i], int32(i), int32(i+1))
	}
	return v
}

func makeView(n int) view {
	room := make([]int32, 2*n)
	return view{text: make([]byte, 0, n), from: room[:0:n], to: room[n:n]}
}

func (v *view) add(c byte, from, to int32) {
	v.text, v.from, v.to = append(v.text, folded(c)), append(v.from, from), append(v.to, to)
}

func folded(c byte) byte {
	switch c {
	case '-':
		return '+'
	case '_':
		return '/'
	}
	return c
}

// fold returns the text of newView.
func fold(text string) []byte {
	b := []byte(text)
	for i, c := range b {
		b[i] = folded(c)
	}
	return b
}

// plainText returns the text of plain.
func plainText(text string) []byte {
	if !strings.ContainsFunc(text, func(c rune) bool {
		return c <= ' ' || c >= 0x7F || c == '\\' || c == '%' ||
			c == ';'
	}) {
		return fold(text) // every escape has one of these
	}
	return plain(newView(text)).text
}

func (v *view) cut(n int) { v.text, v.from, v.to = v.text[:n], v.from[:n], v.to[:n] }

// plain returns v without escapes and white space. An escape may itself be escaped, even in another
// way, to any depth: each decoded byte is checked again together with the bytes before it. Each
// step shortens the text, so there are few.
func plain(v view) view {
	out := makeView(len(v.text))
	for i, c := range v.text {
		from := v.from[i]
		for c > ' ' && c != 0x7F {
			out.add(c, from, v.to[i])
			n, decoded := escape(out.text)
			if n == 0 {
				break
			}
			c, from = decoded, out.from[len(out.text)-n]
			out.cut(len(out.text) - n)
		}
	}
	return out
}

// escape returns how many bytes at the end of text are an escape, and what they stand for.
func escape(text []byte) (n int, c byte) {
	end := len(text)
	last := text[end-1]
	switch {
	case last == ';':
		return entity(text)
	case last >= utf8.RuneSelf:
		if r, n := utf8.DecodeLastRune(text); invisible(r) {
			return n, ' '
		}
	}
	if low, ok := hexValue(last); ok && end >= 3 {
		high, ok := hexValue(text[end-2])
		switch {
		case !ok:
		case text[end-3] == '%':
			return 3, high<<4 | low
		case end >= 4 && text[end-3]|0x20 == 'x' && text[end-4] == '\\':
			return 4, high<<4 | low
		case end >= 6 && text[end-5] == 'u' && text[end-6] == '\\':
			return unicodeEscape(text[end-4:end-2], high<<4|low)
		}
	}
	if end < 2 || text[end-2] != '\\' {
		return 0, 0
	}
	switch last {
	case 'u', 'U', 'x', 'X': // of an incomplete escape
		return 0, 0
	case 'b', 'f', 'n', 'r', 't', 'v':
		return 2, ' '
	}
	return 2, last
}

// unicodeEscape is escape for JSON's \u, whose first two digits are high.
func unicodeEscape(high []byte, low byte) (n int, c byte) {
	first, ok := hexValue(high[0])
	second, ok2 := hexValue(high[1])
	switch r := rune(first)<<12 | rune(second)<<8 | rune(low); {
	case !ok || !ok2:
		return 0, 0
	case invisible(r):
		return 6, ' '
	case r > 0xFF:
		return 0, 0
	}
	return 6, low
}

// invisible reports whether r is white space beyond ASCII, or has no width at all.
func invisible(r rune) bool {
	return r >= utf8.RuneSelf &&
		(unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point))
}

// entity is escape for HTML's.
func entity(text []byte) (n int, c byte) {
	const longest = 32
	i := bytes.LastIndexByte(text[max(0, len(text)-longest):], '&')
	if i < 0 {
		return 0, 0
	}
	i += max(0, len(text)-longest)
	s := html.UnescapeString(string(text[i:]))
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case size < len(s):
		return 0, 0
	case invisible(r):
		return len(text) - i, ' '
	case size == 1:
		return len(text) - i, s[0]
	}
	return 0, 0
}

func hexValue(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// none marks what isn't a digit.
const none = 0xFF

func base64Value(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c - 'A'
	case 'a' <= c && c <= 'z':
		return c - 'a' + 26
	case '0' <= c && c <= '9':
		return c - '0' + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return none
}

// decodeBase64 decodes v as base64 whose groups of four begin at phase. It goes byte by byte, so
// that an incomplete group does not lose the ends of a run.
func decodeBase64(v view, phase int) view {
	var out decoded
	for i := 0; i+1 < len(v.text); i++ {
		k := (i + 4 - phase) & 3 // of the group
		if k == 3 {
			continue // its bits belong to the byte before
		}
		high, low := base64Value(v.text[i]), base64Value(v.text[i+1])
		if high == none || low == none {
			out.gap()
			continue
		}
		out.put(high<<(2+2*k)|low>>(4-2*k), v.from[i], v.to[i+1])
	}
	out.gap()
	return out.view
}

// hexDigits returns the values of the digits in v, without what separates them: "65:79", "=65=79",
// "0x65, 0x79", "%u0065".
func hexDigits(v view) view {
	out := makeView(len(v.text))
	for i, c := range v.text {
		value, ok := hexValue(c)
		switch letter := 'a' <= c|0x20 && c|0x20 <= 'z'; {
		case ok:
			out.add(value, v.from[i], v.to[i])
		case c|0x20 == 'x' && i > 0 && v.text[i-1] == '0':
			out.cut(len(out.text) - 1)
		case c|0x20 == 'x', c|0x20 == 'u', ' ' < c && c <= '~' && !letter:
		default:
			out.add(none, v.from[i], v.to[i])
		}
	}
	return out
}

// decodeHex decodes digits as hex, skipping the first if phase is 1.
func decodeHex(digits view, phase int) view {
	var out decoded
	for i := phase; i+1 < len(digits.text); i += 2 {
		high, low := digits.text[i], digits.text[i+1]
		if high == none || low == none {
			out.gap()
			continue
		}
		out.put(high<<4|low, digits.from[i], digits.to[i+1])
	}
	out.gap()
	return out.view
}

// decodeDecimal decodes v as the codes of characters, such as "[101,121]". Those of three digits
// begin with 1 or 0, and the others don't, so it does not matter what separates them.
func decodeDecimal(v view) view {
	digits := makeView(len(v.text))
	for i, c := range v.text {
		switch {
		case '0' <= c && c <= '9':
			digits.add(c-'0', v.from[i], v.to[i])
		case c <= ' ' || c > '~' || 'a' <= c|0x20 && c|0x20 <= 'z':
			digits.add(none, v.from[i], v.to[i])
		}
	}
	var out decoded
	for i := 0; i+1 < len(digits.text); {
		code, end := 0, i+2
		if digits.text[i] <= 1 {
			end = min(i+3, len(digits.text))
		}
		for _, d := range digits.text[i:end] {
			code = code*10 + int(d)
		}
		if code > '~' { // perhaps because none is among them
			out.gap()
			i++
			continue
		}
		out.put(byte(code), digits.from[i], digits.to[end-1])
		i = end
	}
	out.gap()
	return out.view
}

// decoded is a view of what may not be an encoding at all. It keeps only readable stretches, so
// that hardly anything of ordinary text remains.
type decoded struct {
	view

	begin int // of the stretch that is being read
}

func (d *decoded) put(c byte, from, to int32) {
	if c == 0 { // half of a character of UTF-16
		return
	}
	if (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' {
		d.gap()
		return
	}
	d.add(c, from, to)
}

func (d *decoded) gap() {
	switch n := len(d.text); {
	case n-d.begin < minSecret:
		d.cut(d.begin)
	default:
		d.add(0, d.from[n-1], d.to[n-1])
		d.begin = n + 1
	}
}

// inside returns the secrets within a secret: Apple's own token, which a content token holds in
// base64 of JSON, next to the date and the organization, which aren't secret; and the parts of an
// access token between its dots that are too short to be found as a run.
func inside(secret string) (parts []string) {
	for part := range strings.SplitSeq(secret, ".") {
		if len(part) < run && part != secret && strings.ContainsFunc(part,
			func(c rune) bool { return c < 'a' || c > 'z' }) {
			parts = append(parts, part)
		}
	}
	for text := secret; text != ""; { // it gets shorter
		if text != secret && text[0] != '{' {
			parts = append(parts, text)
		}
		text = unwrapToken(text)
	}
	return parts
}

// unwrapToken extracts the token from JSON, or the text from base64. It returns "" if text is
// neither.
func unwrapToken(text string) string {
	if text[0] == '{' {
		var content struct {
			Token string `json:"token"`
		}
		_ = json.Unmarshal([]byte(text), &content) // no token is the same as no JSON
		return content.Token
	}
	std := strings.TrimRight(string(plainText(strings.TrimPrefix(text, "\uFEFF"))), "=")
	b, err := base64.RawStdEncoding.DecodeString(std)
	if err != nil || bytes.ContainsFunc(b, func(c rune) bool {
		return (c < ' ' || c > '~') && c != '\n' &&
			c != '\r' && c != '\t'
	}) {
		return ""
	}
	return string(b)
}
