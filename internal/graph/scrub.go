package graph

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode"
)

const redacted = "REDACTED"

// maxText is how much of a text from the service is shown, in bytes.
const maxText = 4 << 10

// minSecret is the length below which a secret is not looked for: it would be found in any text.
const minSecret = 6

// Clean makes a text that came from the service fit to be shown: without what was sent, on one line, and cut.
func (o *Outcome) Clean(text string) string {
	var out strings.Builder
	text = text[:min(len(text), MaxErrorBody)] // a header can be longer than any body that gets here
	for _, r := range Scrub(text, o.Secrets) { // before the cut, which could leave the half of a secret
		if out.Len() > maxText-16 { // a rune can take ten bytes, escaped, and three dots follow
			out.WriteString("...")
			break
		}
		if unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		out.WriteString(quoted[1 : len(quoted)-1])
	}
	return out.String()
}

// Scrub replaces every trace of the secrets in text, which came from the service: as they are, escaped for JSON or for
// a URL, character by character and to any depth, and inside base64 at any of its three alignments. A secret that the
// end of the text cuts off is found as well.
func Scrub(text string, secrets []string) string {
	for _, secret := range secrets {
		if len(secret) < minSecret {
			continue
		}
		text = scrubOne(text, secret)
		for _, encoded := range encodings(secret) {
			text = scrubOne(text, encoded)
		}
	}
	return text
}

// encodings returns what is sure to stand in the base64 of any text that holds secret.
func encodings(secret string) (all []string) {
	for offset := range 3 {
		b := make([]byte, offset, offset+len(secret))
		b = append(b, secret...)
		std := base64.RawStdEncoding.EncodeToString(b)
		// The first and last characters depend on the neighbours.
		std = std[(offset*8+5)/6 : len(std)-1]
		if len(std) < minSecret {
			continue
		}
		all = append(all, std)
		if url := strings.NewReplacer("+", "-", "/", "_").Replace(std); url != std {
			all = append(all, url)
		}
	}
	return all
}

func scrubOne(text, secret string) string {
	var out strings.Builder
	kept := 0
	for i := 0; i < len(text); {
		n := 0
		if i == 0 || text[i] != '\\' || text[i-1] != '\\' || secret[0] == '\\' { // a match takes a run of them whole: no need to try each
			n = match(text[i:], secret)
		}
		if n == 0 {
			i++
			continue
		}
		out.WriteString(text[kept:i])
		out.WriteString(redacted)
		i += n
		kept = i
	}
	if kept == 0 {
		return text
	}
	out.WriteString(text[kept:])
	return out.String()
}

// match returns how much of the beginning of text is secret, each character escaped or not, or 0.
func match(text, secret string) int {
	pos := 0
	for i := range len(secret) {
		n := matchByte(text[pos:], secret[i])
		if n == 0 {
			if pos == len(text) && i >= 2*minSecret {
				return pos // cut off by the end of the text
			}
			return 0
		}
		pos += n
	}
	return pos
}

// matchByte returns how much of the beginning of text stands for c: itself, \uXXXX, %XX, or either with its own
// backslashes and percent signs escaped again.
func matchByte(text string, c byte) int {
	if text == "" {
		return 0
	}
	if text[0] == c {
		return 1
	}
	switch text[0] {
	case '\\':
		n := len(text) - len(strings.TrimLeft(text, `\`))
		rest := text[n:]
		switch {
		case len(rest) >= 5 && rest[0] == 'u' && rest[1:3] == "00" && isHex(rest[3:5], c): // first: c may be a u
			return n + 5
		case rest != "" && rest[0] == c:
			return n + 1
		}
	case '%':
		n := 1
		for strings.HasPrefix(text[n:], "25") {
			n += 2
		}
		if len(text) >= n+2 && isHex(text[n:n+2], c) {
			return n + 2
		}
	}
	return 0
}

func isHex(two string, c byte) bool {
	const digits = "0123456789abcdef"
	return two[0]|0x20 == digits[c>>4]|0x20 && two[1]|0x20 == digits[c&15]|0x20
}
