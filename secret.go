package vpptoken

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// redacted is what every rendering of a [Secret] shows.
const redacted = "REDACTED"

// Secret holds Apple's content token. Whatever prints, logs, diffs or encodes it gets the word
// REDACTED, even when it is empty; only [Secret.Reveal] returns the text. The text is held in a
// closure, so that printers that walk memory instead of calling methods (fmt on an unexported
// field, spew, testify) can't find it. The zero Secret is empty.
//
// Only [Patch], which is a request body, encodes the real text.
type Secret struct {
	mark   string // shown by printers that skip methods
	reveal func() string
}

// NewSecret wraps s. The empty string gives the zero Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{mark: redacted, reveal: func() string { return s }}
}

// Reveal returns the text, or "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether s is empty. encoding/json calls it for omitzero.
func (s Secret) IsZero() bool { return s.reveal == nil }

// Equal reports whether both hold the same text, in constant time. go-cmp calls it.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns REDACTED.
func (s Secret) String() string { return redacted }

// GoString returns REDACTED, for %#v.
func (s Secret) GoString() string { return redacted }

// Format writes REDACTED under every verb, even invalid ones.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns REDACTED, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns REDACTED, for encoding/json, encoding/xml and other encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText stores text, except that REDACTED becomes the zero Secret: what was printed can't
// be written back by mistake.
func (s *Secret) UnmarshalText(text []byte) error {
	if s == nil {
		return errNilReceiver
	}
	if string(text) == redacted {
		*s = Secret{}
		return nil
	}
	*s = NewSecret(string(text))
	return nil
}
