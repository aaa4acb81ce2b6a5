package contenttoken_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/vpptoken/vpptoken/contenttoken"
)

// The texts of all errors of Parse. FuzzParse holds it to this list, so no error can quote its
// input.
const (
	malformed = "contenttoken: not a content token: "

	empty        = "contenttoken: the file is empty: copy it again, or download the content token again from Apple"
	serverToken  = "contenttoken: this is a server token for device enrollment (smime.p7m): give the location's content token (.vpptoken), which Apple offers under Payments and Billing"
	decodedJSON  = "contenttoken: this is the decoded JSON of a content token: give the .vpptoken file as Apple made it, still in base64"
	inner        = "contenttoken: this is base64 without JSON inside, probably the inner token alone: give the whole text of the .vpptoken file"
	encodedTwice = "contenttoken: this is a content token encoded in base64 once more: give the text of the .vpptoken file itself, which is base64 already"

	tooLarge    = malformed + "it has more than 64 KiB, a content token has less than one: give the .vpptoken file"
	utf16Text   = malformed + "it is UTF-16 or no text at all: use the file as Apple made it. Windows PowerShell writes UTF-16 with > and Out-File; there, copy the file or add -Encoding ascii"
	fileName    = malformed + "this is the name of a file: give what is in it"
	notBase64   = malformed + "the text is not base64, or it is cut off: give the .vpptoken file as Apple made it"
	damaged     = malformed + "the JSON inside is cut off or damaged: copy or download the file again"
	twice       = malformed + "the JSON inside: a property appears twice in one object"
	notUTF8     = malformed + "the JSON inside: not valid UTF-8"
	noToken     = malformed + "the JSON inside has no token"
	noExpDate   = malformed + "the JSON inside has no expDate"
	noOrgName   = malformed + "the JSON inside has no orgName"
	tokenType   = malformed + "the JSON inside has token, but not as a string"
	expDateType = malformed + "the JSON inside has expDate, but not as a string"
	orgNameType = malformed + "the JSON inside has orgName, but not as a string"
	badExpDate  = malformed + "the JSON inside has expDate, but not as a date with time and offset"
	broken      = malformed + "its base64 was broken into lines, as mail programs do: join them to one line without spaces, or use the file as Apple made it"
	altered     = malformed +
		"its base64 was altered (padding lost, or - and _ in place of + and /): use the file as Apple made it"
)

// pkcs7 starts like the content of a real smime.p7m: an indefinite SEQUENCE, the OID of
// envelopedData, a context tag.
const pkcs7 = "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80\x30\x80\x02\x01\x00\x31\x82\x01\x75"

const consumer = `{"consumer_key":"CK_48dd68d1","consumer_secret":"CS_9575","access_token":"AT_927","access_secret":"AS_c60",` +
	`"access_token_expiry":"2027-09-08T02:24:28Z"}`

// alphabets is a text whose base64 has every character that differs between the two alphabets.
var alphabets = `{"token":"` + innerToken + `","expDate":"2027-11-20T18:13:52+0000","orgName":"~~~??? ÿþý>>>"}`

type mixup struct {
	name string
	text string
	is   error
	want string // the whole text of the error
}

