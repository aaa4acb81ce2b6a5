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
	const bearer = faulttest.Bearer
	for name, opt := range map[string]vpptoken.Option{
		"nil":                    nil,
		"zero cloud":             vpptoken.WithCloud(vpptoken.Cloud{}),
		"no version":             vpptoken.WithAPIVersion(""),
		"v2":                     vpptoken.WithAPIVersion("v2.0"),
		"version and users":      vpptoken.WithAPIVersion("beta/users"),
		"version with a path":    vpptoken.WithAPIVersion("beta/.."),
		"no address":             vpptoken.WithBaseURL(""),
		"no scheme":              vpptoken.WithBaseURL("graph.microsoft.com"),
		"no host":                vpptoken.WithBaseURL("https://"),
		"port alone":             vpptoken.WithBaseURL("https://:443"),
		"path alone":             vpptoken.WithBaseURL("/beta"),
		"http":                   vpptoken.WithBaseURL("http://graph.microsoft.com"),
		"http to a lookalike":    vpptoken.WithBaseURL("http://localhost.example.com"),
		"http to another":        vpptoken.WithBaseURL("http://127.0.0.1.example.com"),
		"http to any address":    vpptoken.WithBaseURL("http://0.0.0.0"),
		"file":                   vpptoken.WithBaseURL("file:///etc"),
		"another scheme":         vpptoken.WithBaseURL("ftp://127.0.0.1"),
		"userinfo":               vpptoken.WithBaseURL("https://u:" + bearer + "@graph.microsoft.com"),
		"query":                  vpptoken.WithBaseURL("https://graph.microsoft.com?token=" + bearer),
		"empty query":            vpptoken.WithBaseURL("https://graph.microsoft.com?"),
		"fragment":               vpptoken.WithBaseURL("https://graph.microsoft.com#" + bearer),
		"empty fragment":         vpptoken.WithBaseURL("https://graph.microsoft.com#"),
		"not an address":         vpptoken.WithBaseURL("https://[" + bearer),
		"bad port":               vpptoken.WithBaseURL("https://graph.microsoft.com:" + bearer),
		"opaque":                 vpptoken.WithBaseURL("https:graph.microsoft.com"),
		"backslash":              vpptoken.WithBaseURL(`https://graph.microsoft.com\@` + bearer),
		"dots":                   vpptoken.WithBaseURL("https://graph.microsoft.com/a/../b"),
		"encoded slash":          vpptoken.WithBaseURL("https://graph.microsoft.com/a%2Fb"),
		"space":                  vpptoken.WithBaseURL("https://graph.microsoft.com/a b"),
		"line":                   vpptoken.WithBaseURL("https://graph.microsoft.com\r\n"),
		"not UTF-8":              vpptoken.WithBaseURL("https://graph.microsoft.c\x83"),
		"nil client":             vpptoken.WithHTTPClient(nil),
		"nil transport":          vpptoken.WithHTTPClient(&http.Client{Transport: (*http.Transport)(nil)}),
		"no product":             vpptoken.WithUserAgent(""),
		"product with a line":    vpptoken.WithUserAgent("a\r\nAuthorization: " + bearer),
		"product with a NUL":     vpptoken.WithUserAgent("a\x00"),
		"nil logger":             vpptoken.WithLogger(nil),
		"negative attempts":      vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: -1}),
		"negative MinWait":       vpptoken.WithRetry(vpptoken.Retry{MinWait: -1}),
		"negative MaxWait":       vpptoken.WithRetry(vpptoken.Retry{MaxWait: -1}),
		"negative MaxRetryAfter": vpptoken.WithRetry(vpptoken.Retry{MaxRetryAfter: -1}),
		"negative attempt":       vpptoken.WithRetry(vpptoken.Retry{AttemptTimeout: math.MinInt64}),
		"least above most":       vpptoken.WithRetry(vpptoken.Retry{MinWait: 2, MaxWait: 1}),
	} {
		source := &faulttest.CountedSource{}
		c, err := vpptoken.NewClient(source, opt)
		if c != nil || err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") ||
			strings.ContainsAny(err.Error(), "\r\n") || source.Asked.Load() != 0 {
			t.Errorf("%s: client %v, error %v", name, c, err)
		}
		leaktest.ShowsNoSecret(t, err)
	}
	if c, err := vpptoken.NewClient(nil); c != nil || err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") {
		t.Errorf("no token source: client %v, error %v", c, err)
	}
}

