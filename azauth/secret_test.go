package azauth_test

import (
	"context"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/vpptoken/vpptoken/azauth"
)

// plain is a credential that any printer shows.
type plain struct{ ClientSecret string }

func (p plain) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "bearer-" + p.ClientSecret, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestSourceHidesCredentialAndToken(t *testing.T) {
	t.Parallel()
	s := newSource(t, plain{secret}, azauth.WithTenantGuard(tenantID))
	mustHide(t, s, secret)
	mustHide(t, *s, secret)
	s = newSource(t, plain{secret})
	if got, err := s.Token(); err != nil || got.AccessToken != "bearer-"+secret {
		t.Fatalf("Token: %v", err)
	}
	mustHide(t, s, secret)
	mustHide(t, *s, secret)
}
