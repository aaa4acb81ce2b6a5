package azauth_test

import (
	"context"
	"encoding/base64"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/azauth"
)

const tenantID = "6f2d8a10-3b7c-4d5e-9a41-0c7e5b2f9d83"

// credential answers with what its function says, and records what it was asked.
type credential struct {
	answer func(ctx context.Context, n int) (azcore.AccessToken, error) // n counts from 1

	mu    sync.Mutex
	asked []policy.TokenRequestOptions
}

func (c *credential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	c.asked = append(c.asked, o)
	n := len(c.asked)
	c.mu.Unlock()
	return c.answer(ctx, n)
}

func (c *credential) requests() []policy.TokenRequestOptions {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// always returns a credential that has this one token, good for an hour.
func always(token string) *credential {
	return &credential{answer: func(context.Context, int) (azcore.AccessToken, error) {
		return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, nil
	}}
}

// failing returns a credential that has only this error.
func failing(err error) *credential {
	return &credential{
		answer: func(context.Context, int) (azcore.AccessToken, error) { return azcore.AccessToken{}, err },
	}
}

func newSource(t *testing.T, cred azcore.TokenCredential, opts ...azauth.Option) *azauth.Source {
	t.Helper()
	s, err := azauth.New(cred, vpptoken.CloudGlobal, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// jwt returns an access token with this payload; its signature is none.
func jwt(payload string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none"}`)) + "." + part([]byte(payload)) + "." + part([]byte("signature"))
}
