package faulttest_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
)

// A wrong option is an error of NewClient, and its text shows no secret that was put in by mistake.
func TestR15WrongOptions(t *testing.T) {
	t.Parallel()
	static := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: faulttest.Bearer})
	for name, opt := range map[string]vpptoken.Option{
		"nil":                       nil,
		"zero cloud":                vpptoken.WithCloud(vpptoken.Cloud{}),
		"no version":                vpptoken.WithAPIVersion(""),
		"v2":                        vpptoken.WithAPIVersion("v2.0"),
		"version with a path":       vpptoken.WithAPIVersion("beta/.."),
		"no address":                vpptoken.WithBaseURL(""),
		"no scheme":                 vpptoken.WithBaseURL("graph.microsoft.com"),
		"http":                      vpptoken.WithBaseURL("http://graph.microsoft.com"),
		"http to a lookalike":       vpptoken.WithBaseURL("http://localhost.example.com"),
		"http to another lookalike": vpptoken.WithBaseURL("http://127.0.0.1.example.com"),
		"http to any address":       vpptoken.WithBaseURL("http://0.0.0.0"),
		"file":                      vpptoken.WithBaseURL("file:///etc"),
		"userinfo":                  vpptoken.WithBaseURL("https://u:" + faulttest.Bearer + "@graph.microsoft.com"),
		"query":                     vpptoken.WithBaseURL("https://graph.microsoft.com?token=" + faulttest.Bearer),
		"fragment":                  vpptoken.WithBaseURL("https://graph.microsoft.com#" + faulttest.Bearer),
		"not an address":            vpptoken.WithBaseURL("https://[" + faulttest.Bearer),
		"opaque":                    vpptoken.WithBaseURL("https:graph.microsoft.com"),
		"backslash":                 vpptoken.WithBaseURL(`https://graph.microsoft.com\@` + faulttest.Bearer),
		"dots":                      vpptoken.WithBaseURL("https://graph.microsoft.com/a/../b"),
		"nil client":                vpptoken.WithHTTPClient(nil),
		"nil transport":             vpptoken.WithHTTPClient(&http.Client{Transport: (*http.Transport)(nil)}),
		"no product":                vpptoken.WithUserAgent(""),
		"product with a line":       vpptoken.WithUserAgent("a\r\nAuthorization: " + faulttest.Bearer),
		"nil logger":                vpptoken.WithLogger(nil),
		"negative attempts":         vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: -1}),
		"negative wait":             vpptoken.WithRetry(vpptoken.Retry{MinWait: -1}),
		"negative most":             vpptoken.WithRetry(vpptoken.Retry{MaxWait: -1}),
		"negative Retry-After":      vpptoken.WithRetry(vpptoken.Retry{MaxRetryAfter: -1}),
		"negative attempt":          vpptoken.WithRetry(vpptoken.Retry{AttemptTimeout: -1}),
		"least above most":          vpptoken.WithRetry(vpptoken.Retry{MinWait: 2, MaxWait: 1}),
		"least above default":       vpptoken.WithRetry(vpptoken.Retry{MinWait: time.Hour}),
	} {
		c, err := vpptoken.NewClient(static, opt)
		if c != nil || err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%s: client %v, error %v", name, c, err)
		}
		leaktest.ShowsNoSecret(t, err)
	}
	if c, err := vpptoken.NewClient(nil); c != nil || err == nil {
		t.Errorf("no token source: client %v, error %v", c, err)
	}
}

