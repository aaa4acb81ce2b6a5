package contenttoken_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/contenttoken"
)

// FuzzParse: whatever is read, there is no panic, an error has one of the known texts and so
// nothing of the input, and a token that is accepted is the input trimmed, is accepted again, and
// does not print.
func FuzzParse(f *testing.F) {
	f.Add([]byte(valid))
	f.Add([]byte("\ufeff\r\n" + valid + "\r\n"))
	f.Add([]byte(encode(object("2027-11-20T18:13:52+05:30"))))
	texts := []string{tooLarge}
	for _, m := range mixups() {
		f.Add([]byte(m.text))
		texts = append(texts, m.want)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		ct, err := contenttoken.Parse(text)
		if !bytes.Equal(text, before) {
			t.Fatal("Parse changed its input")
		}
		if err != nil {
			if ct != nil {
				t.Error("a token and an error")
			}
			if !slices.Contains(texts, err.Error()) {
				t.Errorf("unknown error text %q", err)
			}
			if !slices.ContainsFunc(sentinels, func(s error) bool { return errors.Is(err, s) }) {
				t.Errorf("%q matches no sentinel", err)
			}
			return
		}
		secret := ct.Secret().Reveal()
		if secret == "" || !bytes.Contains(text, []byte(secret)) || strings.TrimSpace(secret) != secret {
			t.Errorf("secret %q of %q is not the text, trimmed", secret, text)
		}
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if out := fmt.Sprintf(format, ct); strings.Contains(out, secret) {
				t.Errorf("%s shows the token: %s", format, out)
			}
		}
		again, err := contenttoken.Parse([]byte(secret))
		if err != nil {
			t.Fatalf("accepted once, then %v", err)
		}
		if again.OrganizationName != ct.OrganizationName || !again.ExpirationDateTime.Equal(ct.ExpirationDateTime) ||
			again.Secret().Reveal() != secret {
			t.Errorf("%+v became %+v", ct, again)
		}
	})
}
