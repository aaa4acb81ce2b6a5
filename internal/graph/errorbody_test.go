package graph_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	const page = "the answer is a page of HTML or XML"
	for name, tc := range map[string]struct {
		body []byte
		want graph.ErrorBody
	}{
		"Intune's": {
			fixture(t, "error-intune-nested-once.json"),
			graph.ErrorBody{Code: "BadRequest", Message: operation, RequestID: id + "77", ActivityID: id + "77"},
		},
		"Intune's, twice": {
			fixture(t, "error-intune-nested-twice.json"),
			graph.ErrorBody{Code: "Forbidden", Forbidden: true, Message: operation, RequestID: id + "77", ActivityID: id + "77"},
		},
		"throttled": {
			fixture(t, "error-throttled.json"),
			graph.ErrorBody{Code: "TooManyRequests", Message: "Please retry again later.", RequestID: id + "79"},
		},
		"innermost code": {
			[]byte(`{"error":{"code":"UnknownError","message":"m","innerError":{"innerError":{"code":"Deep","request-id":"r"}}}}`),
			graph.ErrorBody{Code: "Deep", Message: "m", RequestID: "r"},
		},
		"own code stays": {
			[]byte(`{"error":{"code":"Own","message":"m","innererror":{"code":"Inner"}}}`),
			graph.ErrorBody{Code: "Own", Message: "m"},
		},
		"phrase": {
			[]byte(`{"error":{"code":"C","message":"{\"Message\":\"A\",\"CustomApiErrorPhrase\":\"B\"}"}}`),
			graph.ErrorBody{Code: "C", Message: "A B"},
		},
		"braces, no JSON": {
			[]byte(`{"error":{"code":"C","message":"{oops"}}`),
			graph.ErrorBody{Code: "C", Message: "{oops"},
		},
		"other JSON": {
			[]byte(`{"error":{"code":"C","message":"{\"a\":1}"}}`),
			graph.ErrorBody{Code: "C", Message: `{"a":1}`},
		},
		"the innermost code counts": {
			[]byte(`{"error":{"code":"UnknownError","message":"m","innerError":{"code":"A","innererror":{"code":"B","innerError":{"code":"UnknownError"}}}}}`),
			graph.ErrorBody{Code: "B", Message: "m"},
		},
		"a string": {[]byte(`"no, \"never\""`), graph.ErrorBody{Message: `no, "never"`}},
		"bare":     {[]byte(" no \r\n"), graph.ErrorBody{Message: "no"}},
		"HTML": {
			[]byte("<html>no</html>"),
			graph.ErrorBody{Message: "the answer is a page of HTML or XML"},
		},
		"byte order mark": {
			[]byte("\uFEFF" + `{"error":{"code":"C","message":"m"}}`),
			graph.ErrorBody{Code: "C", Message: "m"},
		},
		"HTML, byte order mark": {[]byte("\uFEFF\r\n<html>no</html>"), graph.ErrorBody{Message: page}},
		"OAuth": {
			[]byte(`{"error":"invalid_grant","error_description":"d"}`),
			graph.ErrorBody{Message: "invalid_grant"},
		},
		"empty":     {nil, graph.ErrorBody{}},
		"null":      {[]byte("null"), graph.ErrorBody{}},
		"array":     {[]byte(`[{"error":1}]`), graph.ErrorBody{}},
		"not UTF-8": {[]byte("\xff\xfe"), graph.ErrorBody{}},
		"deep":      {[]byte(strings.Repeat(`{"error":`, 20_000)), graph.ErrorBody{}},
		"F16: Intune's, without Graph's around it": {
			[]byte(`{"ErrorCode":"Forbidden","Message":"{\"_version\":3,\"Message\":\"m - Activity ID: a-1\",\"RetryAfter\":30}"}`),
			graph.ErrorBody{Code: "Forbidden", Forbidden: true, Message: "m - Activity ID: a-1", ActivityID: "a-1", RetryAfter: 30 * time.Second},
		},
		"a gateway's":        {[]byte(`{"statusCode":429,"message":"Try later."}`), graph.ErrorBody{Message: "Try later."}},
		"somebody's":         {[]byte(`{"a":"{}"}`), graph.ErrorBody{}},
		"somebody's, inside": {[]byte(`{"message":"{\"a\":1}"}`), graph.ErrorBody{Message: `{"a":1}`}},
		"target": {
			[]byte(`{"error":{"code":"C","message":"m","target":"displayName","details":[{"target":"token"}]}}`),
			graph.ErrorBody{Code: "C", Message: "m", Target: "displayName"},
		},
		"target in details": {
			[]byte(`{"error":{"code":"C","message":"m","target":null,"details":[{"code":"x"},{"target":"appleId"},{"target":"token"}]}}`),
			graph.ErrorBody{Code: "C", Message: "m", Target: "appleId"},
		},
		"target of Intune's": {
			[]byte(`{"error":{"code":"UnknownError","message":"{\"ErrorCode\":\"C\",\"Message\":\"m\",\"Target\":\"state\"}"}}`),
			graph.ErrorBody{Code: "C", Message: "m", Target: "state"},
		},
		"outer target and id": {
			[]byte(`{"error":{"code":"C","message":"{\"Message\":\"m\",\"Target\":\"b\"}","target":"a",` +
				`"innerError":{"request-id":"r","innerError":{"request-id":"s","innerError":{}}}}}`),
			graph.ErrorBody{Code: "C", Message: "m", Target: "a", RequestID: "r"},
		},
		"odd members": {
			[]byte(`{"error":{"code":"C","message":"m","target":{},"details":"x","innerError":"y"}}`),
			graph.ErrorBody{Code: "C", Message: "m"},
		},
		"code with spaces": {
			[]byte(`{"error":{"code":"No method match route template","message":"No OData route exists"}}`),
			graph.ErrorBody{Code: "No method match route template", Message: "No OData route exists"},
		},
		"F22: HTML": {
			[]byte(`{"error":{"code":"C","message":"<!DOCTYPE html><html><body>503</body></html>"}}`),
			graph.ErrorBody{Code: "C", Message: page},
		},
		"F22: HTML, XML": {
			[]byte(`{"error":{"message":" \r\n<?xml version='1.0'?><a/>"}}`),
			graph.ErrorBody{Message: page},
		},
		"F22: HTML, heading": {
			[]byte(`{"error":{"message":"<h2>Our services aren't available right now</h2>"}}`),
			graph.ErrorBody{Message: page},
		},
		"F22: HTML behind": {
			[]byte(`{"error":{"message":"Bad gateway: <HTML lang=en><head>"}}`),
			graph.ErrorBody{Message: "Bad gateway: " + page},
		},
		"F22: HTML, in JSON": {
			[]byte(`{"error":{"message":"{\"Message\":\"<html>\"}"}}`),
			graph.ErrorBody{Message: page},
		},
		"F22: HTML, only inner tags": {
			[]byte(`{"error":{"message":"Not available right now<br/><p>We're working on it.</p>"}}`),
			graph.ErrorBody{Message: "Not available right now: " + page},
		},
		"F22: HTML, a table": {
			[]byte(`{"error":{"message":"Access denied <table><tr><td>x"}}`),
			graph.ErrorBody{Message: "Access denied: " + page},
		},
		"F22: a placeholder": {
			[]byte(`{"error":{"message":"<null> is not a valid value for displayName"}}`),
			graph.ErrorBody{Message: "<null> is not a valid value for displayName"},
		},
		"F22: XML": {
			[]byte(`{"error":{"message":"<Fault><Code>x</Code></Fault>"}}`), graph.ErrorBody{Message: page},
		},
		"F22: no text": {
			[]byte(`{"error":{"message":"{\"_version\":3,\"Message\":\"\",\"CustomApiErrorPhrase\":\"\",\"RetryAfter\":null}"}}`),
			graph.ErrorBody{},
		},
		"F22: null in nested JSON": {
			[]byte(`{"error":{"message":"{\"_version\":3,\"Message\":null,\"HttpHeaders\":\"{}\"}"}}`), graph.ErrorBody{},
		},
		"F22: a Url that nobody encoded": {
			[]byte(`{"error":{"message":"No. - Url: https://x/?$filter=name eq 'Bergen - north' and a - Activity ID: a-1"}}`),
			graph.ErrorBody{Message: "No. - Activity ID: a-1", ActivityID: "a-1"},
		},
		"F22: a Url that nobody encoded, last": {
			[]byte(`{"error":{"message":"No. - Url: https://x/?$filter=name eq 'Bergen north'"}}`),
			graph.ErrorBody{Message: "No."},
		},
		"F22: a Url without a query": {
			[]byte(`{"error":{"message":"No. - Url: https://x/y is down"}}`), graph.ErrorBody{Message: "No. is down"},
		},
		"F22: less than": {
			[]byte(`{"error":{"message":"1 < 2, a<b, List<String>"}}`),
			graph.ErrorBody{Message: "1 < 2, a<b, List<String>"},
		},
		"F22: phrase twice": {
			[]byte(`{"error":{"message":"{\"Message\":\"A - Url: https://x/?404 - CustomApiErrorPhrase: B c\",\"CustomApiErrorPhrase\":\"B c\"}"}}`),
			graph.ErrorBody{Message: "A B c"},
		},
		"F22: phrase again": {
			[]byte(`{"error":{"message":"{\"Message\":\"A B c.\",\"CustomApiErrorPhrase\":\"B c\"}"}}`),
			graph.ErrorBody{Message: "A B c."},
		},
		"F22: phrase nested": {
			[]byte(`{"error":{"message":"{\"CustomApiErrorPhrase\":\"B\",\"Message\":\"{\\\"Message\\\":\\\"A\\\",\\\"CustomApiErrorPhrase\\\":\\\"B\\\"}\"}"}}`),
			graph.ErrorBody{Message: "A B"},
		},
		"F22: phrase with a period": {
			[]byte(`{"error":{"message":"{\"Message\":\"A: B c\",\"CustomApiErrorPhrase\":\"B c.\"}"}}`),
			graph.ErrorBody{Message: "A: B c"},
		},
		"F22: phrase is HTML": {
			[]byte(`{"error":{"message":"{\"Message\":\"A\",\"CustomApiErrorPhrase\":\"<html>B</html>\"}"}}`),
			graph.ErrorBody{Message: "A"},
		},
		"F22: nothing but HTML": {
			[]byte(`{"error":{"message":"{\"Message\":\"\",\"CustomApiErrorPhrase\":\"<html>B</html>\"}"}}`),
			graph.ErrorBody{Message: page},
		},
		"F22: HTML, a fragment behind": {
			[]byte(`{"error":{"message":"Upstream: <H1>Bad gateway</H1><div class='x'>B</div>"}}`),
			graph.ErrorBody{Message: "Upstream: " + page},
		},
		"F22: HTML behind a BOM": {
			[]byte(`{"error":{"message":"\ufeff<html>"}}`), graph.ErrorBody{Message: page},
		},
		"F22: JSON behind a BOM": {
			[]byte(`{"error":{"message":"\ufeff{\"Message\":\"A\",\"RetryAfter\":\"30\"}"}}`),
			graph.ErrorBody{Message: "A", RetryAfter: 30 * time.Second},
		},
		"F22: dangling": {
			[]byte(`{"error":{"code":"Forbidden","message":"No. - Activity ID: a-1 - Url: https://x/?v=1 - CustomApiErrorPhrase: "}}`),
			graph.ErrorBody{Code: "Forbidden", Forbidden: true, Message: "No. - Activity ID: a-1", ActivityID: "a-1"},
		},
		"F22: dangling, bare": {
			[]byte(`{"error":{"message":"No. - CustomApiErrorPhrase:"}}`),
			graph.ErrorBody{Message: "No."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := graph.ParseError(tc.body); got != tc.want {
				t.Errorf("ParseError = %+v, want %+v", got, tc.want)
			}
		})
	}
}

