package faulttest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// answering starts a server that answers everything alike, and returns a client for it and the
// count of its requests.
func answering(t *testing.T, status int, contentType, body string, headers ...string) (*vpptoken.Client,
	*atomic.Int32,
) {
	t.Helper()
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return faulttest.Loopback(t, server.URL, faulttest.Quick(5*time.Second)), &requests
}

// What looks like a success and is none is an error that names the property, never its value, and
// never a zero token.
func TestR08WrongSuccesses(t *testing.T) {
	t.Parallel()
	const value = "value-canary-20" // of a property: it must not stand in the error
	const typeJSON = "application/json"
	deep := strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)
	for name, tc := range map[string]struct{ contentType, body, names string }{
		"HTML":                {"text/html; charset=utf-8", "<html>" + value + "</html>", "Content-Type"},
		"HTML without a type": {"", "<html>" + value + "</html>", "JSON"},
		"HTML as JSON":        {typeJSON, "<html>" + value + "</html>", "JSON"},
		"XML":                 {"application/xml", "<id>" + value + "</id>", "Content-Type"},
		"JSON as an image":    {"image/png", `{"id":"` + value + `"}`, "Content-Type"},
		"a strange type":      {value, `{"id":"` + value + `"}`, "Content-Type"},
		"empty":               {typeJSON, "", "JSON"},
		"white space":         {typeJSON, " \r\n", "JSON"},
		"null":                {typeJSON, "null", ""},
		"array":               {typeJSON, "[]", ""},
		"array of tokens":     {typeJSON, `[{"id":"` + value + `"}]`, ""},
		"string":              {typeJSON, `"` + value + `"`, ""},
		"number":              {typeJSON, "5", ""},
		"empty object":        {typeJSON, "{}", ""},
		"null value":          {typeJSON, `{"value":null}`, ""},
		"empty value":         {typeJSON, `{"value":{}}`, ""},
		"string value":        {typeJSON, `{"value":"` + value + `"}`, ""},
		"two documents":       {typeJSON, `{"id":"` + value + `","value":[]}{}`, "JSON"},
		"trailing text":       {typeJSON, `{"id":"1","value":[]} ` + value, "JSON"},
		"cut off":             {typeJSON, `{"id":"` + value, "JSON"},
		"empty id":            {typeJSON, `{"id":"","value":[{"id":""}]}`, "id"},
		"null id":             {typeJSON, `{"id":null,"value":[{"id":null}]}`, "id"},
		"no id": {
			typeJSON, `{"displayName":"` + value + `","value":[{"displayName":"` + value + `"}]}`, "id",
		},
		"id in another case": {typeJSON, `{"ID":"` + value + `","value":[{"Id":"` + value + `"}]}`, "id"},
		"duplicate id": {
			typeJSON, `{"id":"` + value + `","id":"2","value":[{"id":"1","id":"` + value + `"}]}`, "id",
		},
		"duplicate id, escaped": {
			typeJSON, `{"id":"` + value + `","\u0069d":"2","value":[{"id":"1","i\u0064":"` + value + `"}]}`, "",
		},
		"duplicate stranger": {
			typeJSON,
			`{"id":"1","` + value + `":1,"` + value + `":2,"value":[{"id":"1","` + value + `":1,"` + value + `":2}]}`,
			"",
		},
		"duplicate inside a stranger": {
			typeJSON, `{"id":"1","x":{"` + value + `":1,"` + value + `":2},"value":[{"id":"1","x":{"` + value +
				`":1,"` + value + `":2}}]}`, "",
		},
		"invalid UTF-8": {typeJSON, "{\"id\":\"" + value + "\xff\",\"value\":[{\"id\":\"1\xff\"}]}", "UTF-8"},
		"invalid UTF-8 in name": {
			typeJSON, "{\"id\":\"1\",\"a\xff\":1,\"value\":[{\"id\":\"1\",\"a\xff\":1}]}", "UTF-8",
		},
		"UTF-16": {typeJSON, "\xff\xfe{\x00}\x00", ""},
		"number for a string": {
			typeJSON, `{"id":"1","displayName":2020202020,"value":[{"id":"1","displayName":2020202020}]}`,
			"displayName",
		},
		"object for a string": {
			typeJSON, `{"id":"1","appleId":{"a":1},"value":[{"id":"1","appleId":{"a":1}}]}`, "appleId",
		},
		"string for a boolean": {typeJSON, `{"id":"1","automaticallyUpdateApps":"` + value +
			`","value":[{"id":"1","automaticallyUpdateApps":"` + value + `"}]}`, "automaticallyUpdateApps"},
		"number for an enum": {typeJSON, `{"id":"1","state":3,"value":[{"id":"1","state":3}]}`, "state"},
		"number for a type": {
			typeJSON, `{"id":"1","@odata.type":3,"value":[{"id":"1","@odata.type":3}]}`, "@odata.type",
		},
		"word for a time": {
			typeJSON,
			`{"id":"1","expirationDateTime":"` + value + `","value":[{"id":"1","expirationDateTime":"` + value + `"}]}`,
			"expirationDateTime",
		},
		"number for a time": {
			typeJSON, `{"id":"1","lastSyncDateTime":202020,"value":[{"id":"1","lastSyncDateTime":202020}]}`,
			"lastSyncDateTime",
		},
		"time without a zone": {typeJSON, `{"id":"1","lastSyncDateTime":"2020-20-20T20:20:20","value":[{"id":"1","lastSyncDateTime":"2020-20-20T20:20:20"}]}`, "lastSyncDateTime"},
		"object for a list": {
			typeJSON, `{"id":"1","roleScopeTagIds":{},"value":[{"id":"1","roleScopeTagIds":{}}]}`, "roleScopeTagIds",
		},
		"number in a list": {
			typeJSON, `{"id":"1","roleScopeTagIds":["0",2],"value":[{"id":"1","roleScopeTagIds":["0",2]}]}`,
			"roleScopeTagIds",
		},
		"bad time in a result": {typeJSON, `{"id":"1","tokenActionResults":[{"startDateTime":"` + value +
			`"}],"value":[{"id":"1","tokenActionResults":[{"startDateTime":"` + value + `"}]}]}`, "startDateTime"},
		"fraction for a count": {
			typeJSON,
			`{"id":"1","tokenActionResults":[{"totalLicensesCount":1.5}],"value":[{"id":"1","tokenActionResults":[{"totalLicensesCount":1.5}]}]}`,
			"totalLicensesCount",
		},
		"number for an id":       {typeJSON, `{"id":202020,"value":[{"id":202020}]}`, "id"},
		"duplicate value":        {typeJSON, `{"id":"1","id":"1","value":[],"value":[]}`, ""},
		"null token in the list": {typeJSON, `{"value":[null]}`, ""},
		"empty token in it":      {typeJSON, `{"value":[{}]}`, ""},
		"number in the list":     {typeJSON, `{"value":[3]}`, ""},
		"string in the list":     {typeJSON, `{"value":["` + value + `"]}`, ""},
		"object for the list":    {typeJSON, `{"value":{"displayName":"` + value + `"}}`, ""},
		"number for a nextLink":  {typeJSON, `{"value":[{"id":"1"}],"@odata.nextLink":202020}`, ""},
		"deep": {
			typeJSON, `{"id":"1","x":` + deep + `,"value":[{"id":"1","x":` + deep + `}]}`, "deep",
		},
	} {
		for _, op := range []string{"get", "create", "update", "syncLicenses", "list"} {
			if strings.Trim(tc.body, "\uFEFF\r\n\t ") == "" && (op == "update" || op == "syncLicenses") {
				continue // a success without a body: TestF08EmptySuccess
			}
			t.Run(name+"/"+op, func(t *testing.T) {
				t.Parallel()
				client, requests := answering(t, 200, tc.contentType, tc.body)
				got, err := faulttest.Named(t, op).Call(t.Context(), client, faulttest.ID)
				if tokens, ok := got.([]*vpptoken.VPPToken); ok && len(tokens) != 0 {
					t.Errorf("%d tokens came before the error", len(tokens))
				}
				e := faulttest.Error(t, err)
				if e.StatusCode != http.StatusOK || requests.Load() != 1 || e.Attempts != 1 || vpptoken.Retryable(err) {
					t.Errorf("%d requests, error %+v", requests.Load(), *e)
				}
				if want := op != "get" && op != "list"; e.Ambiguous != want {
					t.Errorf("Ambiguous %v, want %v: the service said that it succeeded", e.Ambiguous, want)
				}
				if !strings.Contains(err.Error(), tc.names) {
					t.Errorf("error %q does not name %q", err, tc.names)
				}
				if strings.Contains(err.Error(), value) || strings.Contains(e.Message, "2020") {
					t.Errorf("error %q shows a value of the answer", err)
				}
			})
		}
	}
}

