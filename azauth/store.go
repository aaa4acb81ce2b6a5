package azauth

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/oauth2"
)

// early is how long before its expiry a token is replaced when the credential has no wish of its own, as in azcore.
const early = 5 * time.Minute

// store asks a credential and keeps the last token.
type store struct {
	cred   azcore.TokenCredential
	scope  string
	tenant string // "" accepts the tokens of every tenant

	slot chan struct{} // held by the one that works on kept
	kept azcore.AccessToken
}

func (s *store) token(ctx context.Context, claims string) (*oauth2.Token, error) {
	select {
	case s.slot <- struct{}{}:
		defer func() { <-s.slot }()
	case <-ctx.Done():
		return nil, failed(ctx.Err())
	}
	if claims == "" && time.Now().Before(s.refreshOn()) {
		return s.give(), nil
	}
	token, err := s.ask(ctx, claims)
	switch {
	case err == nil:
	case claims == "" && time.Now().Before(s.kept.ExpiresOn):
		return s.give(), nil // it was only to be replaced early: the next call asks again
	default:
		return nil, err
	}
	if err := checkTenant(s.tenant, token.Token); err != nil {
		return nil, err
	}
	s.kept = token
	return s.give(), nil
}

// refreshOn is in the past when nothing is kept, and when the credential did not say how long its token lives.
func (s *store) refreshOn() time.Time {
	if on := s.kept.RefreshOn; !on.IsZero() && on.Before(s.kept.ExpiresOn) {
		return on
	}
	return s.kept.ExpiresOn.Add(-early)
}

func (s *store) give() *oauth2.Token {
	return &oauth2.Token{AccessToken: s.kept.Token, TokenType: "Bearer", Expiry: s.kept.ExpiresOn}
}

// ask turns all that can go wrong in a credential into an error with a text of this package.
func (s *store) ask(ctx context.Context, claims string) (token azcore.AccessToken, err error) {
	defer func() {
		if recover() != nil { // its value may hold a secret
			token, err = azcore.AccessToken{}, errors.New("azauth: the credential panicked")
		}
	}()
	token, err = s.cred.GetToken(ctx, policy.TokenRequestOptions{Claims: claims, EnableCAE: true, Scopes: []string{s.scope}})
	switch {
	case err != nil:
		return azcore.AccessToken{}, failed(err)
	case token.Token == "":
		return azcore.AccessToken{}, errors.New("azauth: the credential returned no access token")
	}
	return token, nil
}
