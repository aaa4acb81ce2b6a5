package azauth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/azauth"
)

var _ oauth2.TokenSource = (*azauth.Source)(nil)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cred  azcore.TokenCredential
		cloud vpptoken.Cloud
		opts  []azauth.Option
		want  string
	}{
		"nil credential": {nil, vpptoken.CloudGlobal, nil, "azauth: New: the credential is nil"},
		"zero cloud": {
			&fake.TokenCredential{},
			vpptoken.Cloud{},
			nil,
			"azauth: New: the zero Cloud is invalid: use vpptoken.CloudGlobal or another cloud",
		},
		"nil option": {
			&fake.TokenCredential{}, vpptoken.CloudGlobal, []azauth.Option{nil}, "azauth: New: option 0 is nil",
		},
		"domain": {
			&fake.TokenCredential{}, vpptoken.CloudGlobal,
			[]azauth.Option{azauth.WithTenantGuard("contoso.com")},
			"azauth: New: WithTenantGuard: a tenant id is a GUID",
		},
		"no tenant": {
			&fake.TokenCredential{}, vpptoken.CloudGlobal,
			[]azauth.Option{azauth.WithTenantGuard("")},
			"azauth: New: WithTenantGuard: a tenant id is a GUID",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := azauth.New(c.cred, c.cloud, c.opts...)
			if s != nil || err == nil || err.Error() != c.want {
				t.Errorf("New = %v, %v; want the error %q", s, err, c.want)
			}
		})
	}
}

func TestMisuseIsAnError(t *testing.T) {
	t.Parallel()
	var none *azauth.Source
	var typed *fake.TokenCredential // its method dereferences it
	for name, c := range map[string]struct {
		source *azauth.Source
		ctx    context.Context //nolint:containedctx // a table
		want   string
	}{
		"nil source":     {none, t.Context(), "azauth: the source was not made by New"},
		"zero source":    {&azauth.Source{}, t.Context(), "azauth: the source was not made by New"},
		"nil context":    {newSource(t, &fake.TokenCredential{}), nil, "azauth: the context is nil"},
		"typed nil":      {newSource(t, typed), t.Context(), "azauth: the credential panicked"},
		"no token":       {newSource(t, always("")), t.Context(), "azauth: the credential returned no access token"},
		"nil error text": {newSource(t, failing((*brokenError)(nil))), t.Context(), "azauth: the credential panicked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // a panic must not hold the source for ever
				token, err := c.source.TokenContext(c.ctx, "")
				if token != nil || err == nil || err.Error() != c.want {
					t.Errorf("TokenContext = %v, %v; want the error %q", token, err, c.want)
				}
			}
		})
	}
}

type brokenError struct{ text string }

func (e *brokenError) Error() string { return e.text }

func TestFakeCredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got, err := newSource(t, &fake.TokenCredential{}).Token()
		if err != nil {
			t.Fatal(err)
		}
		want := oauth2.Token{AccessToken: "fake_token", TokenType: "Bearer", Expiry: time.Now().Add(24 * time.Hour)}
		if got.AccessToken != want.AccessToken || got.TokenType != want.TokenType || !got.Expiry.Equal(want.Expiry) ||
			got.RefreshToken != "" {
			t.Errorf("Token has type %q and expires %v; want %q and %v",
				got.TokenType, got.Expiry, want.TokenType, want.Expiry)
		}
	})
}

func TestFakeCredentialError(t *testing.T) {
	t.Parallel()
	cause := errors.New("no login")
	cred := &fake.TokenCredential{}
	cred.SetError(cause)
	_, err := newSource(t, cred).Token()
	if err == nil || err.Error() != "azauth: the credential failed" || !errors.Is(err, cause) {
		t.Errorf("Token: %v", err)
	}
}

type contextKey struct{}

func TestCredentialIsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cloud vpptoken.Cloud
		scope string
	}{
		"global": {vpptoken.CloudGlobal, "https://graph.microsoft.com/.default"},
		"L4":     {vpptoken.CloudUSGovernment, "https://graph.microsoft.us/.default"},
		"L5":     {vpptoken.CloudUSGovernmentDoD, "https://dod-graph.microsoft.us/.default"},
		"China":  {vpptoken.CloudChina, "https://microsoftgraph.chinacloudapi.cn/.default"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const claims = `{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}`
			cred := always("at")
			var value any
			answer := cred.answer
			cred.answer = func(ctx context.Context, n int) (azcore.AccessToken, error) {
				value = ctx.Value(contextKey{})
				return answer(ctx, n)
			}
			s, err := azauth.New(cred, c.cloud)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.TokenContext(context.WithValue(t.Context(), contextKey{}, "carried"), claims); err != nil {
				t.Fatal(err)
			}
			asked := cred.requests()
			if len(asked) != 1 || asked[0].Claims != claims || !asked[0].EnableCAE || asked[0].TenantID != "" ||
				len(asked[0].Scopes) != 1 || asked[0].Scopes[0] != c.scope {
				t.Errorf("the credential was asked %+v", asked)
			}
			if value != "carried" {
				t.Errorf("the context's value was %v", value)
			}
		})
	}
}

// The source names its cloud, and a client that was told another one is refused.
func TestF27SourceNamesItsCloud(t *testing.T) {
	t.Parallel()
	s, err := azauth.New(always("at"), vpptoken.CloudUSGovernmentDoD)
	if err != nil {
		t.Fatal(err)
	}
	var sent string
	hc := &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		sent = r.URL.String()
		return nil, errors.New("far enough")
	})}
	c, err := vpptoken.NewClient(s, vpptoken.WithHTTPClient(hc), vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.Get(t.Context(), "a")
	if !strings.HasPrefix(sent, "https://dod-graph.microsoft.us/") || s.Cloud() != vpptoken.CloudUSGovernmentDoD {
		t.Errorf("%v: sent to %s", s.Cloud(), sent)
	}
	_, err = vpptoken.NewClient(s, vpptoken.WithCloud(vpptoken.CloudGlobal))
	if err == nil || !strings.Contains(err.Error(), "USGovDoD") {
		t.Errorf("a contradiction is taken: %v", err)
	}
	var none *azauth.Source
	if c, err := vpptoken.NewClient(none); c != nil || err == nil || none.Cloud() != (vpptoken.Cloud{}) {
		t.Errorf("no source: %v", err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