// A token source that is a nil pointer panics when it is asked: that is an error of the call.
func TestR15NilTokenSources(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]oauth2.TokenSource{"pointer": (*faulttest.CountedSource)(nil), "function": faulttest.SourceFunc(nil), "with a context": (*claimsSource)(nil)} {
		err := faulttest.Named(t, "get").Run(t.Context(), faulttest.ClientFor(t, source))
		if faulttest.WantError(t, err); !strings.Contains(err.Error(), "panicked") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Wrong options of a call are errors before anything is sent, and no *Error, because nothing left the process.
func TestR15WrongCalls(t *testing.T) {
	t.Parallel()
	service := &faulttest.Service{Answer: faulttest.Always(200, `{"id":"1"}`)}
	client := faulttest.Client(t, service)
	ctx := t.Context()
	var noContext context.Context
	one := func(o vpptoken.CallOption) error { _, err := client.Get(ctx, faulttest.ID, o); return err }
	list := func(o ...vpptoken.ListOption) error { return faulttest.Last(client.List(ctx, o...)) }
	results := map[string]error{
		"nil option":              one(nil),
		"nil list option":         list(nil),
		"typed nil list option":   list(vpptoken.CallOption(nil)),
		"nil option of licences":  faulttest.Last(client.LicensesForApp(ctx, "com.example.app", nil)),
		"nil metadata":            one(vpptoken.WithMetadata(nil)),
		"Authorization":           one(vpptoken.WithHeader("authorization", faulttest.Bearer)),
		"Host":                    one(vpptoken.WithHeader("Host", "x")),
		"Content-Length":          one(vpptoken.WithHeader("Content-Length", "5")),
		"Content-Type":            one(vpptoken.WithHeader("content-type", "text/plain")),
		"Idempotency-Key":         one(vpptoken.WithHeader("Idempotency-Key", "x")),
		"X-Idempotency-Key":       one(vpptoken.WithHeader("X-IDEMPOTENCY-KEY", "x")),
		"Accept-Encoding":         one(vpptoken.WithHeader("Accept-Encoding", "gzip")),
		"no header":               one(vpptoken.WithHeader("", "x")),
		"header name with a line": one(vpptoken.WithHeader("A\r\nB", faulttest.Bearer)),
		"header with a line":      one(vpptoken.WithHeader("A", "b\r\nC: "+faulttest.Bearer)),
		"header with a NUL":       one(vpptoken.WithHeader("A", "b\x00"+faulttest.Bearer)),
		"no id of the request":    one(vpptoken.WithClientRequestID("")),
		"id with a line":          one(vpptoken.WithClientRequestID("a\r\nb" + faulttest.Bearer)),
		"id of 65":                one(vpptoken.WithClientRequestID(strings.Repeat("a", 65))),
		"no filter":               list(vpptoken.WithFilter("")),
		"filter with a NUL":       list(vpptoken.WithFilter("a\x00")),
		"top of 0":                list(vpptoken.WithTop(0)),
		"top below 0":             list(vpptoken.WithTop(math.MinInt)),
		"no select":               list(vpptoken.WithSelect()),
		"select of two in one":    list(vpptoken.WithSelect("id,state")),
		"two tops":                list(vpptoken.WithTop(1), vpptoken.WithTop(2)),
		"nil context, get":        second(client.Get(noContext, faulttest.ID)),
		"nil context, list":       faulttest.Last(client.List(noContext)),
		"nil context, create":     second(client.Create(noContext, vpptoken.NewSecret("x"), nil)),
		"nil context, update":     second(client.Update(noContext, faulttest.ID, vpptoken.NewPatch().ClearAppleID())),
		"nil context, delete":     client.Delete(noContext, faulttest.ID),
		"nil context, start":      second(client.StartSync(noContext, faulttest.ID)),
		"nil context, wait":       second(client.WaitSync(noContext, &vpptoken.Sync{TokenID: faulttest.ID})),
		"nil context, licences":   faulttest.Last(client.LicensesForApp(noContext, "com.example.app")),
		"empty token":             second(client.Create(ctx, vpptoken.Secret{}, nil)),
		"token twice":             second(client.Create(ctx, vpptoken.NewSecret("x"), vpptoken.NewPatch().SetToken(vpptoken.NewSecret("x")))),
		"token and null":          second(client.Create(ctx, vpptoken.NewSecret("x"), vpptoken.NewPatch().ClearToken())),
		"nil patch":               second(client.Update(ctx, faulttest.ID, nil)),
		"empty patch":             second(client.Update(ctx, faulttest.ID, &vpptoken.Patch{})),
		"no id":                   second(client.Get(ctx, "")),
		"parent":                  client.Delete(ctx, ".."),
		"nil sync":                second(client.WaitSync(ctx, nil)),
		"zero sync":               second(client.WaitSync(ctx, &vpptoken.Sync{})),
		"nil wait option":         second(client.WaitSync(ctx, &vpptoken.Sync{TokenID: faulttest.ID}, nil)),
		"poll every 0":            second(client.WaitSync(ctx, &vpptoken.Sync{TokenID: faulttest.ID}, vpptoken.PollEvery(0))),
		"nil poll function":       second(client.WaitSync(ctx, &vpptoken.Sync{TokenID: faulttest.ID}, vpptoken.OnPoll(nil))),
		"no bundle id":            faulttest.Last(client.LicensesForApp(ctx, "")),
		"long bundle id":          faulttest.Last(client.LicensesForApp(ctx, strings.Repeat("a", 256))),
		"bundle id, not UTF-8":    faulttest.Last(client.LicensesForApp(ctx, "\xff")),
	}
	for name, err := range results {
		if _, ok := errors.AsType[*vpptoken.Error](err); ok || err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%s: %v (%T)", name, err, err)
		}
		leaktest.ShowsNoSecret(t, err)
		if vpptoken.Retryable(err) {
			t.Errorf("%s is Retryable", name)
		}
	}
	if n := len(service.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// The zero and the nil Client, and helpers given nothing, fail without a panic.
func TestR15ZeroValues(t *testing.T) {
	t.Parallel()
	for _, client := range []*vpptoken.Client{nil, {}} {
		for _, op := range faulttest.Operations() {
			if err := op.Run(t.Context(), client); err == nil || !strings.Contains(err.Error(), "NewClient") {
				t.Errorf("%s: %v", op.Name, err)
			}
		}
		if err := second(client.StartSync(t.Context(), faulttest.ID)); err == nil {
			t.Error("StartSync: no error")
		}
		if err := second(client.WaitSync(t.Context(), &vpptoken.Sync{TokenID: faulttest.ID})); err == nil {
			t.Error("WaitSync: no error")
		}
		leaktest.ShowsNoSecret(t, client)
	}
	if vpptoken.Retryable(nil) || vpptoken.Retryable(errors.New("x")) || vpptoken.Retryable(&vpptoken.Error{}) {
		t.Error("nothing is Retryable")
	}
	if d, ok := vpptoken.RetryAfter(nil); ok || d != 0 {
		t.Errorf("RetryAfter(nil) = %v, %v", d, ok)
	}
	zero := &vpptoken.Error{}
	if zero.Error() == "" || zero.Unwrap() != nil || errors.Is(zero, vpptoken.ErrNotFound) {
		t.Errorf("the zero Error: %q", zero)
	}
	if _, err := (vpptoken.Cloud{}).Endpoint("organizations"); err == nil {
		t.Error("the zero Cloud has an endpoint")
	}
}

// A transport that answers with nothing, or with a nil body, is not the client's end.
func TestR15OddTransports(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer faulttest.Answers
		fails  bool
	}{
		"nothing": {faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) { return nil, nil }), true},
		"nil body": {faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusNoContent}, nil
		}), false},
		"nil header": {faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody}, nil
		}), true},
		"no status":  {faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) { return &http.Response{Body: http.NoBody}, nil }), true},
		"status 999": {faulttest.Always(999, ""), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := faulttest.Client(t, &faulttest.Service{Answer: tc.answer}).Delete(t.Context(), faulttest.ID)
				if tc.fails != (err != nil) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func second[T any](_ T, err error) error { return err }
