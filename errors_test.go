package vpptoken_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jarcoal/httpmock"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// failed makes one call of op that is answered once, and returns its error.
func failed(t *testing.T, op faulttest.Operation, status int, body string, headers ...string) *vpptoken.Error {
	t.Helper()
	c, mock := faulttest.Mock(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
	mock.RegisterResponder(op.Method, "=~.*", faulttest.Respond(status, body, headers...))
	_, err := op.Call(t.Context(), c, faulttest.ID, vpptoken.WithClientRequestID("own-id"))
	e, ok := errors.AsType[*vpptoken.Error](err)
	if !ok {
		t.Fatalf("%s: got %v, want an *Error", op.Name, err)
	}
	return e
}

func TestErrorFields(t *testing.T) {
	t.Parallel()
	const (
		path    = "/deviceAppManagement/vppTokens/" + faulttest.ID
		message = "An error has occurred - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000" +
			" - Activity ID: 00000000-0000-4000-8000-000000000077"
		service = "00000000-0000-4000-8000-000000000077"
	)
	for name, tc := range map[string]struct {
		op      string
		status  int
		body    string
		headers []string
		want    vpptoken.Error
	}{
		"Intune's JSON in message": {
			"update", 400, faulttest.Fixture(t, "error-intune-nested-once.json"),
			[]string{"Request-Id", "from-header"},
			vpptoken.Error{
				Method: "PATCH", Path: path, Code: "BadRequest", Message: message, RequestID: "from-header",
				ActivityID: service,
			},
		},
		"wrapped twice, ids in the body": {
			"get", 401, faulttest.Fixture(t, "error-intune-nested-twice.json"), nil,
			vpptoken.Error{
				Method: "GET", Path: path, Code: "Forbidden", Message: message, RequestID: service,
				ActivityID: service,
			},
		},
		"throttled": {
			"update", 429, faulttest.Fixture(t, "error-throttled.json"),
			[]string{"Retry-After", "2.128"},
			vpptoken.Error{
				Method: "PATCH", Path: path, Code: "TooManyRequests", Message: "Please retry again later.",
				RequestID: "00000000-0000-4000-8000-000000000079", RetryAfter: 2128 * time.Millisecond,
			},
		},
		"plain": {
			"revokeLicenses", 409, `{"error":{"code":"Conflict","message":"It is taken."}}`, nil,
			vpptoken.Error{Method: "POST", Path: path + "/revokeLicenses", Code: "Conflict", Message: "It is taken."},
		},
		"list with a query": {
			"list", 400, `{"error":{"code":"BadRequest","message":"No.","innererror":{"request-id":"in-body"}}}`, nil,
			vpptoken.Error{
				Method: "GET", Path: "/deviceAppManagement/vppTokens", Code: "BadRequest", Message: "No.",
				RequestID: "in-body",
			},
		},
		"unknown error around an inner one": {
			"get", 400,
			`{"error":{"code":"UnknownError","message":"","innerError":{"code":"ResourceNotFound","message":"It is gone."}}}`,
			nil,
			vpptoken.Error{Method: "GET", Path: path, Code: "ResourceNotFound"},
		},
		"claims challenge": {
			"count", 401, `{"error":{"code":"InvalidAuthenticationToken","message":"Sign in again."}}`,
			[]string{"WWW-Authenticate", `Bearer error="insufficient_claims", claims="eyJhIjoxfQ"`},
			vpptoken.Error{
				Method: "GET", Path: "/deviceAppManagement/vppTokens/$count", Code: "InvalidAuthenticationToken",
				Message: "Sign in again.",
				Claims:  `{"a":1}`,
			},
		},
	} {
		got := *failed(t, faulttest.Named(t, tc.op), tc.status, tc.body, tc.headers...)
		tc.want.Op, tc.want.StatusCode, tc.want.Attempts, tc.want.ClientRequestID = tc.op, tc.status, 1, "own-id"
		if tc.want.Message == "" {
			got.Message = "" // no source says which
		}
		if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreUnexported(vpptoken.Error{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if text := got.Error(); strings.Contains(text, "\n") || strings.Contains(text, "https://") ||
			strings.Contains(text, "api-version") ||
			!strings.HasPrefix(text, "vpptoken: "+tc.op+": ") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestErrorIsOneLine(t *testing.T) {
	t.Parallel()
	op := faulttest.Named(t, "update")
	const refused = `{"error":{"code":"Forbidden","message":"You may not."}}`
	got := failed(t, op, 403, refused, "Request-Id", "service-id").Error()
	if !strings.HasPrefix(got, "vpptoken: update: 403 Forbidden: You may not.") ||
		!strings.HasSuffix(got, " (request-id service-id)") {
		t.Errorf("got %q", got)
	}
	got = failed(t, op, 409, "").Error()
	if got != "vpptoken: update: 409 Conflict (client-request-id own-id)" {
		t.Errorf("an answer without a body: %q", got)
	}
	got = failed(t, op, 400, `{"error":{"code":"BadRequest","message":"two\r\nlines\u0000\u001b[31m"}}`).Error()
	if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' }) || !strings.Contains(got, "lines") {
		t.Errorf("control characters: %q", got)
	}
	got = failed(t, op, 429, faulttest.Fixture(t, "error-throttled.json"), "Retry-After", "2.128").Error()
	if !strings.Contains(got, "Please retry again later.") || !strings.Contains(got, "2.128s") {
		t.Errorf("a throttled call: %q", got)
	}
	got = failed(t, op, 400, `{"error":{"message":"`+strings.Repeat("x", 20_000)+`"}}`).Error()
	if len(got) > 4<<10+200 {
		t.Errorf("%d bytes of text", len(got))
	}
}

func TestForbiddenNamesThePermission(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		text := failed(t, op, 403, `{"error":{"code":"Forbidden","message":"no"}}`).Error()
		want := []string{"DeviceManagementApps.ReadWrite.All", "DeviceManagementServiceConfig.ReadWrite.All"}
		if op.Method == http.MethodGet {
			want = []string{"DeviceManagementApps.Read.All", "DeviceManagementServiceConfig.Read.All"}
		}
		if op.Name == "getLicensesForApp" {
			want = []string{"DeviceManagementServiceConfig.Read.All", "DeviceManagementConfiguration.Read.All"}
			if strings.Contains(text, "DeviceManagementApps") {
				t.Errorf("%s: %q names a permission that its page does not", op.Name, text)
			}
		}
		want = append(want, "Intune license", `"Managed apps"`)
		for _, permission := range want {
			if !strings.Contains(text, permission) {
				t.Errorf("%s: %q does not name %s", op.Name, text, permission)
			}
		}
	}
	text := failed(t, faulttest.Named(t, "update"), 401, faulttest.Fixture(t, "error-intune-nested-twice.json")).Error()
	if !strings.Contains(text, "DeviceManagementApps.ReadWrite.All") {
		t.Errorf("a 401 around Forbidden does not name the permission: %q", text)
	}
	if text = failed(t, faulttest.Named(t, "update"), 404, ``).Error(); strings.Contains(text, "DeviceManagement") {
		t.Errorf("a 404 names a permission: %q", text)
	}
}

func TestRetryable(t *testing.T) {
	t.Parallel()
	var none *vpptoken.Error
	if _, ok := vpptoken.RetryAfter(none); ok || vpptoken.Retryable(none) || vpptoken.Retryable(nil) {
		t.Error("no error is worth another try")
	}
	if err := failed(t, faulttest.Named(t, "get"), 503, ``); !vpptoken.Retryable(err) ||
		!vpptoken.Retryable(fmt.Errorf("job 7: %w", err)) {
		t.Errorf("%v is not Retryable, or not when it is wrapped", err)
	}
	for name, err := range map[string]error{
		"nil": nil, "foreign": errors.New("x"), "ErrEmptyPatch": vpptoken.ErrEmptyPatch,
		"ErrInvalidID":  vpptoken.ErrInvalidID,
		"ErrSyncFailed": vpptoken.ErrSyncFailed, "bare context": context.Canceled,
	} {
		if vpptoken.Retryable(err) {
			t.Errorf("%s: Retryable", name)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	get := faulttest.Named(t, "get")
	for header, want := range map[string]time.Duration{
		"7": 7 * time.Second, "2.128": 2128 * time.Millisecond, "3600": time.Hour, "": 0, "0": 0, "-3": 0, "soon": 0,
	} {
		err := fmt.Errorf("job 7: %w", failed(t, get, 429, ``, "Retry-After", header))
		if got, ok := vpptoken.RetryAfter(err); got != want || ok != (want > 0) {
			t.Errorf("%q: %v, %v", header, got, ok)
		}
	}
	for _, err := range []error{nil, errors.New("x"), vpptoken.ErrThrottled} {
		if d, ok := vpptoken.RetryAfter(err); d != 0 || ok {
			t.Errorf("%v: %v, %v", err, d, ok)
		}
	}
}

// An Error that a user makes, in a test of his own, must work as well.
// What each status means, and whether the same call may succeed later.
func TestWhatAStatusMeans(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		e         vpptoken.Error
		is        []error
		retryable bool
	}{
		{vpptoken.Error{StatusCode: 400, Code: "BadRequest"}, nil, false},
		{vpptoken.Error{StatusCode: 400, Code: "resourceNotFound"}, []error{vpptoken.ErrNotFound}, false},
		{vpptoken.Error{StatusCode: 403, Code: "ResourceNotFound"}, []error{vpptoken.ErrForbidden}, false},
		{vpptoken.Error{StatusCode: 401, Code: "Unauthorized"}, []error{vpptoken.ErrUnauthorized}, false},
		{
			vpptoken.Error{StatusCode: 401, Code: "forbidden"},
			[]error{vpptoken.ErrUnauthorized, vpptoken.ErrForbidden},
			false,
		},
		{vpptoken.Error{StatusCode: 404, Code: "Forbidden"}, []error{vpptoken.ErrNotFound}, false},
		{vpptoken.Error{StatusCode: 409}, []error{vpptoken.ErrConflict}, false},
		{vpptoken.Error{StatusCode: 412}, []error{vpptoken.ErrConflict}, true},
		{vpptoken.Error{StatusCode: 408}, nil, true},
		{vpptoken.Error{StatusCode: 429}, []error{vpptoken.ErrThrottled}, true},
		{vpptoken.Error{StatusCode: 500}, nil, true},
		{vpptoken.Error{StatusCode: 501}, nil, false},
		{vpptoken.Error{StatusCode: 502}, nil, true},
		{vpptoken.Error{StatusCode: 503}, nil, true},
		{vpptoken.Error{StatusCode: 504}, nil, true},
		{vpptoken.Error{StatusCode: 509}, nil, true},
	} {
		for _, op := range []string{"get", "update", "delete", "create", "syncLicenseCounts"} {
			absolute, twice := op == "update" || op == "delete", op != "create" && op != "syncLicenseCounts"
			for _, ambiguous := range []bool{false, true} {
				e := tc.e
				e.Op, e.Ambiguous = op, ambiguous
				retryable := tc.retryable && (!ambiguous || twice) && (e.StatusCode != http.StatusPreconditionFailed || absolute)
				if vpptoken.Retryable(&e) != retryable {
					t.Errorf("%s, ambiguous %v: %v is retryable: %v", op, ambiguous, &e, !retryable)
				}
				for _, target := range []error{
					vpptoken.ErrNotFound, vpptoken.ErrUnauthorized, vpptoken.ErrForbidden, vpptoken.ErrConflict,
					vpptoken.ErrThrottled, vpptoken.ErrNoIntune, vpptoken.ErrSignIn,
				} {
					if errors.Is(&e, target) != slices.Contains(tc.is, target) {
						t.Errorf("%v: is %v: %v", &e, target, errors.Is(&e, target))
					}
				}
			}
		}
	}
}

func TestHandmadeErrors(t *testing.T) {
	t.Parallel()
	e := &vpptoken.Error{Op: "update", Method: "PATCH", StatusCode: 404, Code: "ResourceNotFound"}
	if !errors.Is(e, vpptoken.ErrNotFound) || errors.Unwrap(e) != nil ||
		e.Error() != "vpptoken: update: 404 Not Found: ResourceNotFound" {
		t.Errorf("got %q", e)
	}
	if got := new(vpptoken.Error).Error(); !strings.HasPrefix(got, "vpptoken") {
		t.Errorf("the zero Error: %q", got)
	}
}

// The request-id is taken from a hostile server only when it looks like one.
func TestRequestIDsAreChecked(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a b", "a\"b", strings.Repeat("a", 65), "Bearer x"} {
		if e := failed(t, faulttest.Named(t, "get"), 404, `{"error":{"code":"x","message":"y"}}`, "Request-Id",
			id); e.RequestID != "" {
			t.Errorf("%q became %q", id, e.RequestID)
		}
	}
}

// A service that echoes the whole request tells neither the query nor the caller's own headers.
func TestErrorsHoldNoQueryAndNoHeader(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder(http.MethodGet, "=~.*", func(r *http.Request) (*http.Response, error) {
		echo := r.URL.String() + " " + r.URL.RawQuery + " " + strings.Join(r.Header["X-Api-Key"], "")
		plain := strings.ReplaceAll(echo, "%20", " ")
		return httpmock.NewJsonResponse(http.StatusBadRequest,
			map[string]any{"error": map[string]string{"code": echo, "message": echo + " " + plain}})
	})
	_, err := faulttest.Collect(c.List(t.Context(), vpptoken.WithFilter("displayName eq 'canary one'"),
		vpptoken.WithHeader("X-Api-Key", "canary-key")))
	var e *vpptoken.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if text := e.Error() + e.Message + e.Code; strings.Contains(text, "canary") || strings.Contains(text, "$filter") {
		t.Error(text)
	}
}

// A tenant without Intune is named, with what helps; so is throttling that comes as a 500, and
// which property was refused.
func TestF17F21F39WhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	op := faulttest.Named(t, "update")
	e := failed(t, op, 400, `{"error":{"code":"BadRequest","message":"Request not applicable to target tenant."}}`)
	if !errors.Is(e, vpptoken.ErrNoIntune) || vpptoken.Retryable(e) || !strings.Contains(e.Error(),
		"no Intune license") || !strings.Contains(e.Error(), "MDM authority") {
		t.Error(e)
	}
	e = failed(t, op, 500,
		`{"error":{"code":"InternalError","message":"{\"Message\":\"Rate limit reached because of too many requests for x. Please retry after sometime.\"}"}}`)
	if !errors.Is(e, vpptoken.ErrThrottled) || !vpptoken.Retryable(e) {
		t.Error(e)
	}
	e = failed(t, op, 500, `{"error":{"code":"InternalError","message":"The maximum limit of 100 items was reached."}}`)
	if errors.Is(e, vpptoken.ErrThrottled) || errors.Is(e, vpptoken.ErrNoIntune) {
		t.Error(e)
	}
	e = failed(t, op, 400,
		`{"error":{"code":"ModelValidationFailure","message":"null","details":[{"target":"vppTokenAccountType\r\n"}]}}`)
	if e.Target != `vppTokenAccountType\r\n` || e.Code != "ModelValidationFailure" {
		t.Errorf("target %q", e.Target)
	}
}
