package faulttest_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
)

// Each record names the call, and the handler gets the call's context. A sign-in is logged when it
// brings another token, or none.
func TestF40SignInIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source, ctx, _ := signIns(t, func(n int) (*http.Response, error) {
			if n == 0 {
				return faulttest.Answer(503, ""), nil
			}
			return granted()
		})
		type key struct{}
		var buffer bytes.Buffer
		handler := withContext{slog.NewTextHandler(&buffer, &slog.HandlerOptions{
			Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey || a.Key == "wait" {
					return slog.Attr{}
				}
				return a
			},
		}), func(ctx context.Context) {
			if ctx.Value(key{}) != "trace" {
				t.Error("the handler does not get the call's context")
			}
		}}
		service := &faulttest.Service{Answer: faulttest.Always(200, faulttest.BareToken, "Request-Id", "r")}
		client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}),
			vpptoken.WithLogger(slog.New(handler)))
		for _, id := range []string{"first", "second"} {
			_, err := client.Get(context.WithValue(ctx, key{}, "trace"), faulttest.ID, vpptoken.WithClientRequestID(id))
			if err != nil {
				t.Fatal(err)
			}
		}
		const path = " method=GET path=/deviceAppManagement/vppTokens/" + faulttest.ID
		want := strings.Join([]string{
			`level=DEBUG msg="vpptoken: sign-in" operation=get client_request_id=first duration=0s reason="sign-in failed: 503 Service Unavailable"`,
			`level=WARN msg="vpptoken: retry" operation=get client_request_id=first` + path +
				` status=0 attempt=0 request_id="" reason="sign-in failed: 503 Service Unavailable"`,
			`level=DEBUG msg="vpptoken: sign-in" operation=get client_request_id=first duration=0s`,
			`level=DEBUG msg="vpptoken: attempt" operation=get client_request_id=first` + path +
				` status=200 attempt=1 request_id=r duration=0s`,
			`level=DEBUG msg="vpptoken: attempt" operation=get client_request_id=second` + path +
				` status=200 attempt=1 request_id=r duration=0s`,
		}, "\n") + "\n"
		if buffer.String() != want {
			t.Errorf("the log is\n%swant\n%s", buffer.String(), want)
		}
		leaktest.ShowsNoSecret(t, buffer.String())
	})
}

// A record tells of its own attempt: one that got no answer has no status, whatever came before.
func TestR05LostAttemptHasNoStatusInTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
				if n == 0 {
					return faulttest.Answer(503, "", "Request-Id", "r"), nil
				}
				return nil, io.ErrUnexpectedEOF
			}),
		}
		_, err := faulttest.Client(t, service, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 2}),
			vpptoken.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))).
			Get(t.Context(), faulttest.ID)
		faulttest.WantError(t, err)
		for _, want := range []string{`status=503 attempt=1 request_id=r `, `status=0 attempt=2 request_id="" `} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %s:\n%s", want, &log)
			}
		}
	})
}

type withContext struct {
	slog.Handler

	check func(context.Context)
}

func (w withContext) Handle(ctx context.Context, r slog.Record) error {
	w.check(ctx)
	return w.Handler.Handle(ctx, r)
}
