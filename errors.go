package vpptoken

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// Sentinel errors for errors.Is. The first six say what the service answered: see [Error.Is].
var (
	ErrNotFound     = errors.New("not found")
	ErrUnauthorized = errors.New("unauthorized")
	ErrForbidden    = errors.New("forbidden")
	ErrConflict     = errors.New("conflict")
	ErrThrottled    = errors.New("throttled")
	ErrNoIntune     = errors.New("the tenant has no Intune")

	// ErrSignIn: no access token could be obtained. Nothing is sent without one, but an earlier
	// attempt of the call may have been: see [Error.Ambiguous].
	ErrSignIn = errors.New("sign-in failed")

	// ErrEmptyPatch, ErrInvalidID and ErrNotInVersion: the arguments of a call are wrong. Nothing was
	// sent.
	ErrEmptyPatch   = errors.New("the patch is empty")
	ErrInvalidID    = errors.New("an id is 1 to 128 letters, digits, '-', '.', '_' or '~', and not '.' or '..'")
	ErrNotInVersion = errors.New("not in this version of the API")

	// ErrSyncFailed: the sync that WaitSync waited for failed.
	ErrSyncFailed = errors.New("the sync with Apple failed")

	// ErrUntrustedURL: a link to the next page led elsewhere, and was not followed.
	ErrUntrustedURL = graph.ErrUntrustedURL
)

// Error is the failure of a call that left the process. Its texts are safe to log: text from the
// service is scrubbed of what was sent to it, put on one line and truncated.
type Error struct {
	Op              string        // the operation, such as "update"
	Method          string        // the HTTP method
	Path            string        // "/deviceAppManagement/vppTokens/<id>": no host, no query
	StatusCode      int           // of the last answer, 0 when none came
	Code            string        // Graph's error.code, or the innermost one when that is UnknownError
	Message         string        // the service's, unwrapped from Intune's JSON, or what is wrong with the answer
	RequestID       string        // the service's; Microsoft support asks for it
	ClientRequestID string        // the one that was sent
	ActivityID      string        // Intune's, when its message carries one
	RetryAfter      time.Duration // what the service asked for, or the client's limit of writes needs; 0 if neither
	Attempts        int           // requests that were begun, refused connections included
	Ambiguous       bool          // the request may have been carried out although it failed
	Claims          string        // the decoded claims challenge of a 401, for a token source
	Target          string        // Graph's error.target, or the first of its details: often a property

	cause       error
	spent       bool // the client's budget of retries
	conditional bool // the caller sent a condition
	forbidden   bool // the answer says so somewhere inside
}

// Error returns one line with all that an operator needs, for example "vpptoken: update: 403
// Forbidden: <message> (request-id <id>)". A 403 names the permission that the operation needs.
func (e *Error) Error() string {
	parts := []string{"vpptoken"}
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	if e.StatusCode != 0 && (e.StatusCode/100 != 2 || e.cause == nil) {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))))
	}
	switch {
	case e.Message != "":
		parts = append(parts, e.Message)
	case e.Code != "":
		parts = append(parts, e.Code)
	}
	if e.cause != nil && e.cause.Error() != e.Message {
		parts = append(parts, e.cause.Error())
	}
	text := strings.Join(parts, ": ")
	if notes := e.notes(); len(notes) > 0 {
		text += " (" + strings.Join(notes, "; ") + ")"
	}
	switch {
	case e.RequestID != "":
		text += " (request-id " + e.RequestID + ")"
	case e.ClientRequestID != "":
		text += " (client-request-id " + e.ClientRequestID + ")"
	}
	return text
}

