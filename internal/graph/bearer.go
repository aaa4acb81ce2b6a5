package graph

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
)

// TokenFunc asks the caller's token source for a bearer, with the claims of a challenge or "".
type TokenFunc func(ctx context.Context, claims string) (*oauth2.Token, error)

// source guards a TokenFunc: one fetch at a time, ended by the context even when the source knows none, and no panic.
type source struct {
	token TokenFunc
	slot  chan struct{}

	// The last token is inside these two, where no printer finds it.
	keep func(*oauth2.Token) // the zero token ends it
	kept func() string       // its bearer while it lives for more than a minute; "" otherwise
}

// newSource keeps the last token only when it depends on nothing that a call brings along.
func newSource(token TokenFunc, keep bool) source {
	var last atomic.Pointer[oauth2.Token]
	s := source{token: token, slot: make(chan struct{}, 1), keep: func(*oauth2.Token) {}, kept: func() string { return "" }}
	if keep {
		s.keep = func(t *oauth2.Token) {
			last.Store(&oauth2.Token{AccessToken: t.AccessToken, Expiry: t.Expiry.Round(0)}) // by the wall clock, which goes on while a machine sleeps
		}
		s.kept = func() string {
			if t := last.Load(); t != nil && time.Until(t.Expiry) > time.Minute {
				return t.AccessToken
			}
			return ""
		}
	}
	return s
}

// forget drops the last token: the next call asks for another.
func (s source) forget() { s.keep(&oauth2.Token{}) }

type fetched struct {
	bearer string
	cause  *Cause
}

func (s source) fetch(ctx context.Context, claims string) (string, *Cause) {
	select {
	case s.slot <- struct{}{}:
	case <-ctx.Done():
		return "", ContextCause(ctx)
	}
	done := make(chan fetched, 1)
	go func() {
		var r fetched
		defer func() {
			if _ = recover(); r == (fetched{}) { // a panic, whose value may hold a secret, or a Goexit
				r.cause = &Cause{text: "the token source panicked"}
			}
			<-s.slot
			done <- r
		}()
		r = s.ask(ctx, claims)
	}()
	runtime.Gosched() // most sources answer at once: with many calls under way, this saves each a sleep
	select {
	case r := <-done:
		return r.bearer, r.cause
	case <-ctx.Done():
		return "", ContextCause(ctx)
	}
}

func (s source) ask(ctx context.Context, claims string) fetched {
	token, err := s.token(ctx, claims)
	switch {
	case err != nil:
		return fetched{cause: sourceCause(err)}
	case token == nil || token.AccessToken == "":
		return fetched{cause: &Cause{text: "the token source returned no access token"}}
	case strings.ContainsFunc(token.AccessToken, func(c rune) bool { return c <= ' ' || c > '~' }):
		return fetched{cause: &Cause{text: "the token source returned an access token that no header can carry"}}
	}
	s.keep(token)
	return fetched{bearer: token.AccessToken}
}

// sourceCause shows of an OAuth failure only what looks like a code; the rest is the server's text.
func sourceCause(err error) *Cause {
	c := &Cause{text: "the token source failed", retryLater: true, is: isOne(err)}
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return c
	}
	if oauthCode().MatchString(answer.ErrorCode) {
		c.text += ": " + answer.ErrorCode
	}
	if code := entraCode().FindString(answer.ErrorDescription); code != "" {
		c.text += " (" + code + ")"
	}
	if answer.Response != nil {
		status := answer.Response.StatusCode
		c.retryLater = status == 408 || status == 429 || status >= 500
	}
	return c
}

var (
	oauthCode = lazy(`^[a-z_]{1,40}$`)
	entraCode = lazy(`\bAADSTS[0-9]{4,8}\b`)
)
