package leaktest_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
)

// echo is a place where a hostile service puts what it got.
type echo struct {
	status  int
	headers func(text string) []string
	body    func(text string) string
}

// echoes returns all of them.
func echoes() map[string]echo {
	none := func(string) []string { return nil }
	header := func(name string) func(string) []string {
		return func(text string) []string { return []string{name, text} }
	}
	format := func(f string) func(string) string {
		return func(text string) string {
			return strings.ReplaceAll(f, "ECHO", strings.Trim(leaktest.JSONText(text), `"`))
		}
	}
	nested := func(text string) string {
		return `{"error":{"code":"UnknownError","message":` +
			leaktest.JSONText(`{"ErrorCode":`+leaktest.JSONText(text)+`,"Message":`+leaktest.JSONText(`{"Message":`+
				leaktest.JSONText(text)+`,"CustomApiErrorPhrase":`+leaktest.JSONText(text)+`}`)+`}`) + `}}`
	}
	const good = `"id":"1"`
	return map[string]echo{
		"message":          {400, none, format(`{"error":{"code":"C","message":"ECHO"}}`)},
		"message of a 500": {500, none, format(`{"error":{"code":"C","message":"ECHO"}}`)},
		"message and Url":  {400, none, format(`{"error":{"message":"a - Url: https://x.example/?ECHO b ECHO"}}`)},
		"nested":           {400, none, nested},
		"nested in a 401":  {401, none, nested},
		"code":             {400, none, format(`{"error":{"code":"ECHO","message":"m"}}`)},
		"inner code": {
			400, none,
			format(`{"error":{"code":"UnknownError","innerError":{"code":"ECHO","request-id":"ECHO"}}}`),
		},
		"activity id":       {400, none, format(`{"error":{"message":"An error - Activity ID: ECHO - Url: ECHO"}}`)},
		"error is a string": {400, none, format(`{"error":"ECHO"}`)},
		"other members": {
			400, none,
			format(`{"error":{"code":"C","target":"ECHO","details":[{"code":"ECHO"}]},"ECHO":"ECHO"}`),
		},
		"plain body":        {400, none, func(text string) string { return text }},
		"broken JSON":       {400, none, format(`{"error":{"message":"ECHO`)},
		"redirect":          {302, header("Location"), format("ECHO")},
		"request-id":        {400, header("Request-Id"), format("")},
		"client-request-id": {400, header("Client-Request-Id"), format("")},
		"diagnostic":        {400, header("X-Ms-Ags-Diagnostic"), format("")},
		"Link":              {400, header("Link"), format("")},
		"Date":              {429, header("Date"), format("")},
		"Retry-After":       {429, header("Retry-After"), format("")},
		"Deprecation":       {400, header("Deprecation"), format("")},
		"Content-Type":      {200, header("Content-Type"), format("{" + good + "}")},
		"other header":      {400, header("X-Echo"), format("")},
		"challenge": {401, func(text string) []string {
			claims := base64.StdEncoding.EncodeToString([]byte(`{"a":` + leaktest.JSONText(text) + `}`))
			return []string{"Www-Authenticate", `Bearer error="insufficient_claims", error_description="` + text +
				`", claims="` + claims + `"`}
		}, format("")},
		"HTML":         {200, header("Content-Type"), func(text string) string { return "<html>" + text }},
		"unknown name": {200, none, format(`{"ECHO":1,"ECHO":2,` + good + `,"value":[{"ECHO":1,"ECHO":2}]}`)},
		"name of a time": {200, none, format(`{"ECHODateTime":"x","expirationDateTime":"x",` + good +
			`,"value":[{"ECHODateTime":"x","expirationDateTime":"x"}]}`)},
		"value of a time": {200, none, format(`{"expirationDateTime":"ECHO",` + good +
			`,"value":[{"expirationDateTime":"ECHO"}]}`)},
		"value of a boolean": {200, none, format(`{"automaticallyUpdateApps":"ECHO",` + good +
			`,"value":[{"automaticallyUpdateApps":"ECHO"}]}`)},
		"value of a count": {200, none, format(`{"tokenActionResults":[{"totalLicensesCount":"ECHO"}],` + good +
			`,"value":[{"availableLicenseCount":"ECHO"}]}`)},
		"no id":              {200, none, format(`{"displayName":"ECHO","value":[{"displayName":"ECHO"}]}`)},
		"nextLink":           {200, none, format(`{"value":[],"@odata.nextLink":"https://ECHO/"}`)},
		"nextLink as a path": {200, none, format(`{"value":[],"@odata.nextLink":"ECHO"}`)},
		"after the document": {200, none, format(`{` + good + `} ECHO`)},
		"cut off":            {200, none, format(`{"id":"ECHO`)},
	}
}