// A token source that is a nil pointer panics when it is asked: that is an error of the call.
func TestR15NilTokenSources(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]oauth2.TokenSource{
		"pointer":  (*faulttest.CountedSource)(nil),
		"function": faulttest.SourceFunc(nil), "with a context": (*claimsSource)(nil),
	} {
		err := faulttest.Named(t, "get").Run(t.Context(), faulttest.ClientFor(t, source))
		if faulttest.WantError(t, err); !strings.Contains(err.Error(), "panicked") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// refused wants an error that was known before anything left the process: of one line, no *Error,
// not Retryable, without a secret.
func refused(t *testing.T, name, prefix string, err error) {
	t.Helper()
	if _, ok := errors.AsType[*vpptoken.Error](err); ok || err == nil || !strings.HasPrefix(err.Error(), prefix) ||
		strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("%s: %v (%T)", name, err, err)
	}
	if vpptoken.Retryable(err) {
		t.Errorf("%s is Retryable", name)
	}
	leaktest.ShowsNoSecret(t, err)
}

// untouched returns a client, and fails the test at its end when a request was sent or a bearer was
// asked for.
func untouched(t *testing.T) *vpptoken.Client {
	t.Helper()
	source := &faulttest.CountedSource{}
	client, mock := faulttest.MockFor(t, source)
	t.Cleanup(func() {
		if len(mock.Requests()) != 0 || source.Asked.Load() != 0 {
			t.Errorf("%d requests were sent, %d bearers asked for", len(mock.Requests()), source.Asked.Load())
		}
	})
	return client
}

// Every operation refuses a wrong option, and names itself.
func TestR15WrongCallOptions(t *testing.T) {
	t.Parallel()
	client := untouched(t)
	for name, o := range map[string]vpptoken.CallOption{
		"nil":                     nil,
		"nil metadata":            vpptoken.WithMetadata(nil),
		"Authorization":           vpptoken.WithHeader("Authorization", faulttest.Bearer),
		"aUTHORIZATION":           vpptoken.WithHeader("aUTHORIZATION", faulttest.Bearer),
		"Host":                    vpptoken.WithHeader("Host", "x"),
		"Content-Length":          vpptoken.WithHeader("content-length", "5"),
		"Content-Type":            vpptoken.WithHeader("content-type", "text/plain"),
		"Content-Encoding":        vpptoken.WithHeader("Content-Encoding", "gzip"),
		"Accept-Encoding":         vpptoken.WithHeader("Accept-Encoding", "gzip"),
		"Idempotency-Key":         vpptoken.WithHeader("Idempotency-Key", "x"),
		"X-Idempotency-Key":       vpptoken.WithHeader("X-IDEMPOTENCY-KEY", "x"),
		"Client-Request-Id":       vpptoken.WithHeader("client-request-id", "x"),
		"Connection":              vpptoken.WithHeader("connection", "close"),
		"Cookie":                  vpptoken.WithHeader("Cookie", "a=b"),
		"Expect":                  vpptoken.WithHeader("expect", "100-continue"),
		"Keep-Alive":              vpptoken.WithHeader("keep-alive", "timeout=1"),
		"TE":                      vpptoken.WithHeader("TE", "trailers"),
		"Trailer":                 vpptoken.WithHeader("Trailer", "x"),
		"Transfer-Encoding":       vpptoken.WithHeader("transfer-encoding", "chunked"),
		"Upgrade":                 vpptoken.WithHeader("Upgrade", "h2c"),
		"Proxy-Authorization":     vpptoken.WithHeader("proxy-authorization", "Basic "+faulttest.Bearer),
		"no header":               vpptoken.WithHeader("", "x"),
		"header name with CR LF":  vpptoken.WithHeader("A\r\nB", faulttest.Bearer),
		"header name with colon":  vpptoken.WithHeader("Prefer:", "x"),
		"header name with space":  vpptoken.WithHeader("Authorization ", faulttest.Bearer),
		"header value with CR LF": vpptoken.WithHeader("A", "b\r\nC: "+faulttest.Bearer),
		"header value with LF":    vpptoken.WithHeader("A", "b\n"+faulttest.Bearer),
		"header value with NUL":   vpptoken.WithHeader("A", "b\x00"+faulttest.Bearer),
		"no id of the request":    vpptoken.WithClientRequestID(""),
		"id with CR LF":           vpptoken.WithClientRequestID("a\r\nb" + faulttest.Bearer),
		"id of 65":                vpptoken.WithClientRequestID(strings.Repeat("a", 65)),
	} {
		for _, op := range faulttest.Operations() {
			refused(t, op.Name+", "+name, "vpptoken: "+op.Name+": ", op.Run(t.Context(), client, o))
		}
	}
}

