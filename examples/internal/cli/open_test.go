package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// carrier answers the requests of a test without a network, and notes where they went.
type carrier struct {
	seen   []string
	answer func(path string, form url.Values) (status int, body string)
}

func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	c.seen = append(c.seen, r.Method+" "+r.URL.String())
	form, err := clitest.Form(r)
	if err != nil {
		return nil, err
	}
	status, body := c.answer(r.URL.Path, form)
	return clitest.Answer(r, status, body), nil
}

func flags(t *testing.T, args ...string) *cli.Flags {
	t.Helper()
	fs := flag.NewFlagSet("example", flag.ContinueOnError)
	f := cli.NewFlags(fs)
	if err := cli.Parse(fs, args, io.Discard, ""); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOpenEmbedded(t *testing.T) {
	t.Parallel()
	f := flags(t, "-version", "v1.0")
	client, srv, err := f.Open(t.Context(), func(string) string { return "" }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if f.Live() {
		t.Error("Live without a tenant")
	}
	if n, err := client.Count(t.Context()); n != 0 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
	if got := srv.Requests()[0].Path; !strings.HasPrefix(got, "/v1.0/") {
		t.Errorf("path %s is not of v1.0", got)
	}
}

func TestOpenEmbeddedWithOptions(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	f := flags(t)
	f.Embedded = []vpptokentest.Option{vpptokentest.WithNow(func() time.Time { return moment })}
	client, srv, err := f.Open(t.Context(), func(string) string { return "" }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	var m vpptoken.Metadata
	if _, err := client.Count(t.Context(), vpptoken.WithMetadata(&m)); err != nil {
		t.Fatal(err)
	}
	if got := m.Header.Get("Date"); got != moment.Format(http.TimeFormat) {
		t.Errorf("the server's clock shows %s", got)
	}
}

func TestFlagsTwice(t *testing.T) {
	t.Parallel()
	fs := flag.NewFlagSet("example", flag.ContinueOnError)
	cli.NewFlags(fs)
	err := cli.Parse(fs, []string{"-tenant", "a", "-tenant", "b"}, io.Discard, "")
	if !errors.Is(err, cli.ErrUsage) || !strings.Contains(err.Error(), "flag -tenant: it is given twice") {
		t.Errorf("Parse: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"-tenant t", "-client-id c", "-cloud global", "-tenant a/b -client-id c", "-tenant .. -client-id c",
	} {
		for _, env := range []string{"", clitest.ClientSecret} {
			client, srv, err := flags(t, strings.Fields(args)...).Open(t.Context(),
				func(string) string { return env }, io.Discard)
			if !errors.Is(err, cli.ErrUsage) || client != nil || srv != nil {
				t.Errorf("%s: Open = %v, %v, %v", args, client, srv, err)
			}
		}
	}
}

func TestOpenWithSecret(t *testing.T) {
	t.Parallel()
	c := &carrier{answer: func(path string, form url.Values) (int, string) {
		if strings.HasSuffix(path, "/token") && form.Get("client_secret") == clitest.ClientSecret &&
			form.Get("client_id") == "app" {
			return 200, `{"access_token":"bearer","expires_in":3600}`
		}
		return 200, "3"
	}}
	ctx := clitest.Through(t.Context(), c)
	env := func(name string) string { return map[string]string{cli.SecretVariable: clitest.ClientSecret}[name] }
	var stderr bytes.Buffer
	f := flags(t, "-tenant", "contoso.example", "-client-id", "app", "-cloud", "china", "-version", "v1.0")
	client, srv, err := f.Open(ctx, env, &stderr)
	if err != nil || srv != nil || !f.Live() {
		t.Fatalf("Open: %v, %v, live %v", srv, err, f.Live())
	}
	if n, err := client.Count(ctx); n != 3 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
	if diff := cmp.Diff([]string{
		"POST https://login.chinacloudapi.cn/contoso.example/oauth2/v2.0/token",
		"GET https://microsoftgraph.chinacloudapi.cn/v1.0/deviceAppManagement/vppTokens/$count",
	}, c.seen); diff != "" || stderr.Len() != 0 {
		t.Errorf("stderr %q, requests (-want +got):\n%s", stderr.String(), diff)
	}
}

// deviceCode answers as the sign-in service does for somebody who enters the code after a while, or
// as last says.
func deviceCode(start time.Time, last string) *carrier {
	return &carrier{answer: func(path string, form url.Values) (int, string) {
		switch {
		case strings.HasSuffix(path, "/devicecode"):
			return 200, `{"device_code":"hidden-device-code","user_code":"ABC\u001b123","verification_uri":"https://login.example/device","interval":5,"expires_in":900}`
		case form.Get("device_code") != "hidden-device-code":
			return 400, `{"error":"invalid_grant"}`
		case time.Since(start) < time.Minute:
			return 400, `{"error":"authorization_pending"}`
		case last == "":
			return 200, `{"access_token":"bearer","refresh_token":"refresh","expires_in":3600}`
		}
		return 400, last
	}}
}

func TestOpenWithDeviceCode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := clitest.Through(t.Context(), deviceCode(time.Now(), ""))
		var stderr bytes.Buffer
		client, srv, err := flags(t, "-tenant", "contoso.example", "-client-id", "app").Open(ctx,
			func(string) string { return "" }, &stderr)
		if err != nil || client == nil || srv != nil {
			t.Fatalf("Open = %v, %v, %v", client, srv, err)
		}
		got, want := stderr.String(), "To sign in, open https://login.example/device and enter the code ABC\ufffd123\n"
		if got != want {
			t.Errorf("stderr %q, want %q", got, want)
		}
	})
}

func TestSignInFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, last, want string }{
		{
			"declined", `{"error":"authorization_declined","error_description":"AADSTS70000: hidden-device-code"}`,
			"vpptoken: signIn: 400 Bad Request: authorization_declined (AADSTS70000)",
		},
		{"strange", `{"error":"hidden-device-code"}`, "vpptoken: signIn: 400 Bad Request"},
		{"no JSON", `hidden-device-code`, "vpptoken: signIn: 400 Bad Request"},
		{
			"never entered", `{"error":"authorization_pending"}`,
			"vpptoken: signIn: the code expired before anybody entered it",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := clitest.Through(t.Context(), deviceCode(time.Now(), tt.last))
				_, _, err := flags(t, "-tenant", "contoso.example", "-client-id", "app").Open(ctx,
					func(string) string { return "" }, io.Discard)
				if err == nil || err.Error() != tt.want {
					t.Errorf("Open: %v, want %s", err, tt.want)
				}
			})
		})
	}
}

func TestSignInCannotStart(t *testing.T) {
	t.Parallel()
	c := &carrier{answer: func(string, url.Values) (int, string) {
		return 400, `{"error":"invalid_client","error_description":"AADSTS700016: no such application"}`
	}}
	ctx := clitest.Through(t.Context(), c)
	_, _, err := flags(t, "-tenant", "contoso.example", "-client-id", "app").Open(ctx,
		func(string) string { return "" }, io.Discard)
	if err == nil || err.Error() != "vpptoken: signIn: 400 Bad Request: invalid_client (AADSTS700016)" ||
		errors.Is(err, cli.ErrUsage) {
		t.Errorf("Open: %v", err)
	}
}

func TestSignInInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := clitest.Through(t.Context(), deviceCode(time.Now(), ""))
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		_, _, err := flags(t, "-tenant", "contoso.example", "-client-id", "app").Open(ctx,
			func(string) string { return "" }, io.Discard)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open: %v", err)
		}
	})
}