// A service that sends the whole request back, in any clothes and any place, gets no secret into an
// error, the metadata or the log.
func TestLeakEchoedRequests(t *testing.T) {
	t.Parallel()
	for place, e := range echoes() {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			failures := 0
			for _, op := range []string{"update", "create", "list"} {
				var headers []string
				var body string
				service := &faulttest.Service{}
				service.Answer = faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
					return faulttest.Answer(e.status, body, headers...), nil
				})
				secrets := []string{
					faulttest.Bearer,
					"Bearer " + faulttest.Bearer + "\r\nbody: " + `{"token":"` + faulttest.AppleToken + `"}`,
				}
				if op == "list" {
					secrets = []string{"Authorization: Bearer " + faulttest.Bearer}
				}
				for _, secret := range secrets {
					for name, text := range leaktest.Disguises(secret) {
						headers, body = e.headers(text), e.body(text)
						var log bytes.Buffer
						client := faulttest.Client(t, service, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}),
							vpptoken.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{
								Level: slog.LevelDebug,
							}))))
						var meta vpptoken.Metadata
						err := faulttest.Named(t, op).Run(t.Context(), client, vpptoken.WithMetadata(&meta))
						if err != nil {
							failures++
						}
						for _, v := range []any{err, meta, log.String()} {
							if shown := leaktest.Leaks(fmt.Sprintf("%+v", v)); shown != "" {
								t.Errorf("%s, %s: a secret (%.12s...) shows in %.400s",
									op, name, shown, fmt.Sprintf("%+v", v))
							}
						}
						if name == "raw" {
							leaktest.ShowsNoSecret(t, err)
							leaktest.ShowsNoSecret(t, meta)
						}
					}
				}
			}
			if failures < 20 {
				t.Errorf("only %d calls failed", failures)
			}
		})
	}
}

// The same over a real connection, with the request as it was on the wire, in the status line and
// in names of headers too.
func TestLeakEchoedOnTheWire(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(dump string) string{
		"status line": func(dump string) string {
			return "HTTP/1.1 400 " + oneLine(dump) + "\r\nContent-Length: 0\r\n\r\n"
		},
		"header names": func(string) string {
			return "HTTP/1.1 400 Bad Request\r\nX-" + faulttest.ClientSecret + ": x\r\n" + "eyJcanary-bearer: x\r\n\r\n"
		},
		"header values": func(dump string) string {
			return "HTTP/1.1 400 Bad Request\r\nRequest-Id: " + oneLine(dump) + "\r\nLink: " +
				oneLine(dump) + "\r\n\r\n"
		},
		"no header":     func(dump string) string { return "HTTP/1.1 200 OK\r\n" + oneLine(dump) + "\r\n\r\n" },
		"instead of it": func(dump string) string { return dump },
		"body":          func(dump string) string { return "HTTP/1.1 400 Bad Request\r\n\r\n" + dump },
		"length": func(dump string) string {
			return "HTTP/1.1 200 OK\r\nContent-Length: " + oneLine(dump) +
				"\r\n\r\n"
		},
		"chunk": func(dump string) string {
			return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + oneLine(dump) + "\r\n"
		},
		"trailer": func(dump string) string {
			return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + oneLine(dump) + "\r\n\r\n"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				var dump bytes.Buffer
				_ = r.Header.Write(&dump)
				c, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					return
				}
				_, _ = io.WriteString(c, answer(dump.String()+"\r\n"+string(body)))
				_ = c.Close()
			}))
			t.Cleanup(server.Close)
			var log bytes.Buffer
			client := faulttest.Loopback(t, server.URL, faulttest.Quick(5*time.Second),
				vpptoken.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
			for _, op := range faulttest.Operations() {
				var meta vpptoken.Metadata
				err := op.Run(t.Context(), client, vpptoken.WithMetadata(&meta))
				leaktest.ShowsNoSecret(t, err)
				leaktest.ShowsNoSecret(t, meta)
			}
			leaktest.ShowsNoSecret(t, log.String())
		})
	}
}

func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }

// A sync that failed names the token's state, when it is a word of Graph's and no echo.
func TestLeakState(t *testing.T) {
	t.Parallel()
	body := `{"id":"1","state":"` + faulttest.Bearer +
		`","lastSyncStatus":"failed","lastSyncDateTime":"2026-11-20T14:50:53Z"}`
	client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Always(200, body)})
	_, err := client.WaitSync(t.Context(), &vpptoken.Sync{TokenID: faulttest.ID})
	if !errors.Is(err, vpptoken.ErrSyncFailed) {
		t.Fatal(err)
	}
	leaktest.ShowsNoSecret(t, err)
}

// The log has a list of what it may say, not one of what it may not.
func TestLeakLogHasAnAllowList(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var seen []string
	logger := slog.New(slog.NewTextHandler(&log,
		&slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if !slices.Contains(seen, a.Key) {
				seen = append(seen, a.Key)
			}
			return a
		}}))
	client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Always(429, faulttest.Bearer, "Request-Id",
		"req-1")},
		vpptoken.WithLogger(logger), vpptoken.WithRetry(vpptoken.Retry{MinWait: 1, MaxWait: 1}))
	_ = faulttest.Last(client.List(t.Context(), vpptoken.WithFilter("displayName eq '"+faulttest.ClientSecret+"'"),
		vpptoken.WithHeader("X-Secret", faulttest.ClientSecret)))
	slices.Sort(seen)
	if got := strings.Join(seen,
		" "); got != "attempt client_request_id duration level method msg operation path reason request_id status time until wait" {
		t.Errorf("the log says: %s", got)
	}
	leaktest.ShowsNoSecret(t, log.String())
}
