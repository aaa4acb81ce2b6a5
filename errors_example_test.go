package vpptoken_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// Intune puts JSON into the message of Graph's error, sometimes twice. The error holds the sentence
// and the ids.
func ExampleError_intune() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	answer := roundTripper(func(r *http.Request) (*http.Response, error) {
		body, err := os.ReadFile("testdata/error-intune-nested-twice.json")
		return &http.Response{
			StatusCode: http.StatusUnauthorized, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(string(body))), Request: r,
		}, err
	})
	ctx, client := context.Background(), srv.Client(vpptoken.WithHTTPClient(&http.Client{Transport: answer}))

	_, err := client.Get(ctx, "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c")
	if e, ok := errors.AsType[*vpptoken.Error](err); ok {
		fmt.Println(e.StatusCode, e.Code)
		fmt.Println(e.Message)
		fmt.Println("for Microsoft's support:", e.RequestID, e.ActivityID)
	}
	// A 401 around Forbidden is no expired bearer.
	fmt.Println(errors.Is(err, vpptoken.ErrForbidden))
	// Output:
	// 401 Forbidden
	// An error has occurred - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: 00000000-0000-4000-8000-000000000077
	// for Microsoft's support: 00000000-0000-4000-8000-000000000077 00000000-0000-4000-8000-000000000077
	// true
}

// Whether a job is worth another try, and when.
func ExampleRetryable() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	srv.Fail(vpptokentest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "900"})

	_, err := client.Count(ctx)
	if vpptoken.Retryable(err) {
		wait, asked := vpptoken.RetryAfter(err)
		fmt.Println("come back later:", wait, asked)
	}
	// Output: come back later: 15m0s true
}

// A 403 names the permission that the operation needs.
func ExampleError_forbidden() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{})
	srv.Fail(vpptokentest.Fault{Status: http.StatusForbidden})

	err := srv.Client().Delete(context.Background(), id)
	var e *vpptoken.Error
	if errors.As(err, &e) && errors.Is(err, vpptoken.ErrForbidden) {
		fmt.Println(e.StatusCode, e.Code)
		fmt.Println(vpptoken.Retryable(err))
	}
	// Output:
	// 403 Forbidden
	// false
}

// The service asks for more patience than a call has: the error says how long, and a job engine
// comes back then.
func ExampleRetryAfter() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Fail(vpptokentest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "900"})

	_, err := srv.Client().Count(context.Background())
	wait, asked := vpptoken.RetryAfter(err)
	fmt.Println(errors.Is(err, vpptoken.ErrThrottled), vpptoken.Retryable(err), wait, asked)
	// Output: true true 15m0s true
}

// A create that lost its answer is not repeated: it may have been carried out, and a second one
// makes a duplicate.
func ExampleError_ambiguous() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Fail(vpptokentest.Fault{Truncate: true, AfterEffect: true})

	ctx, client := context.Background(), srv.Client()
	_, err := client.Create(ctx, vpptoken.NewSecret("the text of the .vpptoken file"), nil)
	var e *vpptoken.Error
	if errors.As(err, &e) && e.Ambiguous {
		n, err := client.Count(ctx) // look before trying again
		fmt.Println("tokens at the service:", n, err)
	}
	fmt.Println("attempts:", e.Attempts)
	// Output:
	// tokens at the service: 1 <nil>
	// attempts: 1
}
