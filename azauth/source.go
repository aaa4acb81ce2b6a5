package azauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// Source is a token source for [vpptoken.NewClient], and an [oauth2.TokenSource]. It keeps a token until five minutes before
// it expires, or until the time that the credential asked for, because not every credential does: the Azure CLI's starts a
// process each time. It is safe for concurrent use, and asks the credential for one token at a time, unless it takes more than
// 30 s: one that never returns holds nobody but the call that asked it. The zero Source only returns errors.
type Source struct {
	cloud vpptoken.Cloud

	// A function, because what it holds can't be printed: neither through fmt nor by what walks memory.
	fetch func(ctx context.Context, claims string) (*oauth2.Token, error)
}

// Option changes how a source works. A bad value is an error of [New].
type Option func(*store) error

// New returns a source that asks cred for tokens of the Microsoft Graph of the given cloud. Nothing is sent.
func New(cred azcore.TokenCredential, cloud vpptoken.Cloud, opts ...Option) (*Source, error) {
	if cred == nil {
		return nil, errors.New("azauth: New: the credential is nil")
	}
	if cloud == (vpptoken.Cloud{}) {
		return nil, errors.New("azauth: New: the zero Cloud is none: take vpptoken.CloudGlobal or one of the others")
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

// Cloud returns the cloud that the tokens are for. [vpptoken.NewClient] talks to it.
func (s *Source) Cloud() vpptoken.Cloud {
	if s == nil {
		return vpptoken.Cloud{}
	}
	return s.cloud
}

// Token returns a token without a context: a credential that blocks holds it for as long as it wishes. It makes Source an
// [oauth2.TokenSource]; vpptoken calls [Source.TokenContext] instead. To sign in once before the first call finds
// a wrong tenant or a missing login early.
func (s *Source) Token() (*oauth2.Token, error) {
	return s.TokenContext(context.Background(), "")
}

// TokenContext returns a token, a kept one when it is fresh. ctx is handed to the credential. With claims, the decoded JSON of
// a claims challenge, the credential is always asked, and what it returns replaces the kept token.
func (s *Source) TokenContext(ctx context.Context, claims string) (*oauth2.Token, error) {
	switch {
	case s == nil || s.fetch == nil:
		return nil, errors.New("azauth: the source was not made by New")
	case ctx == nil:
		return nil, errors.New("azauth: the context is nil")
	}
	return s.fetch(ctx, claims)
}
