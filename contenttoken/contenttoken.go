// Package contenttoken reads Apple's content token file: the sToken_for_<location>.vpptoken that
// Apple Business Manager and Apple School Manager provide for each location, valid for a year. Its
// text goes into Intune's token property, when a token is created and each time it is renewed.
//
// The file is one line of base64, which encodes a small JSON object with the organization, the
// expiry and Apple's own token. Intune wants the line as it is. People send something else by
// mistake: the other token that Apple provides, the JSON, Apple's token from inside it, the line
// encoded once more, or nothing at all. None of these work, so [Parse] and [ReadFile] refuse each
// with its own error, which says what to do.
//
//	ct, err := contenttoken.ReadFile("sToken_for_Nordwind.vpptoken")
//	if err != nil {
//		return err
//	}
//	patch := vpptoken.NewPatch().SetToken(ct.Secret())
//
// The text is a secret: whoever has it can assign and take away the organization's licenses. A
// [ContentToken] prints, logs and encodes without it, and no error of this package quotes anything
// from a file.
package contenttoken

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"time"
	"unicode"

	// With go 1.27 in go.mod this becomes the standard library's encoding/json/jsontext, which it
	// mirrors.
	"github.com/go-json-experiment/json/jsontext"

	"github.com/vpptoken/vpptoken"
)

// maxSize is far more than a content token's few hundred bytes.
const maxSize = 64 << 10

// ContentToken is what a .vpptoken file says about itself, with its text hidden. Make one with
// [Parse] or [ReadFile]. The text never appears, however it is printed, logged or encoded, so a
// ContentToken decoded from JSON has none.
type ContentToken struct {
	OrganizationName   string    // as registered with Apple
	ExpirationDateTime time.Time // in the offset of the file
	// Location comes from the name of the file, because the text does not hold it: a hint, "" if
	// unknown. Package renew refuses a file whose Location is not the token's.
	Location string

	text vpptoken.Secret
}

// Secret returns the value for Intune's token property: the text of the file, trimmed but otherwise
// unchanged. For a nil or zero ContentToken it returns the zero Secret.
func (t *ContentToken) Secret() vpptoken.Secret {
	if t == nil {
		return vpptoken.Secret{}
	}
	return t.text
}

// Parse reads the text of a .vpptoken file, and trims byte order marks and white space from both
// ends. It does not retain text. Location stays empty: see [ReadFile].
//
// Everything else must be as Apple wrote it. Base64 that was broken into lines, lost its padding or
// uses the URL alphabet is ErrMalformed. Parse does not repair it, because Apple may not accept the
// result, and a token that Apple refuses stops the sync of its apps. Common mix-ups have their own
// errors: see [ErrEmpty].
func Parse(text []byte) (*ContentToken, error) {
	switch {
	case len(text) > maxSize:
		return nil, tooLarge()
	case isServerToken(text):
		return nil, ErrServerToken
	case isUTF16(text):
		return nil, malformed("it is UTF-16 or no text at all: use the file as Apple made it. " +
			"Windows PowerShell writes UTF-16 with > and Out-File; there, copy the file or add -Encoding ascii")
	}
	text = bytes.TrimFunc(text, isBlank)
	if len(text) == 0 {
		return nil, ErrEmpty
	}
	decoded, ok := decode(text)
	if !ok {
		return nil, notBase64(text)
	}
	if isServerToken(decoded) {
		return nil, ErrServerToken
	}
	if !isObject(decoded) {
		return nil, notJSON(text, decoded)
	}
	t, err := parseJSON(decoded)
	if err != nil {
		return nil, err
	}
	if base64.StdEncoding.EncodeToString(decoded) != string(text) {
		return nil, altered(text)
	}
	t.text = vpptoken.NewSecret(string(text))
	return t, nil
}

// isBlank reports whether r may surround the text. That includes a byte order mark anywhere,
// because tools add it before and after white space.
func isBlank(r rune) bool { return r == '\ufeff' || unicode.IsSpace(r) }

// decode is lenient, so that it recognizes a mix-up in any form: white space, zero bytes, alphabet
// and padding don't matter. If ok, it returns at least one byte.
func decode(text []byte) (decoded []byte, ok bool) {
	text = bytes.TrimRight(bytes.Map(func(r rune) rune {
		switch {
		case r == 0 || isBlank(r):
			return -1
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		}
		return r
	}, text), "=")
	decoded, err := base64.RawStdEncoding.AppendDecode(nil, text)
	return decoded, err == nil && len(decoded) > 0
}

// parseJSON reads the object inside a content token. It ignores unknown names.
func parseJSON(text []byte) (*ContentToken, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return nil, malformed("the JSON inside is cut off or damaged: copy or download the file again")
	}
	switch strict := jsontext.Value(text); { // encoding/json lets these pass
	case strict.IsValid():
	case strict.IsValid(jsontext.AllowInvalidUTF8(true)):
		return nil, malformed("the JSON inside: not valid UTF-8")
	default:
		return nil, malformed("the JSON inside: a property appears twice in one object")
	}
	if _, err := member(members, "token"); err != nil {
		return nil, err
	}
	expDate, err := member(members, "expDate")
	if err != nil {
		return nil, err
	}
	expires, err := parseTime(expDate)
	if err != nil {
		return nil, err
	}
	orgName, err := member(members, "orgName")
	if err != nil {
		return nil, err
	}
	return &ContentToken{OrganizationName: orgName, ExpirationDateTime: expires}, nil
}

func member(members map[string]json.RawMessage, name string) (string, error) {
	var value string
	if raw := members[name]; raw != nil && json.Unmarshal(raw, &value) != nil {
		return "", malformed("the JSON inside has " + name + ", but not as a string")
	}
	if value == "" {
		return "", malformed("the JSON inside has no " + name)
	}
	return value, nil
}

// parseTime accepts Apple's format, whose offset has no colon, and RFC 3339. It uses UTC, not the
// local zone, so that the same file has the same value on every machine.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05Z0700", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, time.UTC); err == nil {
			return t, nil
		}
	}
	// The text of time.ParseError would quote it.
	return time.Time{}, malformed("the JSON inside has expDate, but not as a date with time and offset")
}
