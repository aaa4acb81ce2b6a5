package azauth_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/azauth"
)

func TestTenantGuard(t *testing.T) {
	t.Parallel()
	const (
		canary   = "c4n4ry-0f-4-t3n4nt"
		refused  = "azauth: the tenant guard refused the access token: "
		opaque   = refused + "it is opaque, so its tenant can't be checked"
		other    = refused + "it is of another tenant"
		nameless = refused + "it names no tenant"
	)
	for name, c := range map[string]struct{ token, want string }{
		"same":             {jwt(`{"aud":"x","tid":"` + tenantID + `"}`), ""},
		"same, upper case": {jwt(`{"tid":"` + strings.ToUpper(tenantID) + `"}`), ""},
		"same, padded": {
			"e30." + base64.URLEncoding.EncodeToString([]byte(`{"tid":"`+tenantID+`"} `)) + ".c2ln", "",
		},
		"other":           {jwt(`{"tid":"00000000-0000-0000-0000-000000000000","upn":"` + canary + `"}`), other},
		"prefix":          {jwt(`{"tid":"` + tenantID + `0"}`), other},
		"no tid":          {jwt(`{"upn":"` + canary + `"}`), nameless},
		"null tid":        {jwt(`{"tid":null,"upn":"` + canary + `"}`), nameless},
		"tid is a number": {jwt(`{"tid":7,"upn":"` + canary + `"}`), opaque},
		"opaque":          {canary, opaque},
		"two parts":       {canary + "." + canary, opaque},
		"encrypted":       {"a.b.c.d." + canary, opaque},
		"not base64":      {"e30.!" + canary + ".c2ln", opaque},
		"not JSON":        {"e30." + base64.RawURLEncoding.EncodeToString([]byte(canary)) + ".c2ln", opaque},
		"an array":        {jwt(`["` + canary + `"]`), opaque},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cred := always(c.token)
			s := newSource(t, cred, azauth.WithTenantGuard(tenantID))
			for range 2 {
				got, err := s.TokenContext(t.Context(), "")
				if c.want == "" {
					if err != nil || got.AccessToken != c.token {
						t.Fatalf("TokenContext: %v", err)
					}
					continue
				}
				if got != nil || err == nil || err.Error() != c.want || !errors.Is(err, azauth.ErrTenant) {
					t.Fatalf("TokenContext: %v, want %q", err, c.want)
				}
				mustHide(t, err, canary, c.token)
			}
			if n := len(cred.requests()); c.want != "" && n != 2 {
				t.Errorf("the credential was asked %d times, want 2: a refused token is not kept", n)
			}
			if got, err := newSource(t, always(c.token)).Token(); err != nil || got.AccessToken != c.token {
				t.Errorf("without the guard: %v", err)
			}
		})
	}
}

func TestTenantGuardInTheClient(t *testing.T) {
	t.Parallel()
	srv := newGraph(t)
	token := jwt(`{"tid":"00000000-0000-0000-0000-000000000000"}`)
	client := newClient(t, newSource(t, always(token), azauth.WithTenantGuard(tenantID)), srv.URL)
	_, err := client.Get(t.Context(), "a")
	if !errors.Is(err, azauth.ErrTenant) || vpptoken.Retryable(err) {
		t.Errorf("Get: %v, retryable %v", err, vpptoken.Retryable(err))
	}
	want := "vpptoken: get: the token source failed: tenant_guard"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Get: %v, want %q", err, want)
	}
	mustHide(t, err, token)
	if got := srv.seen(); len(got) != 0 {
		t.Errorf("%d requests were sent", len(got))
	}
}
