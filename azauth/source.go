package azauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// Source is a token source for [vpptoken.NewClient], and an [oauth2.TokenSource]. It caches a token
// until five minutes before it expires, or until the time that the credential asks for, because not
// every credential does: the Azure CLI's starts a process each time. It is safe for concurrent use,
// and asks the credential for one token at a time. If that takes more than 30 s another call asks
// too, so a credential that never returns blocks only the call that asked it. The zero Source only
// returns errors.
type Source struct {
	cloud vpptoken.Cloud

	// A function, because what it holds can't be printed, neither by fmt nor by printers that walk
	// memory.
	fetch func(ctx context.Context, claims string) (*oauth2.Token, error)
}

// Option changes how a source works. A bad value is an error of [New].
type Option func(*store) error

// New returns a source that asks cred for access tokens for the Microsoft Graph of the given cloud.
// It sends nothing.
func New(cred azcore.TokenCredential, cloud vpptoken.Cloud, opts ...Option) (*Source, error) {
	if cred == nil {
		return nil, errors.New("azauth: New: the credential is nil")
	}
	if cloud == (vpptoken.Cloud{}) {
		return nil, errors.New("azauth: New: the zero Cloud is invalid: use vpptoken.CloudGlobal or another cloud")
	}
	s := &store{cred: cred, scope: cloud.Scope(), turn: newTurn()}
	for i, o := range opts {
		if o == nil {
			return nil, fmt.Errorf("azauth: New: option %d is nil", i)
		}
		if err := o(s); err != nil {
			return nil, fmt.Errorf("azauth: New: %w", err)
		}
	}
	return &Source{cloud: cloud, fetch: s.token}, nil
}

// Cloud returns the cloud that the tokens are for. [vpptoken.NewClient] uses it.
func (s *Source) Cloud() vpptoken.Cloud {
	if s == nil {
		return vpptoken.Cloud{}
	}
	return s.cloud
}

// Token is [Source.TokenContext] without a context, so a credential can block it indefinitely. It
// makes Source an [oauth2.TokenSource]; vpptoken calls TokenContext instead. Call it once at
// startup to find a wrong tenant or a missing login early.
func (s *Source) Token() (*oauth2.Token, error) {
	return s.TokenContext(context.Background(), "")
}

// TokenContext returns the cached token if it is fresh, or else asks the credential, with ctx. With
// claims, the decoded JSON of a claims challenge, it always asks the credential, and caches the new
// token.
func (s *Source) TokenContext(ctx context.Context, claims string) (*oauth2.Token, error) {
	switch {
	case s == nil || s.fetch == nil:
		return nil, errors.New("azauth: the source was not made by New")
	case ctx == nil:
		return nil, errors.New("azauth: the context is nil")
	}
	return s.fetch(ctx, claims)
}
