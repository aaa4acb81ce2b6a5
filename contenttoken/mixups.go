package contenttoken

import (
	"bytes"
	"errors"
	"fmt"
)

// The errors that [Parse] and [ReadFile] return for a token that would not work. Each text says
// what was given and what to give instead, and holds nothing of the file. The texts may change; the
// values stay.
var (
	// ErrEmpty is a file with nothing but white space in it, as after a failed download or copy.
	ErrEmpty = errors.New("contenttoken: the file is empty: copy it again, or download the content token again from Apple")

	// ErrServerToken is the token for automated device enrollment: the smime.p7m file, or its
	// decrypted content.
	ErrServerToken = errors.New("contenttoken: this is a server token for device enrollment (smime.p7m): " +
		"give the location's content token (.vpptoken), which Apple offers under Payments and Billing")

	// ErrDecoded is the JSON from inside the file.
	ErrDecoded = errors.New("contenttoken: this is the decoded JSON of a content token: " +
		"give the .vpptoken file as Apple made it, still in base64")

	// ErrInnerToken is Apple's token from inside the JSON, or other base64 that has no JSON in it.
	ErrInnerToken = errors.New("contenttoken: this is base64 without JSON inside, probably the inner token alone: " +
		"give the whole text of the .vpptoken file")

	// ErrEncodedTwice is the text of the file in base64 once more, or more than once.
	ErrEncodedTwice = errors.New("contenttoken: this is a content token encoded in base64 once more: " +
		"give the text of the .vpptoken file itself, which is base64 already")

	// ErrMalformed is anything else that isn't a content token: more than 64 KiB, another kind of
	// file, a damaged or altered one, or one without a required field, which the text names.
	ErrMalformed = errors.New("contenttoken: not a content token")
)

func malformed(detail string) error { return fmt.Errorf("%w: %s", ErrMalformed, detail) }

func tooLarge() error {
	return malformed("it has more than 64 KiB, a content token has less than one: give the .vpptoken file")
}

// notBase64 says what text is, given that it is neither empty nor base64.
func notBase64(text []byte) error {
	switch {
	case isObject(text) && hasAny(text, `"token"`, `"expDate"`, `"orgName"`):
		return ErrDecoded
	case bytes.HasSuffix(text, []byte(extension)):
		return malformed("this is the name of a file: give what is in it")
	}
	return malformed("the text is not base64, or it is cut off: give the .vpptoken file as Apple made it")
}

// notJSON says what text is, which decodes, but not to a JSON object. Words decode too.
func notJSON(text, decoded []byte) error {
	for inner, ok := decode(decoded); ok; inner, ok = decode(inner) { // ends: each round is shorter
		if isObject(inner) {
			return ErrEncodedTwice
		}
	}
	for line := range bytes.Lines(text) {
		if bytes.ContainsAny(bytes.TrimSpace(line), " \t") {
			return notBase64(text)
		}
	}
	return ErrInnerToken
}

// altered says what happened to a content token that is not as Apple writes it.
func altered(text []byte) error {
	if bytes.ContainsFunc(text, isBlank) {
		return malformed("its base64 was broken into lines, as mail programs do: join them to one line without spaces, " +
			"or use the file as Apple made it")
	}
	return malformed("its base64 was altered (padding lost, or - and _ in place of + and /): " +
		"use the file as Apple made it")
}

// isServerToken recognizes the S/MIME message, its PKCS #7 content alone, and its decrypted text.
// Of a JSON object only the names tell: an organization may be called anything.
func isServerToken(text []byte) bool {
	head := bytes.ToLower(text[:min(len(text), 2048)])
	if isObject(head) {
		return hasAny(head, `"consumer_key"`)
	}
	oid := []byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07") // 1.2.840.113549.1.7
	return hasAny(head, "pkcs7-mime", "smime.p7m", "begin pkcs7", "begin cms", "begin message", `"consumer_key"`) ||
		bytes.Contains(text[:min(len(text), 64)], oid)
}

// isUTF16 goes by the byte order marks and by zero bytes, which plain text never has.
func isUTF16(text []byte) bool {
	return hasAny(text[:min(len(text), 2)], "\xff\xfe", "\xfe\xff") || bytes.IndexByte(text, 0) >= 0
}

// isObject goes by the first byte: the rest may be cut off.
func isObject(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeftFunc(text, isBlank), []byte("{"))
}

func hasAny(text []byte, words ...string) bool {
	for _, w := range words {
		if bytes.Contains(text, []byte(w)) {
			return true
		}
	}
	return false
}
