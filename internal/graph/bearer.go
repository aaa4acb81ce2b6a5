package graph

import (
	"context"
	"strings"
	"sync/atomic"

	"golang.org/x/oauth2"
)

// TokenFunc asks a token source for an access token, with the claims of a challenge or "".
type TokenFunc func(ctx context.Context, claims string) (*oauth2.Token, error)

const scheme = "Bearer "

// source gets a client's access tokens. It keeps them inside functions, where no printer finds
// them.
type source struct {
	ask    func(ctx context.Context, claims, refused string, reuse bool) (*oauth2.Token, error)
	forget func(bearer string, denied bool)
	isNew  func(bearer string) bool   // different from the previous one
	header func(bearer string) string // of the requests that it goes with
}

// newSource wraps the caller's token source. Each call asks a source that takes a context by
// itself. Any other is asked by one call at a time, and its token is cached. remember is called
// with each token that is sent and that the last request did not have.
func newSource(cfg *Config, remember func(bearer string)) source {
	var last atomic.Pointer[string]
	s := source{forget: cfg.Forget, isNew: func(bearer string) bool {
		before := last.Swap(&bearer)
		return before == nil || *before != bearer
	}}
	var header atomic.Pointer[string]
	s.header = func(bearer string) string {
		if h := header.Load(); h != nil && (*h)[len(scheme):] == bearer {
			return *h
		}
		remember(bearer)
		h := scheme + bearer
		header.Store(&h)
		return h
	}
	if cfg.PlainToken {
		shared := Tokens{Ask: cfg.Token, Patience: cfg.AttemptTimeout, NoContext: true}
		s.ask, s.forget = shared.get, func(bearer string, _ bool) { shared.Forget(bearer, 0) }
		return s
	}
	panicked := panicCause()
	s.ask = func(ctx context.Context, claims, _ string, _ bool) (token *oauth2.Token, err error) {
		err = panicked
		defer func() { _ = recover() }() // the value of a panic may hold a secret
		return cfg.Token(ctx, claims)
	}
	return s
}

// fetch returns an access token. With reuse, for the first attempt of a call, that may be a cached
// one. It never returns the refused token as another call's result.
func (s source) fetch(ctx context.Context, claims, refused string, reuse bool) (string, *Cause) {
	token, err := s.ask(ctx, claims, refused, reuse)
	switch {
	case err != nil:
		return "", sourceCause(err)
	case token == nil || token.AccessToken == "":
		return "", &Cause{text: "the token source returned no access token", signIn: true}
	case !fitsHeader(token.AccessToken):
		return "", &Cause{text: "the token source returned an access token that no header can carry", signIn: true}
	}
	return token.AccessToken, nil
}

func fitsHeader(bearer string) bool {
	return bearer != "" && !strings.ContainsFunc(bearer, func(c rune) bool { return c <= ' ' || c > '~' })
}