// What is not wrong passes.
func TestR08OddSuccesses(t *testing.T) {
	t.Parallel()
	const token = `{"id":"1","displayName":"Nordwind"}`
	for name, tc := range map[string]struct{ contentType, body string }{
		"BOM":             {"application/json", "\uFEFF" + token},
		"BOM and wrapped": {"application/json", "\uFEFF" + `{"value":` + token + `}`},
		"no type":         {"", token},
		"OData type": {
			"application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8", token,
		},
		"problem type":       {"application/vnd.example+json", token},
		"text":               {"text/plain; charset=utf-8", token},
		"capitals":           {"Application/JSON", token},
		"white space around": {"application/json", "\r\n " + token + "\r\n "},
		"unknown members": {
			"application/json",
			`{"id":"1","displayName":"Nordwind","@odata.context":"x","#action":{"target":"y"},"new":{"a":[1]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := answering(t, 200, tc.contentType, tc.body)
			token, err := client.Get(t.Context(), faulttest.ID)
			if err != nil || token.ID != "1" || token.DisplayName != "Nordwind" {
				t.Errorf("token %+v, error %v", token, err)
			}
		})
	}
}

func TestR08Counts(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		"3": 3, "\uFEFF3000": 3000, " 7\r\n": 7, "5\r\n": 5, "0": 0, "42": 42,
		"": -1, "-1": -1, "+1": -1, "1.5": -1, "1e3": -1, "0x10": -1, "99999999999": -1, "99999999999999999999": -1,
		"<html>": -1, `{"value":3}`: -1, "3 4": -1, "null": -1, "many": -1, "٣": -1,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			client, _ := answering(t, 200, "text/plain", body)
			n, err := client.Count(t.Context())
			if want >= 0 && (err != nil || n != want) ||
				want < 0 && (n != 0 || faulttest.Error(t, err).StatusCode != http.StatusOK) {
				t.Errorf("count %d, error %v; want %d", n, err, want)
			}
		})
	}
}

// An error's status and request-id are kept, whatever its body is.
func TestR09ErrorBodies(t *testing.T) {
	t.Parallel()
	nested := `{"error":{"code":"UnknownError","message":"m"` + strings.Repeat(`,"innerError":{"code":"c"`, 50) +
		strings.Repeat("}", 52)
	for name, tc := range map[string]struct{ body, code, message string }{
		"Graph's": {
			faulttest.Fixture(t, "error-throttled.json"), "TooManyRequests", "Please retry again later.",
		},
		"Intune's": {
			faulttest.Fixture(t, "error-intune-nested-once.json"), "BadRequest", "An error has occurred",
		},
		"Intune's, twice": {
			faulttest.Fixture(t, "error-intune-nested-twice.json"), "Forbidden", "An error has occurred",
		},
		"bare string":        {"Service Unavailable", "", "Service Unavailable"},
		"JSON string":        {`"no"`, "", "no"},
		"error is a string":  {`{"error":"invalid_token"}`, "", "invalid_token"},
		"error is a number":  {`{"error":5}`, "", ""},
		"error is null":      {`{"error":null}`, "", ""},
		"error is an array":  {`{"error":[1]}`, "", ""},
		"HTML":               {"<!DOCTYPE html><html><body>503</body></html>", "", "HTML"},
		"empty":              {"", "", ""},
		"array":              {"[]", "", ""},
		"null":               {"null", "", ""},
		"nested 50 deep":     {nested, "c", "m"},
		"codes are numbers":  {`{"error":{"code":5,"message":6}}`, "5", "6"},
		"codes are objects":  {`{"error":{"code":{},"message":[]}}`, "", ""},
		"invalid UTF-8":      {"\xff\xfe\x00", "", ""},
		"invalid in message": {"{\"error\":{\"code\":\"C\",\"message\":\"\xff\"}}", "C", ""},
		"control characters": {
			`{"error":{"code":"C","message":"a\u0000b\r\nc\u001b[31m\u202ed"}}`, "C", `a\x00b\r\nc\x1b[31m`,
		},
		"cut off":  {`{"error":{"code":"C","message":"m`, "", ""},
		"BOM":      {"\uFEFF" + `{"error":{"code":"C","message":"m"}}`, "C", "m"},
		"capitals": {`{"Error":{"Code":"C","Message":"m","InnerError":{"Code":"d"}}}`, "C", "m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, requests := answering(t, 400, "application/json", tc.body, "Request-Id", "req-1")
			var meta vpptoken.Metadata
			err := faulttest.Named(t, "update").Run(t.Context(), client, vpptoken.WithMetadata(&meta))
			e := faulttest.Error(t, err)
			if e.StatusCode != http.StatusBadRequest || e.RequestID != "req-1" || e.Ambiguous || requests.Load() != 1 ||
				meta.StatusCode != http.StatusBadRequest || meta.RequestID != "req-1" {
				t.Errorf("error %+v, metadata %+v", *e, meta)
			}
			if e.Code != tc.code || !strings.Contains(e.Message, tc.message) || tc.message == "" && len(e.Message) > 3 {
				t.Errorf("code %q, message %q; want %q, %q", e.Code, e.Message, tc.code, tc.message)
			}
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x202e }) {
				t.Errorf("the text is not one plain line: %q", err)
			}
		})
	}
}

// The sentinels go by status and code, never by digits in a text, also through a wrapping error.
func TestR09Sentinels(t *testing.T) {
	t.Parallel()
	all := map[string]error{
		"ErrNotFound": vpptoken.ErrNotFound, "ErrUnauthorized": vpptoken.ErrUnauthorized,
		"ErrForbidden": vpptoken.ErrForbidden,
		"ErrConflict":  vpptoken.ErrConflict, "ErrThrottled": vpptoken.ErrThrottled,
		"ErrEmptyPatch": vpptoken.ErrEmptyPatch,
		"ErrInvalidID":  vpptoken.ErrInvalidID, "ErrNotInVersion": vpptoken.ErrNotInVersion,
		"ErrSyncFailed":   vpptoken.ErrSyncFailed,
		"ErrUntrustedURL": vpptoken.ErrUntrustedURL, "ErrSignIn": vpptoken.ErrSignIn,
		"ErrNoIntune": vpptoken.ErrNoIntune,
	}
	code := func(code string) string { return `{"error":{"code":"` + code + `","message":"403 404 not found"}}` }
	const url403 = `{"error":{"code":"BadRequest","message":"{\"Message\":\"An error has occurred - Url: https://fef.example/403/404/429\"}"}}`
	for _, tc := range []struct {
		status int
		body   string
		want   string
	}{
		{404, ``, "ErrNotFound"},
		{404, code("ResourceNotFound"), "ErrNotFound"},
		{400, code("ResourceNotFound"), "ErrNotFound"},
		{400, code("resourcenotfound"), "ErrNotFound"},
		{400, code("BadRequest"), ""},
		{400, code("Forbidden"), ""},
		{400, url403, ""},
		{400, faulttest.Fixture(t, "error-intune-nested-once.json"), ""},
		{401, ``, "ErrUnauthorized"},
		{401, code("InvalidAuthenticationToken"), "ErrUnauthorized"},
		{
			401, `{"error":{"code":"UnknownError","message":"{\"ErrorCode\":\"Forbidden\",\"Message\":\"no\"}"}}`,
			"ErrForbidden ErrUnauthorized",
		},
		{
			401, `{"error":{"code":"Unauthorized","message":"{\"ErrorCode\":\"Forbidden\",\"Message\":\"no\"}"}}`,
			"ErrForbidden ErrUnauthorized",
		},
		{
			401, `{"error":{"code":"InvalidAuthenticationToken","message":"no","innerError":{"code":"Forbidden"}}}`,
			"ErrForbidden ErrUnauthorized",
		},
		{401, faulttest.Fixture(t, "error-intune-nested-twice.json"), "ErrForbidden ErrUnauthorized"},
		{403, ``, "ErrForbidden"},
		{403, code("ResourceNotFound"), "ErrForbidden"},
		{409, ``, "ErrConflict"},
		{409, code("ResourceNotFound"), "ErrConflict"},
		{410, ``, ""},
		{412, code("ConditionNotMet"), "ErrConflict"},
		{429, ``, "ErrThrottled"},
		{500, code("ResourceNotFound"), ""},
		{503, ``, ""},
		{503, `<html>403 Forbidden</html>`, ""},
	} {
		once := vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1})
		client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Always(tc.status, tc.body)}, once)
		err := error(faulttest.Error(t, faulttest.Named(t, "get").Run(t.Context(), client)))
		for name, sentinel := range all {
			want := strings.Contains(tc.want, name)
			if errors.Is(err, sentinel) != want || errors.Is(fmt.Errorf("job 7: %w", err), sentinel) != want {
				t.Errorf("%d %s: errors.Is %s is %v", tc.status, tc.body, name, !want)
			}
		}
	}
}

// A status that is never repeated is not repeated for the words of its body either.
func TestR01WordsOfThrottling(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 403, 404, 501, 505, 507} {
		for _, op := range faulttest.Operations() {
			service := &faulttest.Service{
				Answer: faulttest.Always(status, `{"error":{"code":"TooManyRequests","message":"Too many requests"}}`),
			}
			err := op.Run(t.Context(), faulttest.Client(t, service))
			if n := len(service.Requests()); err == nil || errors.Is(err, vpptoken.ErrThrottled) || n > 2 || n > 1 && op.Name != "count" {
				t.Errorf("%s, %d: %d requests, %v", op.Name, status, n, err)
			}
		}
	}
}
