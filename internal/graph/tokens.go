package graph

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
)

// Tokens shares a token source between calls. Calls that need a token at the same time share one
// request, and the last token is cached until a minute before it expires, or for a minute if it has
// no expiry. Ask may be slow, fail, hang and panic. Set the first three fields before the first
// use.
type Tokens struct {
	Ask       TokenFunc
	Patience  time.Duration // after which another call asks too, because a slower request may never end
	NoContext bool          // Ask takes no context: a call abandons it when its own context ends

	kept  atomic.Pointer[keptToken]
	mu    sync.Mutex
	under map[string]*round // by claims
}

type keptToken struct {
	*oauth2.Token

	got, until time.Time // by the wall clock, which runs on while a machine sleeps
}

// round is one request for a token, shared by the calls that wait for it.
type round struct {
	began time.Time
	done  chan struct{} // closed when it is over; then token, err and left are set
	token *oauth2.Token
	err   error
	left  bool // the context of its call ended: another call asks

	cancel context.CancelFunc // ends an Ask that is no longer needed
	before *round             // the slow one because of which this one began
}

// Get returns the cached token, or what Ask returns. With claims it always calls Ask.
func (s *Tokens) Get(ctx context.Context, claims string) (*oauth2.Token, error) {
	return s.get(ctx, claims, "", claims == "")
}

// Keep caches a token that did not come from Ask.
func (s *Tokens) Keep(t *oauth2.Token) {
	now := time.Now().Round(0)
	until := now.Add(time.Minute)
	if !t.Expiry.IsZero() {
		until = t.Expiry.Round(0).Add(-time.Minute)
	}
	s.kept.Store(&keptToken{t, now, until})
}

// Forget drops the cached token if it is this one, which the service refused, and is at least that
// old.
func (s *Tokens) Forget(bearer string, ago time.Duration) {
	if t := s.kept.Load(); t != nil && t.AccessToken == bearer && time.Now().Round(0).Sub(t.got) >= ago {
		s.kept.CompareAndSwap(t, nil)
	}
}

func (s *Tokens) usable() *oauth2.Token {
	if t := s.kept.Load(); t != nil && time.Now().Round(0).Before(t.until) {
		return t.Token
	}
	return nil
}

func (s *Tokens) get(ctx context.Context, claims, refused string, reuse bool) (*oauth2.Token, error) {
	if s.NoContext {
		claims = "" // a source without a context gets none
	}
	for {
		kept, r, mine := s.enter(claims, reuse)
		switch {
		case kept != nil:
			return kept, nil
		case mine && s.NoContext:
			go s.run(ctx, claims, r)
			runtime.Gosched() // most sources answer at once: with many calls waiting, this saves each a sleep
		case mine:
			s.run(ctx, claims, r)
			return r.token, r.err
		}
		over, err := s.wait(ctx, r)
		switch {
		case err != nil:
			return nil, err
		case !over || r.left, !mine && r.err == nil && refused != "" && r.token != nil && r.token.AccessToken == refused:
			continue // it hangs, was abandoned, or began before the refusal
		}
		return r.token, r.err
	}
}

// enter returns a cached token, or a round to wait for, or a new round for the caller to run.
func (s *Tokens) enter(claims string, reuse bool) (kept *oauth2.Token, r *round, mine bool) {
	if reuse {
		if t := s.usable(); t != nil {
			return t, nil, false
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if reuse { // one may have arrived just now
		if t := s.usable(); t != nil {
			return t, nil, false
		}
	}
	now := time.Now()
	before := s.under[claims]
	if before != nil && now.Before(before.began.Add(s.Patience)) {
		return nil, before, false
	}
	if s.under == nil {
		s.under = map[string]*round{}
	}
	r = &round{began: now, done: make(chan struct{}), before: before}
	s.under[claims] = r
	return nil, r, true
}

// wait returns when the round is over, when it has taken too long, or with an error when ctx has
// ended.
func (s *Tokens) wait(ctx context.Context, r *round) (over bool, err error) {
	if r.over() {
		return true, nil
	}
	var late <-chan time.Time
	patient := r.began.Add(s.Patience)
	if end, ok := ctx.Deadline(); !ok || patient.Before(end) {
		timer := time.NewTimer(time.Until(patient))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-r.done:
		return true, nil
	case <-late:
		return false, nil
	case <-ctx.Done():
		return false, ContextCause(ctx)
	}
}

func (s *Tokens) run(ctx context.Context, claims string, r *round) {
	var token *oauth2.Token
	var err error = panicCause() // or a Goexit
	defer func() {
		_ = recover() // its value may hold a secret
		s.finish(claims, r, token, err, err != nil && !s.NoContext && ctx.Err() != nil)
	}()
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	r.cancel = cancel
	s.mu.Unlock()
	token, err = s.Ask(own, claims)
}

// finish ends a round. A token also ends the rounds that began before it, or because it was slow.
func (s *Tokens) finish(claims string, r *round, token *oauth2.Token, err error, left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.under[claims]
	if err == nil && token != nil && fitsHeader(token.AccessToken) {
		s.Keep(token)
		for other := current; other != nil; other = other.before {
			other.end(token, nil, false)
		}
	}
	r.end(token, err, left)
	if current != nil && current.over() {
		delete(s.under, claims)
	}
}

// end takes effect once: the first result stays.
func (r *round) end(token *oauth2.Token, err error, left bool) {
	if r.over() {
		return
	}
	r.token, r.err, r.left = token, err, left
	close(r.done)
	if r.cancel != nil {
		r.cancel()
	}
}

func (r *round) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}
