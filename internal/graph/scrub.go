package graph

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const redacted = "REDACTED"

// maxText is how much of a text from the service is shown, in bytes.
const maxText = 4 << 10

const (
	run       = 12 // this many characters of a secret in a row are a leak
	innerRun  = 8  // the same in decoded text: 12 characters of base64 hold 9
	minSecret = 6  // a shorter secret is not searched for: it would occur in any text
)

// Clean makes a text from the service safe to show: without what was sent, on one line, and
// truncated.
func (o *Outcome) Clean(text string) string {
	var out strings.Builder
	for _, r := range o.beginning(text) {
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

// beginning returns as much of text as will be shown, scrubbed before it is cut, because a cut
// could leave part of a secret. It does not even search most of a long text.
func (o *Outcome) beginning(text string) string {
	text = text[:min(len(text), MaxErrorBody)] // a header can be longer than any body that gets here
	for n := 2 * maxText; ; n *= 4 {
		if clean := o.scrub(text[:min(n, len(text))]); len(clean) > maxText || n >= len(text) {
			return clean
		}
	}
}

// scrub compiles what was sent when the first text is shown: most calls show none.
func (o *Outcome) scrub(text string) string {
	if o.scrubber == nil || o.scrubber.secrets != len(o.Secrets) { // another access token was sent since
		secrets := o.Secrets
		var opaque, whole []string
		if f := o.flight; f != nil {
			secrets = slices.Concat(secrets, f.earlier())
			opaque, whole = hidden(f.call.URL.RawQuery, f.call.Header)
		}
		o.scrubber = newScrubber(secrets, opaque, whole)
		o.scrubber.secrets = len(o.Secrets)
	}
	return o.scrubber.clean(text)
}

// scrubber knows what must not be shown, and replaces every trace of it in a text that came from
// the service: twelve of a secret's characters in a row, and a shorter secret as a whole. It finds
// them in many forms: with white space between them, in either alphabet of base64, escaped for
// JSON, a URL or HTML to any depth, in hex, as numbers, inside base64 at any alignment and inside
// base64 of that. Its time is linear in the length of the text and of the secrets.
type scrubber struct {
	secrets int           // how many the call had sent
	pieces  [][]byte      // searched for in runs
	runs    grams         // of the pieces
	inner   grams         // of the pieces, for decoded text; built on first use
	short   [run][][]byte // by their length: too short for runs
	shorts  []grams       // of these
	whole   [][]byte      // a few that are too ordinary for runs
}

// newScrubber returns a scrubber for every run of the secrets and of what else is opaque, and for
// the whole texts as they are.
func newScrubber(secrets, opaque, whole []string) *scrubber {
	s := new(scrubber)
	for _, secret := range secrets {
		s.add(secret)
		for _, part := range inside(secret) {
			s.add(part)
			if strings.Contains(part, " ") {
				s.add(strings.ReplaceAll(part, " ", "+")) // as in a URL
			}
		}
	}
	for _, text := range opaque {
		s.add(text)
	}
	for _, text := range whole {
		if b := plainText(text); len(b) >= run {
			s.whole = append(s.whole, b)
		} else {
			s.addForm(b)
		}
	}
	s.runs = newGrams(run, s.pieces)
	for size, texts := range s.short {
		if len(texts) > 0 {
			s.shorts = append(s.shorts, newGrams(size, texts))
		}
	}
	return s
}

// add adds a secret as it is, and without escapes and white space.
func (s *scrubber) add(secret string) {
	raw, plain := fold(secret), plainText(secret)
	s.addForm(raw)
	if !bytes.Equal(raw, plain) {
		s.addForm(plain)
	}
}

func (s *scrubber) addForm(form []byte) {
	switch {
	case len(form) >= run:
		s.pieces = append(s.pieces, form)
	case len(form) >= minSecret:
		s.short[len(form)] = append(s.short[len(form)], form)
	}
}

func (s *scrubber) clean(text string) string {
	if len(s.pieces)+len(s.shorts)+len(s.whole) == 0 {
		return text
	}
	var m marks
	s.search(newView(text), 0, &m)
	return m.redact(text)
}

// search marks what it finds in v, in v without its escapes, and in what that decodes to as base64,
// hex or numbers, at most twice.
func (s *scrubber) search(v view, depth int, m *marks) {
	if len(v.text) < minSecret {
		return
	}
	s.find(v, depth, m)
	p := plain(v)
	s.find(p, depth, m)
	if depth == 2 {
		return
	}
	for phase := range 4 {
		s.search(decodeBase64(p, phase), depth+1, m)
	}
	digits := hexDigits(p)
	for phase := range 2 {
		s.search(decodeHex(digits, phase), depth+1, m)
	}
	s.search(decodeDecimal(p), depth+1, m)
}

func (s *scrubber) find(v view, depth int, m *marks) {
	found := func(from, to int) { m.mark(int(v.from[from]), int(v.to[to-1])) }
	switch {
	case depth == 0:
		s.runs.find(v.text, found)
	case len(s.pieces) > 0:
		if s.inner.table == nil {
			s.inner = newGrams(innerRun, s.pieces)
		}
		s.inner.find(v.text, found)
	}
	for i := range s.shorts {
		s.shorts[i].find(v.text, found)
	}
	for _, w := range s.whole {
		for i := 0; ; {
			n := bytes.Index(v.text[i:], w)
			if n < 0 {
				break
			}
			found(i+n, i+n+len(w))
			i += n + len(w)
		}
	}
}

// marks are the bytes of a text that must not be shown.
type marks []bool

func (m *marks) mark(from, to int) {
	if len(*m) < to {
		*m = append(*m, make([]bool, to-len(*m))...)
	}
	for i := from; i < to; i++ {
		(*m)[i] = true
	}
}

// redact writes one REDACTED for each run of marked bytes.
func (m *marks) redact(text string) string {
	if len(*m) == 0 {
		return text
	}
	var out strings.Builder
	for i := range len(text) {
		switch marked := i < len(*m) && (*m)[i]; {
		case !marked:
			out.WriteByte(text[i])
		case i == 0 || !(*m)[i-1]:
			out.WriteString(redacted)
		}
	}
	return out.String()
}

// grams is the set of all pieces of one length that some texts hold: a table of their hashes. A
// hash collision does no harm: it only hides too much.
type grams struct {
	size  int
	top   uint64 // the weight of the oldest byte of a piece
	shift int
	table []uint64
}

const (
	base   = 0x9E3779B97F4A7C15 // odd, so that no byte of a piece is lost
	spread = 0xD1B54A32D192ED03
)

func newGrams(size int, texts [][]byte) grams {
	g := grams{size: size, top: 1, shift: 64 - 4}
	for range size {
		g.top *= base
	}
	total := 0
	for _, t := range texts {
		total += len(t)
	}
	for 1<<(64-g.shift) < 2*total { // half of it stays empty, so that lookups are short
		g.shift--
	}
	g.table = make([]uint64, 1<<(64-g.shift))
	for _, t := range texts {
		g.each(t, func(_ int, hash uint64) { g.table[g.slot(hash)] = hash })
	}
	return g
}

// each calls f for each piece of text with its start and its hash, which is never 0.
func (g *grams) each(text []byte, f func(begin int, hash uint64)) {
	var h uint64
	for i, c := range text {
		h = h*base + uint64(c) + 1
		if i >= g.size {
			h -= (uint64(text[i-g.size]) + 1) * g.top
		}
		if i+1 >= g.size {
			f(i+1-g.size, max(h, 1))
		}
	}
}

// slot returns the index of hash in the table, or the empty slot where it belongs.
func (g *grams) slot(hash uint64) int {
	i := int(hash * spread >> g.shift) //nolint:gosec // at most as many bits as the table has
	for g.table[i] != 0 && g.table[i] != hash {
		i = (i + 1) & (len(g.table) - 1)
	}
	return i
}

// find calls found for each stretch of text that pieces cover.
func (g *grams) find(text []byte, found func(from, to int)) {
	from, to := 0, 0
	g.each(text, func(begin int, hash uint64) {
		if g.table[g.slot(hash)] == 0 {
			return
		}
		if begin > to {
			if to > 0 {
				found(from, to)
			}
			from = begin
		}
		to = begin + g.size
	})
	if to > 0 {
		found(from, to)
	}
}