// notes are what an operator needs besides the message.
func (e *Error) notes() (notes []string) {
	if e.Is(ErrForbidden) {
		notes = append(notes,
			`it needs an Intune license, a role (a custom one with its "Managed apps" permission), and `+
				permission(e.Op, e.Method))
	}
	if e.Is(ErrNoIntune) {
		notes = append(notes, "the tenant has no Intune license, or its MDM authority was never set")
	}
	if e.Attempts > 1 {
		notes = append(notes, fmt.Sprintf("%d attempts", e.Attempts))
	}
	if e.spent {
		notes = append(notes, "the client's budget of retries is spent")
	}
	if e.RetryAfter > 0 {
		notes = append(notes, fmt.Sprintf("retry after %v", e.RetryAfter))
	}
	if e.Ambiguous {
		notes = append(notes, "it may have been carried out")
	}
	return notes
}

// permission lists the Graph permissions of which an operation needs one, least privileged first.
func permission(op, method string) string {
	switch {
	case op == opLicensesForApp: // its reference lists no Apps permission
		return "DeviceManagementServiceConfig.Read.All, DeviceManagementConfiguration.Read.All, " +
			"or the ReadWrite.All of either"
	case method == http.MethodGet:
		return "DeviceManagementApps.Read.All, DeviceManagementServiceConfig.Read.All, or the ReadWrite.All of either"
	}
	return "DeviceManagementApps.ReadWrite.All or DeviceManagementServiceConfig.ReadWrite.All"
}

// Is matches the sentinels by what the service answered:
//   - ErrNotFound: 404, or 400 with the code ResourceNotFound
//   - ErrUnauthorized: 401
//   - ErrForbidden: 403, or a 401 in which Intune says Forbidden, which is ErrUnauthorized as well
//   - ErrConflict: 409, or 412
//   - ErrThrottled: 429, or a 500, 502, 503 or 504 whose code or message reports too many requests;
//     also a call that the throttling, or the client's own limit of writes, would have held past
//     its deadline
//   - ErrSignIn: the token source returned no access token
//   - ErrNoIntune: the service refused because Intune does not know the tenant
func (e *Error) Is(target error) bool {
	code := func(words string) bool { return strings.EqualFold(e.Code, words) }
	switch target {
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound || e.StatusCode == http.StatusBadRequest && code("ResourceNotFound")
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden ||
			e.StatusCode == http.StatusUnauthorized && (e.forbidden || code("Forbidden"))
	case ErrConflict:
		return e.StatusCode == http.StatusConflict || e.StatusCode == http.StatusPreconditionFailed
	case ErrThrottled:
		held, ok := errors.AsType[*graph.Cause](e.cause)
		return graph.Throttles(e.StatusCode, e.Code, e.Message) || ok && held.Held()
	case ErrSignIn:
		cause, ok := errors.AsType[*graph.Cause](e.cause)
		return ok && cause.SignIn()
	case ErrNoIntune:
		return graph.NoIntune(e.StatusCode, e.Message)
	}
	return false
}

// Unwrap returns the cause, or nil if the cause is the service's answer. Its text is safe to log as
// well.
func (e *Error) Unwrap() error { return e.cause }

// Retryable reports whether the same call may succeed later, for job engines. It is true when the
// service throttles or fails, when the network fails and when a deadline passed. It is false for a
// canceled call, for everything that a retry cannot fix, and for an ambiguous failure of an
// operation that must not run twice (create, the syncs and revoke): first check what the service
// holds.
func Retryable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || e == nil || errors.Is(err, ErrSyncFailed) {
		return false
	}
	if e.Ambiguous && effect(e.Op) == graph.Unsafe {
		return false
	}
	if cause, ok := errors.AsType[*graph.Cause](e.cause); ok {
		return cause.RetryLater()
	}
	switch e.StatusCode {
	case http.StatusPreconditionFailed: // without a condition it is one of Intune's own, which passes
		return effect(e.Op) == graph.Idempotent && !e.conditional
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout, 509:
		return true
	}
	return false
}

// RetryAfter returns how long to wait before another try, and whether that is known: the service
// asked for it, or the client's limit of writes needs it.
func RetryAfter(err error) (time.Duration, bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e == nil || e.RetryAfter <= 0 {
		return 0, false
	}
	return e.RetryAfter, true
}
