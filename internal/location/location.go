// Package location knows how the names of Apple's locations come to stand in the names of files.
package location

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// FromFile returns the location in a file's base name, "" when there is none:
// sToken_for_<location>.vpptoken, also with a dot before the location and with the counters that
// browsers add to a second download: " (1)", "(1)" or "-1". Another number after a hyphen stays,
// for "Skule-1" and "Skule-2" may be two locations. Case does not count.
func FromFile(base string) string {
	const before, after = "sToken_for_", ".vpptoken"
	end := len(base) - len(after)
	if end < len(before) || !strings.EqualFold(base[:len(before)], before) || !strings.EqualFold(base[end:], after) {
		return ""
	}
	name := base[len(before):end]
	if !utf8.ValidString(name) {
		return ""
	}
	name = strings.TrimSpace(strings.TrimPrefix(name, "."))
	if name = withoutCounter(name, true); folded(name) == "" {
		return ""
	}
	return name
}

// Differ reports whether a file's location is surely another one than the service's. The names are
// compared without case and without a counter at the end, and what a file's name can't hold, or
// only changed, is like a space. When either is unknown nothing is sure.
func Differ(file, service string) bool {
	a, b := folded(withoutCounter(file, true)), folded(withoutCounter(service, true))
	if a == "" || b == "" || hasMarks(a) != hasMarks(b) {
		return false
	}
	return !strings.EqualFold(a, b) && !strings.EqualFold(folded(withoutCounter(file, false)), folded(service))
}

// Changed reports whether two names that the service showed are of two locations.
func Changed(before, after string) bool { return before != "" && after != "" && before != after }

// withoutCounter cuts the counters of downloads, all or only the first of those after a hyphen.
func withoutCounter(name string, first bool) string {
	for {
		rest := strings.TrimRightFunc(name, unicode.IsSpace)
		switch i := strings.LastIndexAny(rest, "(-"); {
		case i < 0:
			return rest
		case rest[i] == '(' && strings.HasSuffix(rest, ")") && isCounter(rest[i+1:len(rest)-1]),
			rest[i] == '-' && isCounter(rest[i+1:]) && (!first || rest[i+1:] == "1"):
			name = rest[:i]
		default:
			return rest
		}
	}
}

// isCounter takes up to three digits: four are a year.
func isCounter(s string) bool {
	return s != "" && len(s) <= 3 && strings.Trim(s, "0123456789") == ""
}

// folded has one space for each run of what stands for another character in a file's name.
func folded(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`_-./\:*?"<>|`, r)
	}), " ")
}

// hasMarks finds letters that are written in parts, as some file systems rewrite names: those can't
// be compared with whole ones.
func hasMarks(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Mn, r) })
}
