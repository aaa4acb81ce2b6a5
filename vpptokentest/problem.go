package vpptokentest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// problem is a refusal. Its message may quote names, never values: a value can be the Apple token.
// Without a code it is Intune's own, whose message is JSON.
type problem struct {
	status        int
	code, message string
	header        http.Header
}

func badRequest(format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, "BadRequest", fmt.Sprintf(format, args...), nil}
}

func noSegment(status int, segment string) *problem {
	message := fmt.Sprintf("Resource not found for the segment '%s'.", short(segment))
	return &problem{status, "ResourceNotFound", message, nil}
}

// noRoute is Graph's own refusal, not Intune's: what Intune's collections answer to /$count.
func noRoute() *problem {
	return &problem{
		http.StatusBadRequest, "No method match route template",
		"No OData route exists that match template ~/singleton/navigation/$count with http verb GET " +
			"for request /StatelessLoopbackFEService/deviceAppManagement/vppTokens/$count.", nil,
	}
}

func noToken(id string) *problem {
	return &problem{http.StatusNotFound, "ResourceNotFound", fmt.Sprintf("Resource '%s' does not exist.", short(id)), nil}
}

func unauthorized(message string) *problem {
	return &problem{http.StatusUnauthorized, "InvalidAuthenticationToken", message, http.Header{
		"Www-Authenticate": {`Bearer realm="", error="invalid_token"`},
	}}
}

func (p *problem) answer(ids identity) answer {
	a := answer{status: p.status, header: p.header, body: errorBody(p.code, p.message, ids)}
	if p.code == "" {
		a.body = intuneBody(p.status, ids)
	}
	return a
}

// errorBody is Graph's: the date has no zone.
func errorBody(code, message string, ids identity) []byte {
	type inner struct {
		Date            string `json:"date"`
		RequestID       string `json:"request-id"`
		ClientRequestID string `json:"client-request-id"`
	}
	type outer struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Inner   inner  `json:"innerError"`
	}
	return mustJSON(struct {
		Error outer `json:"error"`
	}{outer{code, message, inner{ids.now.Format("2006-01-02T15:04:05"), ids.requestID, ids.clientRequestID}}})
}

// intuneBody is Graph's error with Intune's JSON in its message. A refusal for lack of a role or a
// license is a 401, wrapped once more.
func intuneBody(status int, ids identity) []byte {
	message := string(mustJSON(struct {
		Version int    `json:"_version"`
		Message string `json:"Message"`
		Phrase  string `json:"CustomApiErrorPhrase"`
		Retry   *int   `json:"RetryAfter"`
		Source  string `json:"ErrorSourceService"`
		Headers string `json:"HttpHeaders"`
	}{
		Version: 3, Headers: "{}",
		Message: "An error has occurred - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000" +
			" - Activity ID: " + ids.requestID + " - Url: https://fef.loopback.example/AppLifecycle/StatelessService" +
			"/deviceAppManagement/vppTokens?api-version=5026-05-26",
	}))
	if status != http.StatusUnauthorized {
		return errorBody(codeOf(status), message, ids)
	}
	return errorBody("UnknownError", string(mustJSON(struct {
		ErrorCode   string
		Message     string
		Target      *string
		Details     *string
		InnerError  *string
		Annotations []string `json:"InstanceAnnotations"`
	}{ErrorCode: "Forbidden", Message: message, Annotations: []string{}})), ids)
}

// codeOf is the code of a scripted error, as "TooManyRequests" for 429.
func codeOf(status int) string {
	if text := http.StatusText(status); text != "" {
		return strings.NewReplacer(" ", "", "-", "").Replace(text)
	}
	return "UnknownError"
}

// short keeps a name that a client sent from filling the message.
func short(name string) string {
	if len(name) > 64 {
		return name[:64] + "..."
	}
	return name
}

// mustJSON encodes a value that JSON can hold.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("vpptokentest: " + err.Error())
	}
	return b
}
