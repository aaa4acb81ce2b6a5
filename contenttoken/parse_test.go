package contenttoken_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken/contenttoken"
)

// The canaries may appear in no error and no output.
const (
	innerToken = "aW5uZXItY2FuYXJ5LXRoYXQtbmV2ZXItcHJpbnRz"
	orgCanary  = "Org Canary Ltd"
)

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func object(expDate string) string {
	return `{"token":"` + innerToken + `","expDate":"` + expDate + `","orgName":"` + orgCanary + `"}`
}

var valid = encode(object("2027-11-20T18:13:52+0000"))

func TestParse(t *testing.T) {
	t.Parallel()
	ct, err := contenttoken.Parse([]byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	if ct.OrganizationName != orgCanary {
		t.Errorf("OrganizationName = %q", ct.OrganizationName)
	}
	if want := time.Date(2027, 11, 20, 18, 13, 52, 0, time.UTC); !ct.ExpirationDateTime.Equal(want) {
		t.Errorf("ExpirationDateTime = %v, want %v", ct.ExpirationDateTime, want)
	}
	if ct.Location != "" {
		t.Errorf("Location = %q, the text does not say it", ct.Location)
	}
	if got := ct.Secret().Reveal(); got != valid {
		t.Errorf("Secret = %q, want the text as it is", got)
	}
}

// An organization may be called what else marks another file.
func TestParseNamesOfOrganizations(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Begin Message AS", "We Begin CMS", "-----BEGIN PKCS7-----", "smime.p7m", "application/pkcs7-mime",
		`\"consumer_key\"`, `the \"token\" school`,
	} {
		text := strings.Replace(object("2027-11-20T18:13:52+0000"), orgCanary, name, 1)
		ct, err := contenttoken.Parse([]byte(encode(text)))
		if err != nil || ct.OrganizationName != strings.ReplaceAll(name, `\`, "") {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := contenttoken.Parse([]byte(text)); !errors.Is(err, contenttoken.ErrDecoded) {
			t.Errorf("%s, decoded: got %v", name, err)
		}
	}
}

// The expiry is in the offset of the file, whatever the zone of the machine is.
//
//nolint:paralleltest // it changes the zone of the process
func TestParseUsesNoLocalZone(t *testing.T) {
	here := time.Local
	t.Cleanup(func() { time.Local = here })
	time.Local = time.FixedZone("here", 3600)
	for _, offset := range []string{"+0100", "+01:00"} {
		ct, err := contenttoken.Parse([]byte(encode(object("2027-11-20T18:13:52" + offset))))
		if err != nil {
			t.Fatal(err)
		}
		if name, seconds := ct.ExpirationDateTime.Zone(); name == "here" || seconds != 3600 {
			t.Errorf("%s became %v", offset, ct.ExpirationDateTime)
		}
	}
}

func TestParseTrims(t *testing.T) {
	t.Parallel()
	const bom = "\ufeff"
	for name, text := range map[string]string{
		"line feed":              valid + "\n",
		"CR LF":                  valid + "\r\n",
		"BOM":                    bom + valid,
		"BOM, then white space":  bom + " \r\n" + valid,
		"white space, then BOM":  "\n\t " + bom + valid,
		"two BOMs":               bom + bom + valid + "\n" + bom,
		"no-break space":         "\u00a0" + valid + "\u00a0",
		"white space all around": "\r\n\t " + valid + " \t\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ct, err := contenttoken.Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if got := ct.Secret().Reveal(); got != valid {
				t.Errorf("Secret = %q, want %q", got, valid)
			}
		})
	}
}

func TestParseKeepsACopy(t *testing.T) {
	t.Parallel()
	text := []byte(valid)
	ct, err := contenttoken.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	clear(text)
	if got := ct.Secret().Reveal(); got != valid {
		t.Error("the secret changed with the caller's slice")
	}
}

func TestExpirationDateTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ expDate, want string }{
		{"2027-11-20T18:13:52+0000", "2027-11-20T18:13:52Z"},
		{"2027-11-20T18:13:52-0800", "2027-11-20T18:13:52-08:00"},
		{"2027-11-20T18:13:52Z", "2027-11-20T18:13:52Z"},
		{"2027-11-20T18:13:52+05:30", "2027-11-20T18:13:52+05:30"},
		{"2027-11-20T18:13:52.25+00:00", "2027-11-20T18:13:52.25Z"},
	} {
		t.Run(tt.expDate, func(t *testing.T) {
			t.Parallel()
			ct, err := contenttoken.Parse([]byte(encode(object(tt.expDate))))
			if err != nil {
				t.Fatal(err)
			}
			if got := ct.ExpirationDateTime.Format(time.RFC3339Nano); got != tt.want {
				t.Errorf("ExpirationDateTime = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestUnknownMembersArePassedOver(t *testing.T) {
	t.Parallel()
	text := strings.Replace(object("2027-11-20T18:13:52+0000"), "{", `{ "new":[{"a":1}], "TOKEN":7,`, 1)
	ct, err := contenttoken.Parse([]byte(encode(text)))
	if err != nil {
		t.Fatal(err)
	}
	if ct.OrganizationName != orgCanary {
		t.Errorf("OrganizationName = %q", ct.OrganizationName)
	}
}

func TestSizeLimit(t *testing.T) {
	t.Parallel()
	pad := strings.Repeat("\n", 64<<10-len(valid))
	if _, err := contenttoken.Parse([]byte(valid + pad)); err != nil {
		t.Errorf("64 KiB: %v", err)
	}
	_, err := contenttoken.Parse([]byte(valid + pad + "\n"))
	if !errors.Is(err, contenttoken.ErrMalformed) || err.Error() != tooLarge {
		t.Errorf("64 KiB and a byte: %v", err)
	}
}

func TestZeroContentToken(t *testing.T) {
	t.Parallel()
	var none *contenttoken.ContentToken
	if !none.Secret().IsZero() || !new(contenttoken.ContentToken).Secret().IsZero() {
		t.Error("a nil or zero ContentToken has a secret")
	}
}
