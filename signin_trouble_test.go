package vpptoken_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing/iotest"

	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// trouble is what may happen to a sign-in, and how it is told.
type trouble struct {
	answer reply
	text   string
	code   string
	passes bool
	ours   bool // x/oauth2 alone does not tell this
}

func troubles() map[string]trouble {
	fails := func(err error) reply {
		return reply{func() (*http.Response, error) { return nil, err }}
	}
	answers := func(status int, body string, headers ...string) reply {
		return reply{func() (*http.Response, error) { return faulttest.Answer(status, body, headers...), nil }}
	}
	refuses := func(status int, code string) reply {
		return reply{func() (*http.Response, error) { return refuse(status, code) }}
	}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	const page = "<!DOCTYPE html><title>" + faulttest.ClientSecret + "</title>"
	const aPage = ": a page of HTML, perhaps of a proxy"
	json := []string{"Content-Type", "application/json"}
	return map[string]trouble{
		"refused connection": {
			fails(dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))),
			"network error: " + syscall.ECONNREFUSED.Error(), "", true, false,
		},
		"reset": {
			fails(&net.OpError{Op: "read", Err: syscall.ECONNRESET}), "network error: " + syscall.ECONNRESET.Error(),
			"", true, false,
		},
		"unknown name": {
			fails(dial(&net.DNSError{Err: "no such host", Name: "login.microsoftonline.com", IsNotFound: true})),
			"the service's name can't be resolved", "", true, false,
		},
		"closed":               {fails(io.EOF), "the connection was closed before an answer came", "", true, false},
		"timeout":              {fails(os.ErrDeadlineExceeded), "network error: timeout", "", true, false},
		"its own time":         {fails(context.DeadlineExceeded), "network error: timeout", "", true, false},
		"its own cancellation": {fails(context.Canceled), "its own context was canceled", "", false, false},
		"certificate": {
			fails(x509.UnknownAuthorityError{}), "the service's certificate or TLS is not acceptable", "", false, false,
		},
		"unknown": {fails(errors.New(faulttest.ClientSecret)), "network error", "", true, false},
		"secret is wrong": {
			refuses(401, "invalid_client"), "401 Unauthorized: invalid_client (AADSTS70016)", "invalid_client", false,
			false,
		},
		"grant is wrong": {
			refuses(400, "invalid_grant"), "400 Bad Request: invalid_grant (AADSTS70016)", "invalid_grant", false,
			false,
		},
		"no code": {
			refuses(400, "Secret: "+faulttest.ClientSecret), "400 Bad Request (AADSTS70016)", "", false, false,
		},
		"throttled": {
			refuses(429, "temporarily_unavailable"), "429 Too Many Requests: temporarily_unavailable (AADSTS70016)",
			"temporarily_unavailable", true, false,
		},
		"temporary": {
			refuses(400, "temporarily_unavailable"), "400 Bad Request: temporarily_unavailable (AADSTS70016)",
			"temporarily_unavailable", true, false,
		},
		"its own error": {
			refuses(400, "server_error"), "400 Bad Request: server_error (AADSTS70016)", "server_error", true, false,
		},
		"out of order":          {answers(503, page), "503 Service Unavailable" + aPage, "", true, false},
		"timeout of a gateway":  {answers(504, ""), "504 Gateway Timeout", "", true, false},
		"timeout of a request":  {answers(408, ""), "408 Request Timeout", "", true, false},
		"proxy asks to sign in": {answers(407, ""), "407 Proxy Authentication Required", "", false, false},
		"proxy forbids":         {answers(403, page), "403 Forbidden" + aPage, "", false, false},
		"proxy's page":          {answers(200, page), "200 OK" + aPage, "", false, true},
		"proxy's page, marked":  {answers(200, "\uFEFF\r\n"+page), "200 OK" + aPage, "", false, true},
		"empty":                 {answers(200, " null\r\n", json...), "the answer is empty", "", false, true},
		"another protocol": {
			answers(101, ""), "the service switched to another protocol without being asked", "", false, true,
		},
		"not JSON": {
			answers(200, faulttest.ClientSecret, json...), "the answer is not a token", "", false, false,
		},
		"no token":  {answers(200, `{"token_type":"Bearer"}`, json...), "the answer is not a token", "", false, false},
		"too large": {answers(200, strings.Repeat(" ", 2<<20)), "the answer is larger than 1 MiB", "", false, true},
		"broken off": {reply{func() (*http.Response, error) {
			a := faulttest.Answer(200, "")
			a.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"access_token":"`),
				iotest.ErrReader(fmt.Errorf("%s: %w", faulttest.ClientSecret, io.ErrUnexpectedEOF))))
			return a, nil
		}}, "the answer broke off", "", true, false},
	}
}