// Intune says in its message how long to wait.
func TestF16WaitInTheBody(t *testing.T) {
	t.Parallel()
	quote := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	for value, want := range map[string]time.Duration{
		`"30"`: 30 * time.Second, `30`: 30 * time.Second, `2.128`: 2128 * time.Millisecond,
		`" 7 "`: 7 * time.Second, `"30,120"`: 2 * time.Minute, `"9, 5"`: 9 * time.Second,
		`"00:00:30"`: 30 * time.Second, `"00:05:15.5"`: 315500 * time.Millisecond,
		`null`: 0, `""`: 0, `0`: 0, `-3`: 0, `"soon"`: 0, `{}`: 0, `[30]`: 0, `true`: 0, `"NaN"`: 0, `1e3`: 0,
		`99999999999999999999`: math.MaxInt64, `"Fri, 20 Nov 2026 12:51:51 GMT"`: 0,
	} {
		once := `{"_version":3,"Message":"m","RetryAfter":` + value + `}`
		twice := `{"ErrorCode":"TooManyRequests","Message":` + quote(once) + `}`
		around := `{"ErrorCode":"TooManyRequests","Message":` + quote(`{"Message":"m"}`) + `,"RetryAfter":` +
			value + `}`
		for _, message := range []string{once, twice, around} {
			if got := graph.ParseError([]byte(`{"error":{"code":"x","message":` + quote(message) +
				`}}`)); got.RetryAfter != want || got.Message != "m" {
				t.Errorf("%s: %v, %q", message, got.RetryAfter, got.Message)
			}
		}
		for _, text := range []string{
			`{"error":{"message":` + quote(`{"RetryAfter":`+value+`}`) + `}}`,
			`{"error":{"message":` + quote(`{"_version":3,"Message":"","RetryAfter":`+value+`}`) + `}}`,
			`{"error":{"message":"m","RetryAfter":` + value + `}}`,
		} {
			if got := graph.ParseError([]byte(text)); got.RetryAfter != want {
				t.Errorf("%s: %v", text, got.RetryAfter)
			}
		}
	}
}

