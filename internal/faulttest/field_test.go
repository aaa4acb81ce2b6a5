package faulttest_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// What is repeated, and when, does not hang on where the service says so.
func TestF09F16F17Repeats(t *testing.T) {
	t.Parallel()
	const (
		limit   = `{"error":{"code":"InternalError","message":"{\"Message\":\"Rate limit reached because of too many requests. Please retry after sometime.\"}"}}`
		wait    = `{"error":{"code":"x","message":"{\"ErrorCode\":\"TooManyRequests\",\"Message\":\"{\\\"Message\\\":\\\"m\\\",\\\"RetryAfter\\\":\\\"30\\\"}\"}"}}`
		notMet  = `{"error":{"code":"ConditionNotMet","message":"m"}}`
		ordinal = `{"error":{"code":"InternalError","message":"The maximum limit of 100 items was reached."}}`
	)
	for name, tc := range map[string]struct {
		op, body    string
		status      int
		header      string
		attempts    int
		least, most time.Duration
	}{
		"F09 update":                {"update", notMet, 412, "", 2, 500 * time.Millisecond, time.Second},
		"F09 delete":                {"delete", notMet, 412, "", 2, 500 * time.Millisecond, time.Second},
		"F09 create":                {"create", notMet, 412, "", 1, 0, 0},
		"F09 get":                   {"get", notMet, 412, "", 1, 0, 0},
		"F16 update":                {"update", wait, 429, "", 2, 30 * time.Second, 33 * time.Second},
		"F16 create":                {"create", wait, 429, "", 2, 30 * time.Second, 33 * time.Second},
		"F16 the header goes first": {"create", wait, 429, "7", 2, 7 * time.Second, 8 * time.Second},
		"F17 update":                {"update", limit, 500, "", 2, 500 * time.Millisecond, 6 * time.Second},
		"F17 create":                {"create", limit, 500, "", 2, 500 * time.Millisecond, 6 * time.Second},
		"F17 another 500":           {"create", ordinal, 500, "", 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, mock := faulttest.Mock(t)
				op := faulttest.Named(t, tc.op)
				success := faulttest.Respond(200, `{"id":"`+faulttest.ID+`"}`)
				refusal := faulttest.Respond(tc.status, tc.body)
				if tc.header != "" {
					refusal = faulttest.Respond(tc.status, tc.body, "Retry-After", tc.header)
				}
				n := 0
				mock.RegisterResponder(op.Method, "=~.*",
					httpmock.Responder(func(r *http.Request) (*http.Response, error) {
						if n++; n == 1 {
							return refusal(r)
						}
						return success(r)
					}))
				began := time.Now()
				_, err := op.Call(t.Context(), c, faulttest.ID)
				if took := time.Since(began); n != tc.attempts || (err == nil) != (n > 1) || took < tc.least ||
					took > tc.most {
					t.Errorf("%d attempts, %v, %v", n, took, err)
				}
				if e, ok := errors.AsType[*vpptoken.Error](err); ok && e.Ambiguous != (tc.status == 500) {
					t.Errorf("Ambiguous is %v", e.Ambiguous)
				}
			})
		})
	}
}

// F09: only a 412 without a condition passes. One that the caller's own condition caused is the
// answer to it, in whatever letter case the header was given.
func TestF09ConditionsOfTheCaller(t *testing.T) {
	t.Parallel()
	refusal := faulttest.Respond(412, `{"error":{"code":"ConditionNotMet","message":"m"}}`)
	for _, header := range []string{"If-Match", "if-match", "If-None-Match", "IF-UNMODIFIED-SINCE"} {
		condition := vpptoken.WithHeader(header, `"1"`)
		for method, call := range map[string]func(c *vpptoken.Client) error{
			"PATCH": func(c *vpptoken.Client) error {
				_, err := c.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("x"), condition)
				return err
			},
			"DELETE": func(c *vpptoken.Client) error { return c.Delete(t.Context(), faulttest.ID, condition) },
		} {
			c, mock := faulttest.Mock(t)
			mock.RegisterResponder(method, faulttest.Item, refusal)
			err := call(c)
			if n := len(mock.Requests()); n != 1 || !errors.Is(err, vpptoken.ErrConflict) || vpptoken.Retryable(err) {
				t.Errorf("%s with %s: %d requests, %v, Retryable %v", method, header, n, err, vpptoken.Retryable(err))
			}
		}
	}
}
