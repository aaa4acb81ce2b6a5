package graph

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrorBody is the readable content of an error answer. Its texts are the service's own, not
// scrubbed.
type ErrorBody struct {
	Code       string // error.code, or the innermost code when that is UnknownError
	Message    string // unwrapped from the JSON that Intune puts into error.message, without its Url
	Target     string // error.target, or the first one of its details
	RequestID  string
	ActivityID string
	RetryAfter time.Duration // Intune's, from inside the message; 0 if there is none
	Forbidden  bool          // the service means 403, whatever the status: Intune wraps it in a 401
}

// saw notes a code of any level.
func (e *ErrorBody) saw(code lenient) {
	e.Forbidden = e.Forbidden || strings.EqualFold(string(code), "Forbidden")
}

// lenient is a string that accepts whatever stands in its place.
type lenient string

func (l *lenient) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*l = lenient(s)
	} else if b[0] != '{' && b[0] != '[' {
		*l = lenient(b)
	}
	return nil
}

// optional decodes a value of the shape of T, and ignores anything else.
type optional[T any] struct{ value T }

func (o *optional[T]) UnmarshalJSON(b []byte) error {
	var v T
	if json.Unmarshal(b, &v) == nil {
		o.value = v
	}
	return nil
}

type graphError struct {
	Code       lenient                `json:"code"`
	Message    lenient                `json:"message"`
	Target     lenient                `json:"target"`
	Details    optional[[]graphError] `json:"details"`
	RequestID  lenient                `json:"request-id"`
	RetryAfter lenient                `json:"RetryAfter"`
	InnerError optional[*graphError]  `json:"innerError"` // innererror occurs too: encoding/json accepts both
}

// intuneError is the JSON in the message of an Intune error, nested again in its own Message.
type intuneError struct {
	ErrorCode            lenient                `json:"ErrorCode"`
	Message              lenient                `json:"Message"`
	Target               lenient                `json:"Target"`
	Details              optional[[]graphError] `json:"Details"`
	CustomAPIErrorPhrase lenient                `json:"CustomApiErrorPhrase"`
	RetryAfter           lenient                `json:"RetryAfter"`
	Version              json.RawMessage        `json:"_version"` // what is left to tell it by when the others are empty
}

func (e *intuneError) isIntunes() bool {
	return e.Message != "" || e.ErrorCode != "" || e.CustomAPIErrorPhrase != "" || e.RetryAfter != "" || e.Version != nil
}

// maxNesting bounds how deep an error is nested: optional reads all inner levels again at each one.
const maxNesting = 64

// tooDeep reports whether the JSON in text is nested deeper than maxNesting.
func tooDeep(text []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for d.StackDepth() <= maxNesting {
		if _, err := d.ReadToken(); err != nil {
			return false
		}
	}
	return true
}

// ParseError reads the body of an error answer. It accepts anything: Graph's error, a bare string,
// an HTML page.
func ParseError(body []byte) ErrorBody {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\uFEFF")))
	var outer struct {
		Error json.RawMessage `json:"error"`
	}
	if tooDeep(body) || json.Unmarshal(body, &outer) != nil {
		return ErrorBody{Message: notGraph(body)}
	}
	if outer.Error == nil {
		return bare(body)
	}
	var g graphError
	if json.Unmarshal(outer.Error, &g) != nil {
		var text lenient
		_ = json.Unmarshal(outer.Error, &text) // never fails
		return ErrorBody{Message: message(string(text), nil)}
	}
	e := ErrorBody{Code: string(g.Code), Target: target(g.Target, g.Details.value), RequestID: string(g.RequestID)}
	e.RetryAfter = span(string(g.RetryAfter))
	e.saw(g.Code)
	inner := unwrap(&e, string(g.Message))
	innermost := ""
	for in := g.InnerError.value; in != nil; in = in.InnerError.value {
		if e.RequestID == "" {
			e.RequestID = string(in.RequestID)
		}
		e.saw(in.Code)
		if in.Code != "" && !strings.EqualFold(string(in.Code), "UnknownError") {
			innermost = string(in.Code)
		}
	}
	if inner = cmp.Or(inner, innermost); inner != "" && (e.Code == "" || strings.EqualFold(e.Code, "UnknownError")) {
		e.Code = inner
	}
	e.ActivityID = activityIn(e.Message)
	return e
}

// bare reads an error of Intune's or a gateway's without Graph's around it.
func bare(body []byte) ErrorBody {
	var in intuneError
	if json.Unmarshal(body, &in) != nil || !in.isIntunes() {
		return ErrorBody{Message: notGraph(body)}
	}
	var e ErrorBody
	e.Code = unwrap(&e, string(body))
	e.ActivityID = activityIn(e.Message)
	return e
}

// activityIn returns the activity id in a message, or "".
func activityIn(message string) string {
	if m := activityID().FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return ""
}

func target(own lenient, details []graphError) string {
	for _, d := range details {
		if own == "" {
			own = d.Target
		}
	}
	return string(own)
}

