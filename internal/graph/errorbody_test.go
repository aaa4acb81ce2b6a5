package graph_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/internal/graph"
)

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestParseError(t *testing.T) {
	t.Parallel()
	const operation = "An error has occurred - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - " +
		"Activity ID: 00000000-0000-4000-8000-000000000077"
	const id = "00000000-0000-4000-8000-0000000000"
	for name, tc := range map[string]struct {
		body []byte
		want graph.ErrorBody
	}{
		"Intune's":        {fixture(t, "error-intune-nested-once.json"), graph.ErrorBody{Code: "BadRequest", Message: operation, RequestID: id + "77", ActivityID: id + "77"}},
		"Intune's, twice": {fixture(t, "error-intune-nested-twice.json"), graph.ErrorBody{Code: "Forbidden", Message: operation, RequestID: id + "77", ActivityID: id + "77"}},
		"throttled":       {fixture(t, "error-throttled.json"), graph.ErrorBody{Code: "TooManyRequests", Message: "Please retry again later.", RequestID: id + "79"}},
		"innermost code": {
			[]byte(`{"error":{"code":"UnknownError","message":"m","innerError":{"innerError":{"code":"Deep","request-id":"r"}}}}`),
			graph.ErrorBody{Code: "Deep", Message: "m", RequestID: "r"},
		},
		"own code stays": {[]byte(`{"error":{"code":"Own","message":"m","innererror":{"code":"Inner"}}}`), graph.ErrorBody{Code: "Own", Message: "m"}},
		"phrase": {
			[]byte(`{"error":{"code":"C","message":"{\"Message\":\"A\",\"CustomApiErrorPhrase\":\"B\"}"}}`), graph.ErrorBody{Code: "C", Message: "A B"},
		},
		"braces, no JSON": {[]byte(`{"error":{"code":"C","message":"{oops"}}`), graph.ErrorBody{Code: "C", Message: "{oops"}},
		"other JSON":      {[]byte(`{"error":{"code":"C","message":"{\"a\":1}"}}`), graph.ErrorBody{Code: "C", Message: `{"a":1}`}},
		"bare":            {[]byte(" no \r\n"), graph.ErrorBody{Message: "no"}},
		"HTML":            {[]byte("<html>no</html>"), graph.ErrorBody{Message: "the answer is a page of HTML or XML"}},
		"OAuth":           {[]byte(`{"error":"invalid_grant","error_description":"d"}`), graph.ErrorBody{Message: "invalid_grant"}},
		"empty":           {nil, graph.ErrorBody{}},
		"null":            {[]byte("null"), graph.ErrorBody{}},
		"array":           {[]byte(`[{"error":1}]`), graph.ErrorBody{}},
		"not UTF-8":       {[]byte("\xff\xfe"), graph.ErrorBody{}},
		"deep":            {[]byte(strings.Repeat(`{"error":`, 20_000)), graph.ErrorBody{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := graph.ParseError(tc.body); got != tc.want {
				t.Errorf("ParseError = %+v, want %+v", got, tc.want)
			}
		})
	}
}

func FuzzParseError(f *testing.F) {
	for _, name := range []string{"error-intune-nested-once.json", "error-intune-nested-twice.json", "error-throttled.json"} {
		f.Add(fixture(f, name))
	}
	for _, s := range []string{"", "null", "[]", `{"error":null}`, `{"error":"x"}`, `{"error":{"message":"{\"Message\":\"{}\"}"}}`, `{"error":{"innerError":{"innererror":{}}}}`, "<", "\uFEFF{}", `"x"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e := graph.ParseError(body)
		o := graph.Outcome{}
		if text := o.Clean(e.Message) + o.Clean(e.Code); strings.ContainsAny(text, "\r\n\x00") {
			t.Errorf("ParseError(%q) is not one line: %q", body, text)
		}
		if len(e.ActivityID) > 64 {
			t.Errorf("ActivityID %q", e.ActivityID)
		}
		if again := graph.ParseError(body); again != e {
			t.Errorf("ParseError(%q) is not the same twice", body)
		}
	})
}
