package azauth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/oauth2"
)

// early is how long before its expiry a token is replaced, as in azcore, unless the credential sets
// a time.
const early = 5 * time.Minute

// patience is how long to wait for a credential before another call asks it too: it may never
// return.
const patience = 30 * time.Second

// store asks a credential and caches the last token.
type store struct {
	cred   azcore.TokenCredential
	scope  string
	tenant string // "" accepts the tokens of every tenant

	mu   sync.Mutex
	turn *turn
	kept azcore.AccessToken
}

// turn is held by the call that asks.
type turn struct {
	slot  chan struct{}
	began time.Time // when the holder began, zero if free; guarded by the store's mu
}

func newTurn() *turn { return &turn{slot: make(chan struct{}, 1)} }

func (s *store) token(ctx context.Context, claims string) (*oauth2.Token, error) {
	if kept := s.last(); claims == "" && fresh(kept) {
		return give(kept), nil
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("azauth: waiting for another call's sign-in: %w", err)
	}
	defer leave()
	kept := s.last()
	if claims == "" && fresh(kept) { // the other call's
		return give(kept), nil
	}
	token, err := s.ask(ctx, claims)
	switch {
	case err == nil:
	case claims == "" && time.Now().Before(kept.ExpiresOn):
		return give(kept), nil // it is still valid: the next call asks again
	default:
		return nil, err
	}
	if err := checkTenant(s.tenant, token.Token); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.kept = token
	s.mu.Unlock()
	return give(token), nil
}

func (s *store) last() azcore.AccessToken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept
}

// enter waits for the turn. A turn that is held for too long is left to its holder, and a new one
// begins.
func (s *store) enter(ctx context.Context) (leave func(), err error) {
	for {
		s.mu.Lock()
		t, began := s.turn, s.turn.began
		s.mu.Unlock()
		left := patience
		if !began.IsZero() {
			left = time.Until(began.Add(patience))
		}
		timer := time.NewTimer(left)
		select {
		case t.slot <- struct{}{}:
			timer.Stop()
			s.mark(t, time.Now())
			return func() {
				s.mark(t, time.Time{})
				<-t.slot
			}, nil
		case <-timer.C:
			s.abandon(t)
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

func (s *store) mark(t *turn, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.began = began
}

// abandon begins a new turn, unless another call has.
func (s *store) abandon(t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turn == t && !t.began.IsZero() && time.Since(t.began) >= patience {
		s.turn = newTurn()
	}
}

// fresh reports whether a token needs no replacement yet. One that is not there, or of whose life
// the credential said nothing, always does.
func fresh(t azcore.AccessToken) bool {
	end := t.ExpiresOn.Add(-early)
	if !t.RefreshOn.IsZero() && t.RefreshOn.Before(t.ExpiresOn) {
		end = t.RefreshOn
	}
	return time.Now().Before(end)
}

func give(t azcore.AccessToken) *oauth2.Token {
	return &oauth2.Token{AccessToken: t.Token, TokenType: "Bearer", Expiry: t.ExpiresOn}
}

// ask turns all that can go wrong in a credential into an error with this package's own text.
func (s *store) ask(ctx context.Context, claims string) (token azcore.AccessToken, err error) {
	defer func() {
		if recover() != nil { // its value may hold a secret
			token, err = azcore.AccessToken{}, broken("azauth: the credential panicked")
		}
	}()
	token, err = s.cred.GetToken(ctx, policy.TokenRequestOptions{
		Claims: claims, EnableCAE: true, Scopes: []string{s.scope},
	})
	switch {
	case err != nil:
		return azcore.AccessToken{}, failed(err)
	case token.Token == "":
		return azcore.AccessToken{}, broken("azauth: the credential returned no access token")
	}
	return token, nil
}
