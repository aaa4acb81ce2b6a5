package vpptoken_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// authority is a sign-in service behind a transport. answer gets the form and how many came before
// it.
type authority struct {
	answer func(n int, form url.Values) (*http.Response, error)

	mu    sync.Mutex
	forms []url.Values
	urls  []string
	at    []time.Time
}

func (a *authority) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	n := len(a.forms)
	a.forms, a.urls, a.at = append(a.forms, form), append(a.urls, r.Method+" "+r.URL.String()), append(a.at, time.Now())
	a.mu.Unlock()
	type result struct {
		resp *http.Response
		err  error
	}
	done := make(chan result, 1)
	go func() {
		resp, err := a.answer(n, form) //nolint:bodyclose // the client reads it
		done <- result{resp, err}
	}()
	select {
	case r := <-done:
		return r.resp, r.err
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func (a *authority) asked() []url.Values {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.forms)
}

// in returns ctx with the authority as the client of x/oauth2.
func (a *authority) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: a})
}

// grant answers with the nth access token, for an hour.
func grant(n int, more ...string) (*http.Response, error) {
	body := fmt.Sprintf(`{"token_type":"Bearer","expires_in":3599,"access_token":"%s-%d"%s}`,
		faulttest.Bearer, n, strings.Join(more, ""))
	return faulttest.Answer(200, body, "Content-Type", "application/json"), nil
}

func refuse(status int, code string) (*http.Response, error) {
	body, err := json.Marshal(map[string]any{
		"error": code, "error_description": "AADSTS70016: " + code + " " + faulttest.ClientSecret,
	})
	return faulttest.Answer(status, string(body), "Content-Type", "application/json"), err
}

func appSource(tb testing.TB, c vpptoken.Cloud) *vpptoken.Source {
	tb.Helper()
	s, err := c.AppSource("contoso.example", "client-id", faulttest.ClientSecret)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestAppSourceSignsInOnceAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{answer: func(n int, _ url.Values) (*http.Response, error) { return grant(n) }}
		s := appSource(t, vpptoken.CloudChina)
		for i, want := range []int{0, 0, 1} { // after 0, 58 and 59 minutes
			token, err := s.TokenContext(a.in(t.Context()), "")
			if err != nil || token.AccessToken != fmt.Sprintf("%s-%d", faulttest.Bearer, want) ||
				token.Type() != "Bearer" || token.RefreshToken != "" {
				t.Fatalf("token %d: %v", i, err)
			}
			time.Sleep(58 * time.Minute)
			if i == 1 {
				time.Sleep(time.Minute)
			}
		}
		if want := "POST https://login.chinacloudapi.cn/contoso.example/oauth2/v2.0/token"; a.urls[0] != want {
			t.Errorf("asked %s, want %s", a.urls[0], want)
		}
		want := url.Values{
			"grant_type": {"client_credentials"}, "client_id": {"client-id"}, "client_secret": {faulttest.ClientSecret},
			"scope": {"https://microsoftgraph.chinacloudapi.cn/.default"},
		}
		if got := a.asked()[0].Encode(); got != want.Encode() {
			t.Errorf("the form is not that of a client credentials grant: %d bytes, want %d",
				len(got), len(want.Encode()))
		}
		if s.Cloud() != vpptoken.CloudChina {
			t.Errorf("Cloud %v", s.Cloud())
		}
	})
}

