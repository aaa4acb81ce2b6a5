package graph_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// bytesAs writes each byte of s in a format.
func bytesAs(format, s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

// wrapped breaks s into lines.
func wrapped(s string, width int, end string) string {
	var b strings.Builder
	for len(s) > width {
		b.WriteString(s[:width] + end)
		s = s[width:]
	}
	return b.String() + s
}

// named writes the characters that have a name in HTML by it.
var named = strings.NewReplacer("+", "&plus;", "/", "&sol;", "=", "&equals;", "_", "&lowbar;", ".", "&period;", "-",
	"&#45;")

// forms are what can be made of a part of a secret.
func forms(part string) map[string]string {
	std := base64.StdEncoding.EncodeToString
	quoted, _ := json.Marshal(part)
	return map[string]string{
		"raw":                        part,
		"base64url":                  strings.NewReplacer("+", "-", "/", "_").Replace(part),
		"base64 of the other kind":   strings.NewReplacer("-", "+", "_", "/").Replace(part),
		"lines of 64":                wrapped(part, 64, "\r\n"),
		"lines of 76":                wrapped(part, 76, "\n"),
		"lines of 5":                 wrapped(part, 5, "\n"),
		"lines, in JSON":             wrapped(part, 8, `\r\n`),
		"lines, in JSON twice":       wrapped(part, 8, `\\r\\n`),
		"lines, in a URL":            wrapped(url.QueryEscape(part), 9, "%0D%0A"),
		"lines, in HTML":             wrapped(part, 8, "&#10;"),
		"tabs":                       wrapped(part, 3, "\t "),
		"spaces beyond ASCII":        wrapped(part, 4, "\u00A0\u2028"),
		"spaces without a width":     wrapped(part, 5, "\u200B\uFEFF\u00AD"),
		"such spaces, in JSON":       wrapped(part, 6, `\u00a0\u200B`),
		"such spaces, in a URL":      wrapped(url.QueryEscape(part), 9, "%C2%A0%e2%80%8b"),
		"such spaces, in HTML":       wrapped(part, 7, "&nbsp;&shy;&#8203;"),
		"JSON":                       string(quoted),
		"JSON, each":                 bytesAs(`\u%04x`, part),
		"JSON, each, twice":          bytesAs(`\\u%04X`, part),
		"JSON, each, four times":     bytesAs(`\\\\\\\\u%04X`, part),
		"JavaScript":                 bytesAs(`\x%02x`, part),
		"URL":                        url.QueryEscape(part),
		"URL, each":                  bytesAs("%%%02x", part),
		"URL, each, to any depth":    bytesAs("%%2525252525%02X", part),
		"URL in JSON":                bytesAs(`\u0025%02X`, part),
		"JSON in a URL":              bytesAs("%%5Cu%04x", part),
		"HTML":                       html.EscapeString(part),
		"HTML, named":                named.Replace(part),
		"HTML, decimal":              bytesAs("&#%d;", part),
		"HTML, decimal with zeros":   bytesAs("&#%05d;", part),
		"HTML, hex":                  bytesAs("&#x%x;", part),
		"HTML, HEX":                  bytesAs("&#X%X;", part),
		"HTML twice":                 strings.ReplaceAll(bytesAs("&#x%x;", part), "&", "&amp;"),
		"HTML in JSON":               strings.ReplaceAll(bytesAs("&#x%x;", part), "&", `\u0026`),
		"hex":                        hex.EncodeToString([]byte(part)),
		"HEX":                        strings.ToUpper(hex.EncodeToString([]byte(part))),
		"hex after a digit":          "7" + hex.EncodeToString([]byte(part)),
		"hex with spaces":            bytesAs("%02x ", part),
		"hex with colons":            bytesAs("%02X:", part),
		"hex with hyphens":           bytesAs("%02x-", part),
		"hex with commas":            bytesAs("0x%02x, ", part),
		"hex with other marks":       bytesAs("%02x;", part) + bytesAs("|%02x", part) + bytesAs(`"%02x",`, part),
		"quoted-printable":           wrapped(bytesAs("=%02X", part), 75, "=\r\n"),
		"HTML, decimal, left open":   bytesAs("&#%d", part),
		"numbers":                    "[" + bytesAs("%d,", part) + "0]",
		"numbers in lines":           bytesAs("%d,\n  ", part),
		"numbers without marks":      bytesAs("%d ", part),
		"numbers of three digits":    bytesAs("%03d ", part),
		"variation selectors":        bytesAs("%c\ufe0e", part),
		"fillers":                    bytesAs("%c\u3164", part),
		"joiners":                    bytesAs("%c\u034f", part),
		"HTML, hex, left open":       bytesAs("&#x%x", part),
		"ECMAScript":                 bytesAs(`\u{%x}`, part),
		"escape":                     bytesAs("%%u%04X", part),
		"code points":                bytesAs("U+%04X ", part),
		"UTF-32":                     bytesAs(`\U%08x`, part),
		"UTF-16 in hex":              bytesAs("%02x00", part),
		"UTF-16 in base64":           std([]byte("\x00" + bytesAs("%c\x00", part))),
		"hex in lines":               wrapped(hex.EncodeToString([]byte(part)), 7, "\n"),
		"base64":                     std([]byte(part)),
		"base64 after one":           std([]byte("x" + part + "y")),
		"base64 after two":           std([]byte("xy" + part + "z")),
		"base64, no padding":         base64.RawStdEncoding.EncodeToString([]byte("x" + part)),
		"base64url of it":            base64.URLEncoding.EncodeToString([]byte(part)),
		"base64 in lines":            wrapped(std([]byte("x"+part)), 7, "\r\n"),
		"base64 in a URL":            url.QueryEscape(std([]byte(part))),
		"base64 in JSON":             strings.ReplaceAll(std([]byte(part)), "/", `\/`),
		"base64 of escapes":          std([]byte(bytesAs(`\u%04x`, part))),
		"base64 of the other kind's": std([]byte(strings.NewReplacer("-", "+", "_", "/").Replace(part))),
		"base64 twice":               std([]byte("x" + std([]byte("xy"+part)))),
		"base64 of hex":              std([]byte(hex.EncodeToString([]byte(part)))),
		"hex of base64":              hex.EncodeToString([]byte(std([]byte(part)))),
	}
}

// made returns a secret of the alphabet, the same in each run.
func made(alphabet string, n int) string {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	std64   = letters + "+/"
	url64   = letters + "-_"
)

var (
	innerToken = base64.StdEncoding.EncodeToString([]byte("invented-and-not-Apples:" + made(letters, 100)))
	content    = base64.StdEncoding.EncodeToString([]byte(`{"token":"` + innerToken +
		`","expDate":"2027-11-20T18:13:52+0000","orgName":"Nordwind School District"}`))
	jwt       = made(url64, 100) + "." + made(url64, 300) + "." + made(url64, 86)
	clientKey = "Abc8Q~" + made(letters+"~._-", 34)
)

func TestFragments(t *testing.T) {
	t.Parallel()
	plain, err := base64.StdEncoding.DecodeString(innerToken)
	if err != nil {
		t.Fatal(err)
	}
	for kind, tc := range map[string]struct{ secret, shown string }{
		"content token":          {content, content},
		"Apple's own token":      {content, innerToken},
		"what Apple's own holds": {content, string(plain)},
		"in lines":               {wrapped(content, 76, "\r\n"), content},
		"bearer":                 {jwt, jwt},
		"client secret":          {clientKey, clientKey},
	} {
		n := len(tc.shown)
		for where, part := range map[string]string{
			"whole": tc.shown, "no end": tc.shown[:n-4], "no beginning": tc.shown[5:],
			"middle": tc.shown[n/3 : 2*n/3], "no padding": strings.TrimRight(tc.shown, "="),
			"twelve": tc.shown[7:19], "the last twelve": tc.shown[n-12:], "a part": strings.Split(tc.shown, ".")[0],
		} {
			for form, text := range forms(part) {
				if part[0] == '=' || strings.HasPrefix(form, "base64 of the other") && kind == "client secret" {
					continue
				}
				name := kind + ", " + where + ", " + form
				got := graph.Scrub("It said: \""+text+"\", no more.", []string{tc.secret})
				rest := strings.TrimSuffix(strings.TrimPrefix(got, "It said: \""), "\", no more.")
				if left := strings.ReplaceAll(rest, "REDACTED", ""); !strings.Contains(rest, "REDACTED") ||
					len(left) > 12 {
					t.Errorf("%s: %q became %q", name, text, got)
				}
			}
		}
	}
}

// The parts of a bearer are secret one by one, also short ones.
func TestPartsOfABearer(t *testing.T) {
	t.Parallel()
	bearer := "eyJhbGci0." + "c2hvcnQ1." + made(url64, 40)
	for part := range strings.SplitSeq(bearer, ".") {
		if got := graph.Scrub("part "+part+" of it", []string{bearer}); got != "part REDACTED of it" {
			t.Errorf("got %q", got)
		}
	}
}

// What is in a message anyway stays there.
func TestScrubLeavesMessages(t *testing.T) {
	t.Parallel()
	secrets := []string{jwt, content, clientKey}
	texts := []string{
		"Application is not authorized to perform this operation. Application must have one of the following scopes: DeviceManagementApps.ReadWrite.All - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: cc7fa3b3-bb25-420b-bfb2-1498e598ba43",
		"No OData route exists that match template ~/singleton/navigation/key with http verb PATCH for request /AppLifecycle_2411/StatelessAppMetadataFEService/deviceAppManagement/vppTokens('2b1b5b0e-4a9a-4f5a-9d0c-9d1c7a6d1c11').",
		`{"error":{"code":"UnknownError","message":"{\"ErrorCode\":\"Forbidden\",\"Message\":\"{\\r\\n  \\\"_version\\\": 3}\",\"Target\":null,\"Details\":null}","innerError":{"date":"2026-11-20T13:50:50","request-id":"00000000-0000-4000-8000-000000000077"}}}`,
		"The token of Nordwind School District expires 2027-11-20T18:13:52+0000.",
		`"orgName":"Nordwind School District"`,
		"InvalidAuthenticationToken: Access token has expired or is not yet valid.",
		"IDX14100: JWT is not well formed, there are no dots (.).", "The bearer is invalid.",
		"100% of it, 50%25, a%20b, &amp; &#43; \\u002B \\n", "deadbeefdeadbeefdeadbeefdeadbeef",
		"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=", "Fri, 20 Nov 2026 12:51:51 GMT",
		"application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
		"A value is required for property 'displayName'. Nordwind Skole, Bergen é 漢",
		`{"ServerInfo":{"DataCenter":"Norway East","Slice":"E","Ring":"4","ScaleUnit":"001","RoleInstance":"OSL1PEPF00000D7B"}}`,
	}
	for _, text := range texts {
		encoded := base64.StdEncoding.EncodeToString([]byte(text))
		if strings.Contains(text, "Nordwind") || strings.Contains(text, "UnknownError") {
			encoded = "" // the same words are in the content token, which is base64 itself
		}
		for _, text := range []string{
			text, strings.Repeat(text+" ", 20), url.QueryEscape(text), encoded,
			hex.EncodeToString([]byte(text)), html.EscapeString(text),
		} {
			if got := graph.Scrub(text, secrets); got != text {
				t.Errorf("%q became %q", text, got)
			}
		}
	}
}

// The time is bounded whatever comes: 8 KiB and more of secrets, a whole error's text. One that
// tries each place of the text with each of a secret takes seconds for some of these.
func TestScrubIsLinear(t *testing.T) {
	t.Parallel()
	same := strings.Repeat("A", 8<<10)
	var many []string // as the parts of a query that the service chose
	for i := range 4000 {
		many = append(many, fmt.Sprintf("p%06d", i*i), fmt.Sprintf("q%05d", i))
	}
	for _, secrets := range [][]string{
		many,
		{same + "B", jwt, content, made(std64, 64<<10)},
		{strings.Repeat(`\`, 8<<10), strings.Repeat("VVVV", 2<<10), strings.Repeat("%30", 1<<10)},
	} {
		for _, unit := range []string{
			"A", `\`, "%", "%2525", `\u0`, `\\u0041`, "%41", "&#65;", "&", ";", strings.Repeat("&", 31) + ";",
			"30:", "VVVV", "QUFB", " ", "=", "4141", strings.Repeat("A", 8<<10) + "C", "p000001", "p00000",
		} {
			text := strings.Repeat(unit, graph.MaxErrorBody/len(unit))
			began := time.Now()
			_ = graph.Scrub(text, secrets)
			if took := time.Since(began); took > 5*time.Second { // some hundred times what it takes
				t.Errorf("%.8s in many %.12s: %v", secrets[0], unit, took)
			}
		}
	}
}

func BenchmarkScrub(b *testing.B) {
	bearer := made(url64, 800) + "." + made(url64, 1500) + "." + made(url64, 342)
	message := "An error has occurred - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: cc7fa3b3-bb25-420b-bfb2-1498e598ba43"
	for name, text := range map[string]string{
		"id": "cc7fa3b3-bb25-420b-bfb2-1498e598ba43", "message": message, "long": strings.Repeat(message+" ", 400),
		"worst": strings.Repeat("VVVV", 16<<10), "letters": made(std64, 64<<10),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = graph.Scrub(text, []string{bearer, content})
			}
		})
	}
}