func mixups() []mixup {
	good := object("2027-11-20T18:13:52+0000")
	without := func(name string) string { return encode(strings.Replace(good, `"`+name+`"`, `"x"`, 1)) }
	with := func(old, replacement string) string { return encode(strings.Replace(good, old, replacement, 1)) }
	return []mixup{
		{"nothing", "", contenttoken.ErrEmpty, empty},
		{"white space", " \r\n\t", contenttoken.ErrEmpty, empty},
		{"BOM and white space", "\ufeff\r\n", contenttoken.ErrEmpty, empty},

		{"S/MIME message", smime(), contenttoken.ErrServerToken, serverToken},
		{"S/MIME message with BOM", "\ufeff" + smime(), contenttoken.ErrServerToken, serverToken},
		{"S/MIME message in other case", strings.ToUpper(smime()), contenttoken.ErrServerToken, serverToken},
		{"base64 of the S/MIME message", encode(smime()), contenttoken.ErrServerToken, serverToken},
		{"PKCS #7 in base64", encode(pkcs7), contenttoken.ErrServerToken, serverToken},
		{
			"PKCS #7 in base64, in lines", wrap(encode(pkcs7+strings.Repeat("\x00\xff", 90)), "\r\n"),
			contenttoken.ErrServerToken, serverToken,
		},
		{"PKCS #7 in binary", pkcs7, contenttoken.ErrServerToken, serverToken},
		{
			"PKCS #7 in PEM", "-----BEGIN PKCS7-----\n" + encode(pkcs7) + "\n-----END PKCS7-----\n",
			contenttoken.ErrServerToken, serverToken,
		},
		{
			"decrypted", "-----BEGIN MESSAGE-----\n" + consumer + "\n-----END MESSAGE-----\n",
			contenttoken.ErrServerToken, serverToken,
		},
		{"decrypted, JSON alone", consumer, contenttoken.ErrServerToken, serverToken},
		{"decrypted, in base64", encode(consumer), contenttoken.ErrServerToken, serverToken},

		{"decoded", good, contenttoken.ErrDecoded, decodedJSON},
		{"decoded, with BOM and spaces", "\ufeff \n" + good + "\n", contenttoken.ErrDecoded, decodedJSON},
		{"decoded and cut off", good[:40], contenttoken.ErrDecoded, decodedJSON},
		{"decoded, one member", `{"orgName":"x"}`, contenttoken.ErrDecoded, decodedJSON},

		{"inner token", innerToken, contenttoken.ErrInnerToken, inner},
		{"inner token of random bytes", encode("\x00\x8f\xfe\x7b\xa9\x13\x00\xde"), contenttoken.ErrInnerToken, inner},
		{"inner token in lines", innerToken[:20] + "\n" + innerToken[20:], contenttoken.ErrInnerToken, inner},
		{"inner token, encoded once more", encode(innerToken), contenttoken.ErrInnerToken, inner},

		{"twice", encode(valid), contenttoken.ErrEncodedTwice, encodedTwice},
		{"twice, with the line feed of the file", encode(valid + "\n"), contenttoken.ErrEncodedTwice, encodedTwice},
		{"twice, in lines", wrap(encode(wrap(valid, "\n")), "\n"), contenttoken.ErrEncodedTwice, encodedTwice},
		{"twice, of UTF-16", encode(string(utf16LE(valid))), contenttoken.ErrEncodedTwice, encodedTwice},
		{
			"twice, in the URL alphabet", base64.RawURLEncoding.EncodeToString([]byte(valid)),
			contenttoken.ErrEncodedTwice, encodedTwice,
		},
		{"three times", encode(encode(valid)), contenttoken.ErrEncodedTwice, encodedTwice},

		{"UTF-16LE", "\xff\xfe" + string(utf16LE(valid)), contenttoken.ErrMalformed, utf16Text},
		{"UTF-16BE", "\xfe\xff" + string(utf16BE(valid)), contenttoken.ErrMalformed, utf16Text},
		{"UTF-16 without BOM", string(utf16LE(valid)), contenttoken.ErrMalformed, utf16Text},
		{"binary", "PK\x03\x04\x00\x00", contenttoken.ErrMalformed, utf16Text},

		{"a path", "/srv/tokens/sToken_for_Nordwind.vpptoken", contenttoken.ErrMalformed, fileName},
		{"a Windows path", `C:\Tokens\sToken_for_Nordwind.vpptoken` + "\r\n", contenttoken.ErrMalformed, fileName},
		{"words", "hello world", contenttoken.ErrMalformed, notBase64},
		{"Microsoft's sample", "Token value\n", contenttoken.ErrMalformed, notBase64},
		{"words with a tab, in lines", "this is\nnot\ta token", contenttoken.ErrMalformed, notBase64},
		{"inner token, indented", "  " + innerToken[:20] + "\r\n  " + innerToken[20:], contenttoken.ErrInnerToken, inner},
		{"HTML", "<!DOCTYPE html><title>Sign in</title>", contenttoken.ErrMalformed, notBase64},
		{"HTML with JSON in it", `<script>var x = {"token":"y"}</script>`, contenttoken.ErrMalformed, notBase64},
		{"other JSON", `{"error":{"code":"Forbidden"}}`, contenttoken.ErrMalformed, notBase64},
		{"in quotation marks", `"` + valid + `"`, contenttoken.ErrMalformed, notBase64},
		{"only padding", "====", contenttoken.ErrMalformed, notBase64},
		{
			"a certificate",
			"-----BEGIN CERTIFICATE-----\n" + encode("\x30\x82\x01\x00") + "\n-----END CERTIFICATE-----\n",
			contenttoken.ErrMalformed, notBase64,
		},

		{"cut off", valid[:len(valid)-8], contenttoken.ErrMalformed, damaged},
		{"something after the object", encode(good + "{}"), contenttoken.ErrMalformed, damaged},
		{"BOM inside", encode("\ufeff" + good), contenttoken.ErrMalformed, damaged},
		{"UTF-16 inside", encode(string(utf16LE(good))), contenttoken.ErrMalformed, damaged},
		{"expDate twice", with("{", `{"expDate":"2030-01-01T00:00:00Z",`), contenttoken.ErrMalformed, twice},
		{"not UTF-8", with("Canary", "\xe9"), contenttoken.ErrMalformed, notUTF8},
		{
			"deep", with("{", `{"a":`+strings.Repeat("[", 10_001)+strings.Repeat("]", 10_001)+`,`),
			contenttoken.ErrMalformed, damaged,
		},

		{"an empty object", encode("{}"), contenttoken.ErrMalformed, noToken},
		{"no token", without("token"), contenttoken.ErrMalformed, noToken},
		{"no expDate", without("expDate"), contenttoken.ErrMalformed, noExpDate},
		{"no orgName", without("orgName"), contenttoken.ErrMalformed, noOrgName},
		{"token in another case", with(`"token"`, `"Token"`), contenttoken.ErrMalformed, noToken},
		{"empty token", with(innerToken, ""), contenttoken.ErrMalformed, noToken},
		{"null orgName", with(`"`+orgCanary+`"`, "null"), contenttoken.ErrMalformed, noOrgName},
		{"token is a number", with(`"`+innerToken+`"`, "4711"), contenttoken.ErrMalformed, tokenType},
		{
			"expDate is a number", with(`"2027-11-20T18:13:52+0000"`, "1800000000"), contenttoken.ErrMalformed,
			expDateType,
		},
		{"orgName is a list", with(`"`+orgCanary+`"`, `["`+orgCanary+`"]`), contenttoken.ErrMalformed, orgNameType},
		{"expDate without an offset", encode(object("2027-11-20T18:13:52")), contenttoken.ErrMalformed, badExpDate},
		{"expDate without a time", encode(object("2027-11-20")), contenttoken.ErrMalformed, badExpDate},
		{"expDate on 30 February", encode(object("2027-02-30T00:00:00+0000")), contenttoken.ErrMalformed, badExpDate},

		{"in lines of 76", wrap(valid, "\r\n"), contenttoken.ErrMalformed, broken},
		{"with a space inside", valid[:8] + " " + valid[8:], contenttoken.ErrMalformed, broken},
		{"padding lost", strings.TrimRight(encode(alphabets+" "), "="), contenttoken.ErrMalformed, altered},
		{"URL alphabet", base64.URLEncoding.EncodeToString([]byte(alphabets)), contenttoken.ErrMalformed, altered},
	}
}

