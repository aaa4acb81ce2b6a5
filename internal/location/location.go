// Package location finds and compares the names of Apple's locations in file names.
package location

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// FromFile returns the location in a file's base name, or "" if there is none. The name is
// sToken_for_<location>.vpptoken, with or without a dot before the location and the counters that
// browsers add to a second download: " (1)", "(1)" or "-1". Any other number after a hyphen stays,
// because "Skule-1" and "Skule-2" may be two locations. Case does not count.
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

// Differ reports whether a file's location is certainly not the service's. It compares the names
// ignoring case and a counter at the end, and treats characters that file names can't hold as
// spaces. If either name is unknown, nothing is certain.
func Differ(file, service string) bool {
	a, b := folded(withoutCounter(file, true)), folded(withoutCounter(service, true))
	if a == "" || b == "" || hasMarks(a) != hasMarks(b) {
		return false
	}
	return !strings.EqualFold(a, b) && !strings.EqualFold(folded(withoutCounter(file, false)), folded(service))
}

// Changed reports whether two names that the service showed are those of different locations. Case
// and how words are separated do not count.
func Changed(before, after string) bool {
	if a, b := folded(before), folded(after); a != "" && b != "" {
		return !strings.EqualFold(a, b)
	}
	return before != "" && after != "" && before != after
}

// withoutCounter strips download counters. After a hyphen it strips any counter, or with first only
// "-1".
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

// isCounter accepts up to three digits: four are a year.
func isCounter(s string) bool {
	return s != "" && len(s) <= 3 && strings.Trim(s, "0123456789") == ""
}

// folded replaces each run of characters that file names may substitute with one space.
func folded(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`_-./\:*?"<>|`, r)
	}), " ")
}

// hasMarks reports decomposed letters, as some file systems rewrite names: those can't be compared
// with composed ones.
func hasMarks(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Mn, r) })
}
