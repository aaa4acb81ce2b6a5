package graph

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// ErrorBody is what an error answer tells, as a person wants to read it. Its texts are the service's: not scrubbed.
type ErrorBody struct {
	Code       string // error.code, or the innermost code when that is UnknownError
	Message    string // unwrapped from the JSON that Intune puts into error.message, without its Url
	RequestID  string
	ActivityID string
}

// Forbidden reports whether the service means 403, whatever the status: Intune answers 401 around it.
func (e ErrorBody) Forbidden() bool { return strings.EqualFold(e.Code, "Forbidden") }

// lenient is a string that takes whatever stands in its place.
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

type graphError struct {
	Code       lenient     `json:"code"`
	Message    lenient     `json:"message"`
	RequestID  lenient     `json:"request-id"`
	InnerError *graphError `json:"innerError"` // innererror is seen too: encoding/json takes both
}

// intuneError is what stands, as JSON, in the message of an Intune error, and again in its own Message.
type intuneError struct {
	ErrorCode            lenient `json:"ErrorCode"`
	Message              lenient `json:"Message"`
	CustomAPIErrorPhrase lenient `json:"CustomApiErrorPhrase"`
}

// ParseError reads the body of an error answer. It takes anything: Graph's error, a bare string, a page of HTML.
func ParseError(body []byte) ErrorBody {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\uFEFF")))
	var outer struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &outer) != nil || outer.Error == nil {
		return ErrorBody{Message: notGraph(body)}
	}
	var g graphError
	if json.Unmarshal(outer.Error, &g) != nil {
		var text lenient
		_ = json.Unmarshal(outer.Error, &text) // never fails
		return ErrorBody{Message: string(text)}
	}
	e := ErrorBody{Code: string(g.Code), RequestID: string(g.RequestID)}
	var inner string
	e.Message, inner = unwrap(string(g.Message))
	for in := g.InnerError; in != nil; in = in.InnerError {
		if e.RequestID == "" {
			e.RequestID = string(in.RequestID)
		}
		if in.Code != "" && inner == "" {
			inner = string(in.Code)
		}
	}
	if inner != "" && (e.Code == "" || strings.EqualFold(e.Code, "UnknownError")) {
		e.Code = inner
	}
	if m := activityID().FindStringSubmatch(e.Message); m != nil {
		e.ActivityID = m[1]
	}
	return e
}

// unwrap takes message out of the JSON it is nested in, and returns the innermost code with it. It never looks for
// a status in the text: its Url can hold digits like 403.
func unwrap(message string) (text, code string) {
	for strings.HasPrefix(strings.TrimSpace(message), "{") {
		var in intuneError
		if json.Unmarshal([]byte(message), &in) != nil || in.Message == "" && in.ErrorCode == "" && in.CustomAPIErrorPhrase == "" {
			break
		}
		if in.ErrorCode != "" {
			code = string(in.ErrorCode)
		}
		message = string(in.Message)
		if in.CustomAPIErrorPhrase != "" {
			message = strings.TrimSpace(message + " " + string(in.CustomAPIErrorPhrase))
		}
	}
	return strings.TrimSpace(messageURL().ReplaceAllString(message, "")), code
}

// notGraph is for a body that is not Graph's: short text is kept, a page of HTML is only named.
func notGraph(body []byte) string {
	switch {
	case len(body) == 0, !utf8.Valid(body), body[0] == '{', body[0] == '[', string(body) == "null":
		return ""
	case body[0] == '<':
		return "the answer is a page of HTML or XML"
	}
	return string(body)
}

// lazy compiles a pattern when it is first needed: most programs never see the errors that need it.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

var (
	messageURL = lazy(`(?i)\s*(?:-\s*)?\bUrl:\s*\S*`)
	activityID = lazy(`(?i)Activity ID:\s*([0-9A-Za-z-]{1,64})`)
)
