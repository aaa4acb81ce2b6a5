package contenttoken_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/contenttoken"
)

// checkHidden fails when out holds the text of the file, what is inside it, or a longer part of
// either.
func checkHidden(t *testing.T, how, out string) {
	t.Helper()
	for _, secret := range []string{
		valid[:16], valid[len(valid)-16:], innerToken, fmt.Sprintf("%x", valid[:16]), fmt.Sprintf("%X", valid[:16]),
	} {
		if strings.Contains(out, secret) {
			t.Errorf("%s shows the token: %s", how, out)
		}
	}
}

func TestPrintsWithoutText(t *testing.T) {
	t.Parallel()
	ct, err := contenttoken.Parse([]byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	type holder struct{ hidden contenttoken.ContentToken }
	verbs := "vTtbcdoOqxXUeEfFgGsp"
	for _, value := range []any{
		ct, *ct, &ct,
		[]*contenttoken.ContentToken{ct},
		[]contenttoken.ContentToken{*ct},
		map[string]contenttoken.ContentToken{"k": *ct},
		holder{*ct},
		&holder{*ct}, ct.Secret(),
	} {
		for _, verb := range verbs {
			for _, flags := range []string{"", "+", "#", " ", "0", "-40.40"} {
				format := "%" + flags + string(verb)
				checkHidden(t, format, fmt.Sprintf(format, value))
			}
		}
		checkHidden(t, "Sprint", fmt.Sprint(value))

		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "token", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "token", value)
		checkHidden(t, "slog", out.String())

		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		checkHidden(t, "json", string(text))
	}
	if got := fmt.Sprintf("%+v", ct); !strings.Contains(got, orgCanary) || !strings.Contains(got, "REDACTED") {
		t.Errorf("%%+v = %s, want the rest of it and the mark", got)
	}
}

func TestEncodesWithoutText(t *testing.T) {
	t.Parallel()
	ct, err := contenttoken.ReadFile("testdata/sToken_for_Nordwind.vpptoken")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(any(ct))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"OrganizationName":"Nordwind School District","ExpirationDateTime":"2027-11-20T18:13:52Z","Location":"Nordwind"}`
	if string(text) != want {
		t.Errorf("json = %s, want %s", text, want)
	}
	var back contenttoken.ContentToken
	if err := json.Unmarshal(text, any(&back)); err != nil {
		t.Fatal(err)
	}
	if !back.Secret().IsZero() {
		t.Error("a ContentToken from JSON has a secret")
	}

	ct, err = contenttoken.Parse([]byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(any(ct)); err != nil {
		t.Fatal(err)
	}
	if err := xml.NewEncoder(&out).Encode(any(ct)); err != nil {
		t.Fatal(err)
	}
	checkHidden(t, "gob, xml", out.String())
}
