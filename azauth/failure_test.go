package azauth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

const secret = "s3cr3t-c4n4ry"

// answerError is made as azidentity's AuthenticationFailedError is: its text is the whole answer.
type answerError struct {
	response *http.Response
	body     string
}

func (e *answerError) Error() string {
	return fmt.Sprintf(
		"ClientSecretCredential authentication failed. \nPOST https://login.microsoftonline.com/t/oauth2/v2.0/token\n"+
			"----\nRESPONSE %d: %[1]d %s\n----\n%s\n----", e.response.StatusCode,
		http.StatusText(e.response.StatusCode), e.body)
}

func answered(status int, body string) error {
	return &answerError{&http.Response{StatusCode: status}, body}
}

func TestCredentialErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err       error
		want      string // of the source
		client    string // of the client
		code      string
		retryable bool
	}{
		"a text": {
			errors.New("client_secret=" + secret), "azauth: the credential failed",
			"vpptoken: get: the token source failed", "", true,
		},
		"a refused connection": {
			&url.Error{Op: "Post", URL: secret, Err: syscall.ECONNREFUSED}, "azauth: the credential failed",
			"vpptoken: get: the token source failed: network error: " + syscall.ECONNREFUSED.Error(), "", true,
		},
		"an answer of azcore": {
			&azcore.ResponseError{StatusCode: 400, ErrorCode: secret}, "azauth: the credential failed: 400 Bad Request",
			"vpptoken: get: the token source failed: 400 Bad Request: credential_failed", "credential_failed", false,
		},
		"invalid secret": {
			answered(401,
				`{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret `+secret+`."}`),
			"azauth: the credential failed: 401 Unauthorized: invalid_client (AADSTS7000215)",
			"vpptoken: get: the token source failed: 401 Unauthorized: invalid_client (AADSTS7000215)",
			"invalid_client", false,
		},
		"no code": {
			answered(400, secret), "azauth: the credential failed: 400 Bad Request",
			"vpptoken: get: the token source failed: 400 Bad Request: credential_failed", "credential_failed", false,
		},
		"outage": {
			answered(503, "<html>"+secret), "azauth: the credential failed: 503 Service Unavailable",
			"vpptoken: get: the token source failed: 503 Service Unavailable: credential_failed",
			"credential_failed", true,
		},
		"throttled": {
			answered(429, `{"error_description":"AADSTS90055: `+secret+`"}`),
			"azauth: the credential failed: 429 Too Many Requests (AADSTS90055)",
			"vpptoken: get: the token source failed: 429 Too Many Requests: credential_failed (AADSTS90055)",
			"credential_failed", true,
		},
		"a command line's": {
			errors.New("AzureCLICredential: ERROR: AADSTS50173: The provided grant has expired. " + secret),
			"azauth: the credential failed (AADSTS50173)",
			"vpptoken: get: the token source failed: credential_failed (AADSTS50173)", "credential_failed", false,
		},
		"digits that hide something": {
			errors.New("AADSTS1234567890 AADSTS12" + secret), "azauth: the credential failed",
			"vpptoken: get: the token source failed", "", true,
		},
		"an outage that a command line met": {
			errors.New(`AzureCLICredential: ERROR: {"error":"temporarily_unavailable"} AADSTS90033`),
			"azauth: the credential failed: temporarily_unavailable (AADSTS90033)",
			"vpptoken: get: the token source failed: temporarily_unavailable (AADSTS90033)", "temporarily_unavailable", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSource(t, failing(fmt.Errorf("wrapped: %w", c.err)))
			_, err := s.TokenContext(t.Context(), "")
			if err == nil || err.Error() != c.want || !errors.Is(err, c.err) {
				t.Errorf("TokenContext: %v, want %q", err, c.want)
			}
			mustHide(t, err, secret)

			srv := newGraph(t)
			_, err = newClient(t, s, srv.URL).Get(t.Context(), "a")
			if err == nil || !strings.HasPrefix(err.Error(), c.client+" (client-request-id ") ||
				!errors.Is(err, c.err) {
				t.Errorf("Get: %v, want %q", err, c.client)
			}
			e, ok := errors.AsType[*vpptoken.Error](err)
			got := vpptoken.Retryable(err)
			if got != c.retryable || !ok || e.Code != c.code || !errors.Is(err, vpptoken.ErrSignIn) {
				t.Errorf("Retryable = %v, error %+v", got, e)
			}
			mustHide(t, err, secret)
			if len(srv.seen()) != 0 {
				t.Error("a request was sent without a token")
			}
		})
	}
}

// A credential that is broken is not better a minute later.
func TestBrokenCredentialIsFinal(t *testing.T) {
	t.Parallel()
	for name, cred := range map[string]*credential{
		"panics": failing((*brokenError)(nil)), "has no token": always(""),
	} {
		srv := newGraph(t)
		_, err := newClient(t, newSource(t, cred), srv.URL).Get(t.Context(), "a")
		if !errors.Is(err, vpptoken.ErrSignIn) || vpptoken.Retryable(err) {
			t.Errorf("%s: Retryable %v: %v", name, vpptoken.Retryable(err), err)
		}
	}
}

func TestErrorsAsFindsTheCredentialsError(t *testing.T) {
	t.Parallel()
	cause := answered(401, "AADSTS7000215")
	_, err := newSource(t, failing(cause)).Token()
	if got, ok := errors.AsType[*answerError](err); !ok || !errors.Is(cause, got) {
		t.Errorf("errors.AsType = %v, %v", got, ok)
	}
	got, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || got.Error() != `oauth2: "credential_failed" "AADSTS7000215"` {
		t.Errorf("the OAuth error is %v, %v", got, ok)
	}

	own := &oauth2.RetrieveError{ErrorCode: "invalid_grant"}
	_, err = newSource(t, failing(own)).Token()
	if got, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || got != own {
		t.Errorf("a credential's own OAuth error became %v, %v", got, ok)
	}
	_, err = newSource(t, failing(errors.New("down"))).Token()
	if got, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		t.Errorf("an OAuth error %v came out of nothing", got)
	}
}

func TestContextErrorsAreFound(t *testing.T) {
	t.Parallel()
	_, err := newSource(t, failing(fmt.Errorf("POST: %w", context.Canceled))).Token()
	if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Token: %v", err)
	}
}

// mustHide prints v, and v as a part of others, in every way and looks for secrets.
func mustHide(t *testing.T, v any, secrets ...string) {
	t.Helper()
	var out strings.Builder
	for verb := range strings.SplitSeq("v,+v,#v,s,q,x,X,d,t,T,p,b,c,o,O,U,e,f,g", ",") {
		format := "%" + verb + "\n"
		fmt.Fprintf(&out, format, v)
		fmt.Fprintf(&out, format, []any{v})
		fmt.Fprintf(&out, format, map[string]any{"v": v})
		fmt.Fprintf(&out, format, struct{ hidden any }{v})
		fmt.Fprintf(&out, format, &struct{ hidden any }{v})
	}
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	slog.New(slog.NewTextHandler(&out, all)).Info("text", "v", v, "in", []any{v})
	slog.New(slog.NewJSONHandler(&out, all)).Info("json", "v", v, "in", []any{v})
	for chain, ok := v.(error); ok && chain != nil; chain = errors.Unwrap(chain) {
		fmt.Fprintln(&out, chain)
	}
	for _, s := range secrets {
		if strings.Contains(out.String(), s) || strings.Contains(out.String(), fmt.Sprintf("%x", s)) {
			t.Errorf("a secret was printed: %s", out.String())
		}
	}
}