func TestR15WrongListOptions(t *testing.T) {
	t.Parallel()
	client := untouched(t)
	for name, opts := range map[string][]vpptoken.ListOption{
		"nil":               {nil},
		"nil call option":   {vpptoken.CallOption(nil)},
		"top of 0":          {vpptoken.WithTop(0)},
		"top of -1":         {vpptoken.WithTop(-1)},
		"top far below 0":   {vpptoken.WithTop(math.MinInt)},
		"two tops":          {vpptoken.WithTop(1), vpptoken.WithTop(2)},
		"two filters":       {vpptoken.WithFilter("a"), vpptoken.WithTop(1), vpptoken.WithFilter("a")},
		"select nothing":    {vpptoken.WithSelect()},
		"select empty":      {vpptoken.WithSelect("id", "")},
		"select two in one": {vpptoken.WithSelect("id,state")},
		"select a query":    {vpptoken.WithSelect("id&$top=1")},
		"no filter":         {vpptoken.WithFilter("")},
		"blank filter":      {vpptoken.WithFilter(" ")},
		"filter with CR LF": {vpptoken.WithFilter("a\r\nb")},
		"filter with a NUL": {vpptoken.WithFilter("a\x00")},
		"filter with a DEL": {vpptoken.WithFilter("a\x7f")},
		"no UTF-8 filter":   {vpptoken.WithFilter("a\xff")},
		"order by nothing":  {vpptoken.WithOrderBy()},
	} {
		refused(t, name, "vpptoken: list: ", faulttest.Last(client.List(t.Context(), opts...)))
	}
}

func TestR15WrongArguments(t *testing.T) {
	t.Parallel()
	client, ctx := untouched(t), t.Context()
	licenses := func(bundleID string) error { return faulttest.Last(client.LicensesForApp(ctx, bundleID)) }
	wait := func(s *vpptoken.Sync, o ...vpptoken.WaitOption) error { return second(client.WaitSync(ctx, s, o...)) }
	good, secret := &vpptoken.Sync{TokenID: faulttest.ID}, vpptoken.NewSecret(faulttest.AppleToken)
	for name, err := range map[string]error{
		"nil sync":              wait(nil),
		"zero sync":             wait(&vpptoken.Sync{}),
		"nil wait option":       wait(good, nil),
		"poll every 0":          wait(good, vpptoken.PollEvery(0)),
		"poll every -1s":        wait(good, vpptoken.PollEvery(-time.Second)),
		"nil poll function":     wait(good, vpptoken.OnPoll(nil)),
		"no bundle id":          licenses(""),
		"long bundle id":        licenses(strings.Repeat("a", 256)),
		"bundle id, not UTF-8":  licenses("\xff"),
		"no id":                 second(client.Get(ctx, "")),
		"parent":                client.Delete(ctx, ".."),
		"empty token":           second(client.Create(ctx, vpptoken.Secret{}, nil)),
		"token twice":           second(client.Create(ctx, secret, vpptoken.NewPatch().SetToken(secret))),
		"token and null":        second(client.Create(ctx, secret, vpptoken.NewPatch().ClearToken())),
		"nil patch, update":     second(client.Update(ctx, faulttest.ID, nil)),
		"nil start sync option": second(client.StartSync(ctx, faulttest.ID, nil)),
	} {
		refused(t, name, "vpptoken: ", err)
	}
}

// A nil context, and a Client that NewClient did not make, fail without a panic.
func TestR15NoContextAndNoClient(t *testing.T) {
	t.Parallel()
	calls := map[string]func(ctx context.Context, c *vpptoken.Client) error{
		"startSync": func(ctx context.Context, c *vpptoken.Client) error {
			return second(c.StartSync(ctx, faulttest.ID))
		},
		"waitSync": func(ctx context.Context, c *vpptoken.Client) error {
			return second(c.WaitSync(ctx, &vpptoken.Sync{TokenID: faulttest.ID}))
		},
	}
	for _, op := range faulttest.Operations() {
		calls[op.Name] = func(ctx context.Context, c *vpptoken.Client) error { return op.Run(ctx, c) }
	}
	client := untouched(t)
	var noContext context.Context
	for name, call := range calls {
		refused(t, name+" without a context", "vpptoken: ", call(noContext, client))
		for _, unmade := range []*vpptoken.Client{nil, {}} {
			err := call(t.Context(), unmade)
			if refused(t, name+" without a client", "vpptoken: ", err); err != nil &&
				!strings.Contains(err.Error(), "NewClient") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	leaktest.ShowsNoSecret(t, &vpptoken.Client{})
	leaktest.ShowsNoSecret(t, (*vpptoken.Client)(nil))
}

// Helpers that are given nothing, and zero values, do no harm.
func TestR15ZeroValues(t *testing.T) {
	t.Parallel()
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
		"no status": {faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
			return &http.Response{Body: http.NoBody}, nil
		}), true},
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