var sentinels = []error{
	contenttoken.ErrEmpty, contenttoken.ErrServerToken, contenttoken.ErrDecoded,
	contenttoken.ErrInnerToken, contenttoken.ErrEncodedTwice, contenttoken.ErrMalformed,
}

func TestMixups(t *testing.T) {
	t.Parallel()
	for _, tt := range mixups() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ct, err := contenttoken.Parse([]byte(tt.text))
			if err == nil || ct != nil {
				t.Fatalf("Parse = %v, %v, want an error alone", ct, err)
			}
			if err.Error() != tt.want {
				t.Errorf("error text\n got %s\nwant %s", err, tt.want)
			}
			wrapped := fmt.Errorf("tenant 7: %w", err)
			var matches []error
			for _, sentinel := range sentinels {
				if errors.Is(wrapped, sentinel) {
					matches = append(matches, sentinel)
				}
			}
			if len(matches) != 1 || !errors.Is(tt.is, matches[0]) {
				t.Errorf("it matches %q, want %q alone", matches, tt.is)
			}
		})
	}
}

// The same base64 in its proper form is a content token, so the two refusals above are about the
// form alone.
func TestFormAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{alphabets, alphabets + " "} {
		if _, err := contenttoken.Parse([]byte(encode(text))); err != nil {
			t.Error(err)
		}
	}
	if std := encode(alphabets); !strings.ContainsAny(std, "+/") || !strings.HasSuffix(encode(alphabets+" "), "=") {
		t.Errorf("%s shows nothing about alphabets or padding", std)
	}
}

// smime is the shape of the file that Apple offers for device enrollment.
func smime() string {
	return "Content-Type: application/pkcs7-mime; name=\"smime.p7m\"; smime-type=enveloped-data\r\n" +
		"Content-Transfer-Encoding: base64\r\n" +
		"Content-Disposition: attachment; filename=\"smime.p7m\"\r\n" +
		"Content-Description: S/MIME Encrypted Message\r\n\r\n" +
		wrap(encode(pkcs7+strings.Repeat("\x01\x02\x03", 100)), "\r\n")
}

func wrap(text, newline string) string {
	var b strings.Builder
	for len(text) > 76 {
		b.WriteString(text[:76] + newline)
		text = text[76:]
	}
	return b.String() + text + newline
}

func utf16LE(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func utf16BE(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.BigEndian.AppendUint16(b, u)
	}
	return b
}