// However deep it is nested, an error is read about as fast as a flat text of its size: the caller
// may have a deadline.
func TestR07DeepErrorsAreReadInAMoment(t *testing.T) {
	t.Parallel()
	fastest := func(body string) time.Duration {
		best := time.Hour
		for range 3 {
			began := time.Now()
			_ = graph.ParseError([]byte(body))
			best = min(best, time.Since(began))
		}
		return best
	}
	escape := strings.NewReplacer(`"`, `\"`)
	flatten := strings.NewReplacer("{", "(", "[", "(", `"`, "'")
	for name, level := range map[string][2]string{
		"innerError": {`{"innerError":`, `}`}, "details": {`{"details":[`, `]}`},
		"both": {`{"innerError":{"details":[`, `]}}`},
	} {
		n := graph.MaxErrorBody / len(level[0]+level[1]) * 3 / 4
		nested := strings.Repeat(level[0], n) + "{}" + strings.Repeat(level[1], n)
		inText := `{"error":{"message":"` + escape.Replace(`{"Message":"m","Details":[`+nested+`]}`) + `"}}`
		flat := fastest(`{"error":{"message":"` + flatten.Replace(nested) + `"}}`)
		for where, body := range map[string]string{"error": `{"error":` + nested + `}`, "message": inText} {
			if took := fastest(body); took > 25*flat+10*time.Millisecond {
				t.Errorf("%s in %s: it took %v, a flat one %v", name, where, took, flat)
			}
		}
	}
}

