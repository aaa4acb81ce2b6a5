package leaktest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
)

func random(alphabet string, n int) string {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const url64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// Secrets with the shape of the real ones.
var (
	header  = random(url64, 90)
	claims  = random(url64, 400)
	sign    = random(url64, 342)
	opaque  = random(url64[:62], 90)
	apple   = base64.StdEncoding.EncodeToString([]byte(opaque))
	content = base64.StdEncoding.EncodeToString([]byte(`{"token":"` + apple +
		`","expDate":"2027-11-20T18:13:52+0000","orgName":"Nordwind School District"}`))
)

// pieces are the parts of the secrets that a service sends back.
func pieces() map[string]string {
	return map[string]string{
		"content": content, "content, no end": content[:len(content)-4], "content, no beginning": content[4:],
		"content, middle": content[100:140], "content, no padding": strings.TrimRight(content, "="),
		"Apple's": apple, "Apple's, decoded": opaque, "Apple's, a part": apple[20:40], "a part of a bearer": claims,
		"two parts": header + "." + claims, "the signature": sign, "a part, no end": sign[:len(sign)-4],
	}
}

func each(format, s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

func lines(s string, width int, end string) string {
	var b strings.Builder
	for ; len(s) > width; s = s[width:] {
		b.WriteString(s[:width] + end)
	}
	return b.String() + s
}

// clothes are what a piece is sent back in.
func clothes(s string) map[string]string {
	b64 := base64.StdEncoding.EncodeToString([]byte("x" + s))
	return map[string]string{
		"raw": s, "base64url": strings.NewReplacer("+", "-", "/", "_").Replace(s),
		"lines of 64": lines(s, 64, "\r\n"), "lines of 76": lines(s, 76, "\n"),
		"lines of 10, escaped": lines(s, 10, `\n`),
		"hex":                  hex.EncodeToString([]byte(s)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(s))),
		"hex:": each("%02x:", s), "hex-": each("%02X-", s),
		"HTML": strings.NewReplacer("+", "&plus;", "/", "&sol;", "=", "&equals;", "-", "&#45;", "_", "&lowbar;",
			".", "&period;").Replace(s), "HTML, decimal": each("&#%d;", s), "HTML, hex": each("&#x%X;", s),
		"URL": url.QueryEscape(s), "URL, deep": each("%%252525%02x", s), "JSON": each(`\u%04x`, s),
		"JSON, deep": each(`\\\\u%04x`, s),
		"base64":     b64, "base64, no padding": strings.TrimRight(b64, "="), "base64 in lines": lines(b64, 76, "\r\n"),
		"base64, url": strings.NewReplacer("+", "-", "/", "_").Replace(b64),
	}
}

var escapes = regexp.MustCompile(`\\+u00([0-9A-Fa-f]{2})|%(?:25)*([0-9A-Fa-f]{2})`)

// undress returns what a reader of text could get out of it. It shares no code with the scrubbing.
func undress(text string) []string {
	text = escapes.ReplaceAllStringFunc(html.UnescapeString(text), func(s string) string {
		b, _ := hex.DecodeString(s[len(s)-2:])
		return string(b)
	})
	text = strings.NewReplacer(`\n`, "", `\r`, "", "-", "+", "_", "/").Replace(strings.Join(strings.Fields(text), ""))
	all := []string{text}
	for skip := range 4 {
		for run := range strings.FieldsFuncSeq(text,
			func(c rune) bool { return !strings.ContainsRune(url64[:62]+"+/", c) }) {
			if skip < len(run) {
				b, _ := base64.RawStdEncoding.DecodeString(run[skip:]) // as far as it goes
				all = append(all, string(b))
			}
		}
	}
	for run := range strings.FieldsFuncSeq(strings.NewReplacer(":", "", "+", "").Replace(text),
		func(c rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", c) }) {
		for skip := range min(2, len(run)) {
			b, _ := hex.DecodeString(run[skip:])
			all = append(all, string(b))
		}
	}
	return all
}

// leak returns 12 characters of a secret that text shows, or "".
func leak(text string) string {
	fold := strings.NewReplacer("-", "+", "_", "/")
	runs := make(map[string]bool)
	for _, secret := range []string{content, apple, opaque, header + "." + claims + "." + sign} {
		for i := 0; i+12 <= len(secret); i++ {
			runs[fold.Replace(secret[i:i+12])] = true
		}
	}
	for _, t := range undress(text) {
		t = fold.Replace(t)
		for i := 0; i+12 <= len(t); i++ {
			if runs[t[i:i+12]] {
				return t[i : i+12]
			}
		}
	}
	return ""
}

// A service that sends back a part of a secret, in any clothes and any place, gets no 12 characters
// of it into an error, the metadata or the log.
func TestLeakFragments(t *testing.T) {
	t.Parallel()
	text := func(s string) string { return strings.Trim(leaktest.JSONText(s), `"`) }
	for name, piece := range pieces() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for dress, sent := range clothes(piece) {
				if leak("before "+sent+" after") == "" {
					t.Fatalf("%s: the judge does not see %q", dress, sent)
				}
				oneLine := strings.NewReplacer("\r\n", " ", "\n", " ").Replace(sent)
				nested := leaktest.JSONText(`{"ErrorCode":"` + text(sent) + `","Target":"` + text(sent) +
					`","Message":"a ` + text(sent) + ` b","CustomApiErrorPhrase":"` + text(sent) + `"}`)
				bodies := map[string]string{
					"members": strings.ReplaceAll(`{"error":{"code":"E","message":"a E b","target":"E","details":[{"code":"E","message":"E","target":"E"}],"innerError":{"code":"E","request-id":"E"}}}`, "E", text(sent)),
					"details": `{"error":{"code":"c","message":"Activity ID: ` + text(sent) +
						`","details":[{"target":"` + text(sent) + `"}]}}`,
					"nested": `{"error":{"code":"UnknownError","message":` + nested + `}}`, "plain": sent,
					"cut": `{"error":"` + strings.Repeat("x ", 1500) + text(sent),
				}
				for place, body := range bodies {
					headers := []string{
						"Request-Id", oneLine, "Client-Request-Id", oneLine, "Link", oneLine,
						"X-Ms-Ags-Diagnostic", oneLine, "Www-Authenticate",
						`Bearer error="insufficient_claims", claims="` +
							base64.StdEncoding.EncodeToString([]byte(`{"a":`+leaktest.JSONText(sent)+`}`)) + `"`,
					}
					var log bytes.Buffer
					client := faulttest.ClientFor(t,
						oauth2.StaticTokenSource(&oauth2.Token{AccessToken: header + "." + claims + "." + sign}),
						vpptoken.WithHTTPClient(&http.Client{
							Transport: &faulttest.Service{Answer: faulttest.Always(401, body, headers...)},
						}), vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}),
						vpptoken.WithLogger(slog.New(slog.NewJSONHandler(&log,
							&slog.HandlerOptions{Level: slog.LevelDebug}))))
					var meta vpptoken.Metadata
					_, err := client.Update(t.Context(), faulttest.ID,
						vpptoken.NewPatch().SetToken(vpptoken.NewSecret(content)), vpptoken.WithMetadata(&meta))
					e := *faulttest.Error(t, err)
					shown, _ := json.Marshal(e) //nolint:musttag // as a program logs it
					for where, text := range map[string]string{
						"error": err.Error(), "fields": string(shown), "code": e.Code, "message": e.Message,
						"target": e.Target, "ids": e.RequestID + " " + e.ActivityID, "claims": e.Claims,
						"metadata": fmt.Sprintf("%+v", meta), "log": log.String(),
					} {
						if found := leak(text); found != "" {
							t.Errorf("%s, %s, %s: %q is in %.400s", dress, place, where, found, text)
						}
					}
				}
			}
		})
	}
}