// Claims always sign in anew and travel along; what they bring is kept.
func TestSourcePassesClaimsOn(t *testing.T) {
	t.Parallel()
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`
	a := &authority{answer: func(n int, _ url.Values) (*http.Response, error) { return grant(n) }}
	s := appSource(t, vpptoken.CloudGlobal)
	for i, c := range []string{"", claims, ""} {
		token, err := s.TokenContext(a.in(t.Context()), c)
		if want := fmt.Sprintf("%s-%d", faulttest.Bearer, min(i, 1)); err != nil || token.AccessToken != want {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if forms := a.asked(); len(forms) != 2 || forms[0].Has("claims") || forms[1].Get("claims") != claims {
		t.Errorf("%d sign-ins", len(forms))
	}
}

// A token that the service refused is not kept.
func TestRefusedTokenIsReplaced(t *testing.T) {
	t.Parallel()
	for status, signIns := range map[int]int{401: 2, 403: 1} {
		a := &authority{answer: func(n int, _ url.Values) (*http.Response, error) { return grant(n) }}
		service := &faulttest.Service{
			Answer: faulttest.Once(faulttest.Always(status, ""), faulttest.Always(200, faulttest.BareToken)),
		}
		type embeds struct{ *vpptoken.Source }
		client := faulttest.ClientFor(t, embeds{appSource(t, vpptoken.CloudGlobal)},
			vpptoken.WithHTTPClient(&http.Client{Transport: service}))
		_, _ = client.Get(a.in(t.Context()), faulttest.ID)
		if _, err := client.Get(a.in(t.Context()), faulttest.ID); err != nil || len(a.asked()) != signIns {
			t.Errorf("%d: %v after %d sign-ins, want %d", status, err, len(a.asked()), signIns)
		}
	}
}

// What a sign-in sends goes nowhere else.
func TestSignInFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"https://evil.example/", "/elsewhere", "%zz"} {
			a := &authority{answer: func(int, url.Values) (*http.Response, error) {
				return faulttest.Answer(status, "", "Location", to), nil
			}}
			_, err := appSource(t, vpptoken.CloudGlobal).TokenContext(a.in(t.Context()), "")
			if len(a.asked()) != 1 || !errors.Is(err, vpptoken.ErrSignIn) ||
				!strings.Contains(err.Error(), "redirect") || vpptoken.Retryable(err) {
				t.Errorf("%d to %s: %d requests, %v", status, to, len(a.asked()), err)
			}
		}
	}
}

// The source names the cloud.
func TestF27SourceNamesTheCloud(t *testing.T) {
	t.Parallel()
	s := appSource(t, vpptoken.CloudUSGovernment)
	a := &authority{answer: func(n int, _ url.Values) (*http.Response, error) { return grant(n) }}
	for name, opts := range map[string][]vpptoken.Option{
		"alone": nil, "twice": {vpptoken.WithCloud(vpptoken.CloudUSGovernment)},
	} {
		service := &faulttest.Service{Answer: faulttest.Always(200, faulttest.BareToken)}
		client := faulttest.ClientFor(t, s, append(opts, vpptoken.WithHTTPClient(&http.Client{Transport: service}))...)
		_, err := client.Get(a.in(t.Context()), faulttest.ID)
		if err != nil || !strings.HasPrefix(service.Requests()[0].URL, "https://graph.microsoft.us/beta/") {
			t.Errorf("%s: %v, %v", name, service.Requests(), err)
		}
	}
	if _, err := vpptoken.NewClient(s, vpptoken.WithBaseURL("https://gateway.example")); err != nil {
		t.Errorf("with a base: %v", err)
	}
	for _, c := range []vpptoken.Cloud{vpptoken.CloudGlobal, vpptoken.CloudUSGovernmentDoD, vpptoken.CloudDelos} {
		client, err := vpptoken.NewClient(s, vpptoken.WithCloud(c))
		if client != nil || err == nil || !strings.HasPrefix(err.Error(), "vpptoken: NewClient: ") ||
			!strings.Contains(err.Error(), "USGov") {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestSourcesThatNobodyMade(t *testing.T) {
	t.Parallel()
	for _, s := range []*vpptoken.Source{nil, {}} {
		if _, err := s.Token(); err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") {
			t.Errorf("Token: %v", err)
		}
		if client, err := vpptoken.NewClient(s); client != nil || err == nil {
			t.Errorf("NewClient: %v", err)
		}
		if s.Cloud() != (vpptoken.Cloud{}) {
			t.Errorf("Cloud %v", s.Cloud())
		}
	}
	var ctx context.Context
	if _, err := appSource(t, vpptoken.CloudGlobal).TokenContext(ctx, ""); err == nil {
		t.Error("a nil context is taken")
	}
	for _, args := range [][3]string{
		{"a/b", "id", "s"}, {"", "id", "s"}, {"t.example", "", "s"}, {"t.example", "id", ""},
	} {
		s, err := vpptoken.CloudGlobal.AppSource(args[0], args[1], args[2])
		if s != nil || err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") {
			t.Errorf("AppSource%q: %v", args, err)
		}
	}
	if s, err := (vpptoken.Cloud{}).AppSource("t.example", "id", "s"); s != nil || err == nil {
		t.Errorf("the zero Cloud: %v", err)
	}
}

// Each trouble is named, in the words that Graph's own troubles have.
func TestF24TroubleIsNamed(t *testing.T) {
	t.Parallel()
	for name, tt := range troubles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &authority{answer: func(int, url.Values) (*http.Response, error) { return tt.answer.give() }}
			_, err := appSource(t, vpptoken.CloudGlobal).TokenContext(a.in(t.Context()), "")
			e := faulttest.Error(t, err)
			if err.Error() != "vpptoken: signIn: "+tt.text || !errors.Is(err, vpptoken.ErrSignIn) ||
				e.Code != tt.code || vpptoken.Retryable(err) != tt.passes {
				t.Errorf("%q, code %q, Retryable %v, want %+v", err, e.Code, vpptoken.Retryable(err), tt)
			}
			if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || e.StatusCode != 0 ||
				e.Ambiguous || e.Op != "signIn" {
				t.Errorf("%+v", *e)
			}
			leaktest.ShowsNoSecret(t, err)

			// Through a client, and from a source of somebody else.
			foreign := oauth2.ReuseTokenSource(nil, faulttest.SourceFunc(func() (*oauth2.Token, error) {
				cfg, err := vpptoken.CloudGlobal.ClientCredentials("contoso.example", "client-id",
					faulttest.ClientSecret)
				if err != nil {
					return nil, err
				}
				return cfg.Token(a.in(t.Context()))
			}))
			for prefix, source := range map[string]oauth2.TokenSource{
				"sign-in failed: ": appSource(t, vpptoken.CloudGlobal), "the token source failed: ": foreign,
			} {
				service := &faulttest.Service{Answer: faulttest.Always(200, faulttest.BareToken)}
				client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}),
					vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
				_, err := client.Get(a.in(t.Context()), faulttest.ID)
				e := faulttest.Error(t, err)
				if !errors.Is(err, vpptoken.ErrSignIn) || e.Code != tt.code || vpptoken.Retryable(err) != tt.passes ||
					e.Attempts != 0 || len(service.Requests()) != 0 {
					t.Errorf("%q, code %q, Retryable %v, want %+v", err, e.Code, vpptoken.Retryable(err), tt)
				}
				want := "vpptoken: get: " + prefix + tt.text
				if !strings.HasPrefix(err.Error(), want) && (prefix[0] == 's' || !tt.ours) {
					t.Errorf("%q, want %q", err, want)
				}
				leaktest.ShowsNoSecret(t, err)
			}
		})
	}
}

// The wait that the authority asks for is told without a client, too.
func TestF24SourceTellsTheWait(t *testing.T) {
	t.Parallel()
	a := &authority{answer: func(int, url.Values) (*http.Response, error) {
		return faulttest.Answer(429, "", "Retry-After", "17"), nil
	}}
	_, err := appSource(t, vpptoken.CloudGlobal).TokenContext(a.in(t.Context()), "")
	if wait, ok := vpptoken.RetryAfter(err); !ok || wait != 17*time.Second || !vpptoken.Retryable(err) {
		t.Errorf("RetryAfter %v, %v: %v", wait, ok, err)
	}
}

// One cloud for signing in and for Graph: the source tells the client.
func ExampleCloud_AppSource() {
	tenant, clientID, clientSecret := "contoso.example", "client-id", "client-secret"

	source, err := vpptoken.CloudUSGovernment.AppSource(tenant, clientID, clientSecret)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := vpptoken.NewClient(source)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(source, client)
	// Output: vpptoken.Source(USGov) vpptoken.Client(https://graph.microsoft.us/beta)
}

// A program is tested by swapping its cloud.
func ExampleCloud_AppSource_test() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Add(vpptoken.VPPToken{DisplayName: "Field iPads"})

	source, err := srv.Cloud().AppSource(srv.Credentials())
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := vpptoken.NewClient(source)
	if err != nil {
		fmt.Println(err)
		return
	}
	for t, err := range client.List(context.Background()) {
		fmt.Println(t.DisplayName, err)
	}
	// Output: Field iPads <nil>
}

// Why there is no token, for an operator and for a program.
func ExampleCloud_AppSource_refused() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	tenant, clientID, _ := srv.Credentials()

	source, err := srv.Cloud().AppSource(tenant, clientID, "a secret that expired")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = source.Token()
	var e *vpptoken.Error
	if errors.As(err, &e) && errors.Is(err, vpptoken.ErrSignIn) {
		fmt.Println(e.Code, vpptoken.Retryable(err))
	}
	fmt.Println(err)
	// Output:
	// invalid_client false
	// vpptoken: signIn: 401 Unauthorized: invalid_client (AADSTS7000215)
}