// unwrap extracts the message from the JSON that it is nested in, with what else that holds, and
// returns the innermost code. It never searches the text for a status: its Url can hold digits like
// 403.
func unwrap(e *ErrorBody, text string) (code string) {
	var phrases []string
	for text = strings.TrimPrefix(text, "\uFEFF"); strings.HasPrefix(strings.TrimSpace(text), "{"); {
		var in intuneError
		if tooDeep([]byte(text)) || json.Unmarshal([]byte(text), &in) != nil || !in.isIntunes() {
			break
		}
		e.saw(in.ErrorCode)
		if in.ErrorCode != "" {
			code = string(in.ErrorCode)
		}
		if e.Target == "" {
			e.Target = target(in.Target, in.Details.value)
		}
		e.RetryAfter = max(e.RetryAfter, span(string(in.RetryAfter)))
		phrases = append(phrases, string(in.CustomAPIErrorPhrase))
		text = string(in.Message)
	}
	e.Message = message(text, phrases)
	return code
}

// span parses the wait in Intune's message: seconds, or hours, minutes and seconds as .NET writes
// them.
func span(text string) time.Duration {
	if seconds, err := time.Parse("15:04:05", text); err == nil { // accepts a fraction as well
		return seconds.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	if strings.Trim(text, " 0123456789.,") != "" {
		return 0
	}
	return retryAfter(http.Header{"Retry-After": {text}}, time.Time{})
}

const page = "the answer is a page of HTML or XML"

// message makes one text of Intune's, without the Url, and with a phrase only if it adds something.
// Some messages end with the label of the phrase and nothing after it.
func message(text string, phrases []string) string {
	if at := htmlPage().FindStringIndex(text); at != nil {
		if text = strings.TrimRight(text[:at[0]], " \r\n\t:-"); text == "" {
			return page
		}
		return text + ": " + page
	}
	parts := phraseLabel().Split(messageURL().ReplaceAllString(text, "$1"), -1)
	text = strings.TrimSpace(parts[0])
	for _, p := range append(parts[1:], phrases...) {
		p = strings.Trim(p, " \r\n\t")
		switch {
		case strings.Contains(text, strings.TrimRight(p, ".!")):
		case !htmlPage().MatchString(p):
			text = strings.TrimSpace(text + " " + p)
		case text == "":
			text = page
		}
	}
	return text
}

// notGraph returns the message of a body that is not Graph's: short text is kept, an HTML page is
// only mentioned.
func notGraph(body []byte) string {
	switch {
	case len(body) == 0, !utf8.Valid(body), body[0] == '{', body[0] == '[', string(body) == "null":
		return ""
	case body[0] == '<':
		return page
	case body[0] == '"':
		var text lenient
		if json.Unmarshal(body, &text) == nil {
			return message(string(text), nil)
		}
	}
	return message(string(body), nil)
}

// Throttles reports whether an answer refuses a request because there were too many. Intune also
// does that with a 500, whose message is matched with care: many other texts have the words "rate"
// and "limit".
func Throttles(status int, code, message string) bool {
	switch status {
	case http.StatusTooManyRequests:
		return true
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		message = strings.Join(strings.Fields(message), " ")
		return strings.EqualFold(code, "TooManyRequests") ||
			tooMany().MatchString(message) && !otherLimit().MatchString(message)
	}
	return false
}

// NoIntune reports whether the service refused a request because Intune does not know the tenant.
func NoIntune(status int, message string) bool {
	return status/100 == 4 && notApplicable().MatchString(message)
}

// lazy compiles a pattern on first use: most programs never see the errors that need it.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

var (
	// A query that nobody encoded reaches to the next label.
	messageURL  = lazy(`(?is)\s*(?:-\s*)?\bUrl:\s*(?:[^\s?]*\?.*?(\s-\s[a-z][a-z ()]*:|$)|\S*)`)
	activityID  = lazy(`(?i)Activity ID:\s*([0-9A-Za-z-]{1,64})`)
	phraseLabel = lazy(`(?i)\s*(?:-\s*)?\bCustomApiErrorPhrase:\s*`)
	htmlPage    = lazy(`(?is)^\s*<(?:[!?/]|[a-z][^<>]*>.*</)|(?:<|&lt;)` +
		`(?:!doctype|\?xml|html|head|body|title|h[1-6]|div|center|script|style|p|br|hr|table|span|[uo]l|img|meta|svg)\b`)
	notApplicable = lazy(`(?i)\bnot applicable (?:to|for) (?:(?:the|this|your) )?(?:target )?tenant\b`)
	otherLimit    = lazy(`(?i)\bbatch|\bno (?:rate|throttl)|\bhit rate\b`)
	tooMany       = lazy(`(?i)\btoo[ -]many[ -](?:\w+ )?(?:requests|calls)\b` +
		`|\b(?:is|are|was|were|been|being) (?:throttled|rate[ -]?limited)\b` +
		`|(?:^|[.:;!] )rate[ -]?limited\b` +
		`|\b(?:rate|throttl(?:e|ing))[ -]?limit(?:s|ing)?(?: (?:for|of|on)\b[^.;:]{0,80}| \([^()]{0,40}\))?` +
		` (?:(?:is|was|are|were|has been|have been) )?(?:reached|exceeded|hit)\b` +
		`|\b(?:reached|exceeded|exceeds|hit|over)` +
		` (?:(?:the|its|your|our|a|an|api|request|tenant|tenant's|allowed|maximum|service|call) ){0,4}rate[ -]?limits?\b`)
)