// Throttling is told from what only has the words.
func TestF17ThrottlingAsA500(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		"Rate limit reached because of too many requests for tenant x. Please retry after sometime.",
		"RATE LIMIT REACHED", "Rate limit exceeded", "The rate limit is exceeded. Try again in 5 seconds.",
		"API rate limit has been reached", "rate-limit was hit", "Ratelimit exceeded",
		"You have exceeded the rate limit", "The request exceeded its allowed rate limit.", "Too many requests",
		"too many write requests",
		"Rate limit for tenant 0a-1 reached", "The request was throttled.", "Requests have been throttled",
		"Requests are rate limited.", "The application has been rate-limited", "Throttling limit reached",
		"Throttle limit exceeded.",
		"Too many calls. Retry later.",
		"Rate limit for tenant 11111111-2222-4333-8444-555555555555 reached. Please retry after sometime.",
		"Rate limited. Please retry later.", "Error: rate limited", "Rate limit (100 per 20 s) reached.",
		"Rate  limit\r\nreached", "Too  many\trequests",
	} {
		for _, status := range []int{500, 502, 503, 504} {
			if !graph.Throttles(status, "InternalError", message) {
				t.Errorf("%d %q is throttling", status, message)
			}
		}
		if graph.Throttles(400, "", message) || graph.Throttles(200, "", message) || graph.Throttles(0, "", message) {
			t.Errorf("%q is throttling whatever the status", message)
		}
	}
	for _, message := range []string{
		"", "The maximum limit of 100 items was reached.", "Failed to generate the report: limit exceeded.",
		"The rate could not be read, the limit is 5.", "The rate limit policy could not be loaded.",
		"The rate limit was not reached.", "Failed to write the rate limit configuration: maximum length exceeded.",
		"Corporate limit reached", "Too many requests in the batch.", "Too many tokens requested.",
		"Please retry after sometime.", "Migrate: limit exceeded", "An error has occurred",
		"The throttling limit could not be read.", "A rate limited plan can't be changed.",
		"Failed to separate limited licenses", "The cache hit rate limit must be below 1.",
		"No rate limit was reached, the app is missing.",
	} {
		if graph.Throttles(500, "InternalError", message) {
			t.Errorf("%q is no throttling", message)
		}
	}
	if !graph.Throttles(429, "", "") || !graph.Throttles(503, "tooManyRequests", "") {
		t.Error("by status and code")
	}
	for _, status := range []int{501, 505, 507, 511, 599} { // never to be repeated
		if graph.Throttles(status, "TooManyRequests", "Too many requests") {
			t.Errorf("a %d is throttling", status)
		}
	}
}

func TestF21NoIntune(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		"Request not applicable to target tenant.",
		"request NOT applicable to target tenant", "The request is not applicable to the target tenant.",
	} {
		if !graph.NoIntune(400, message) || graph.NoIntune(500, message) || graph.NoIntune(200, message) {
			t.Errorf("%q", message)
		}
	}
	for _, message := range []string{
		"", "The tenant is not the target.", "This property is not applicable.",
		"Request not found in target tenant.",
	} {
		if graph.NoIntune(400, message) {
			t.Errorf("%q", message)
		}
	}
}

func FuzzParseError(f *testing.F) {
	for _, name := range []string{
		"error-intune-nested-once.json", "error-intune-nested-twice.json",
		"error-throttled.json",
	} {
		f.Add(fixture(f, name))
	}
	for _, s := range []string{
		"", "null", "[]", `{"error":null}`, `{"error":"x"}`,
		`{"error":{"message":"{\"Message\":\"{}\"}"}}`, `{"error":{"innerError":{"innererror":{}}}}`, "<",
		"\uFEFF{}", `"x"`,
	} {
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