// A name is no secret, though it stands in the content token.
func TestLeakKeepsTheOrganization(t *testing.T) {
	t.Parallel()
	const message = "The token of Nordwind School District expires on 2027-11-20T18:13:52+0000."
	client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Always(400,
		`{"error":{"code":"BadRequest","message":"`+message+`","target":"token"}}`)})
	_, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetToken(vpptoken.NewSecret(content)))
	if e := faulttest.Error(t, err); e.Message != message || e.Code != "BadRequest" || e.Target != "token" {
		t.Error(err)
	}
}

// Looking for what was sent does not hold a call past its deadline: not with a link of thousands of
// parameters, an error of 64 KiB and headers to match.
func TestLeakLookingTakesNoTime(t *testing.T) {
	t.Parallel()
	var query strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&query, "&p%d=%07d", i, i*i)
	}
	link := `{"value":[],"@odata.nextLink":"https://graph.microsoft.com/beta/deviceAppManagement/vppTokens?$skiptoken=` +
		strings.Repeat("A", 4<<10) + query.String()[:4000] + `"}`
	for _, unit := range []string{
		"A", `\\`, "%25", "&#65;", "VVVV", "p1=0000001&",
		strings.Repeat("A", 4<<10-1) + "B",
	} {
		body := `{"error":{"code":"C","message":"` + strings.Repeat(unit, 60<<10/len(unit)) + `"}}`
		service := &faulttest.Service{Answer: faulttest.Once(faulttest.Always(200, link),
			faulttest.Always(400, body, "Link", body[:30<<10]))}
		client := faulttest.ClientFor(t, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: header + "." + claims +
			"." + sign}), vpptoken.WithHTTPClient(&http.Client{Transport: service}))
		began := time.Now()
		err := faulttest.Last(client.List(t.Context(), vpptoken.WithMetadata(&vpptoken.Metadata{})))
		if took := time.Since(began); took > 5*time.Second || len(service.Requests()) != 2 {
			t.Errorf("%.12s: %d requests, %v, %.100v", unit, len(service.Requests()), took, err)
		}
		t.Logf("%.12s: %v", unit, time.Since(began))
	}
}
