package vpptoken

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// How long to wait for the user, when the authority does not say or asks for something absurd.
const (
	pollInterval = 5 * time.Second
	maxInterval  = time.Minute
	codeLife     = 15 * time.Minute
	maxCodeLife  = time.Hour
)

// DeviceSource signs in as a user, who enters a code on another device, to act with delegated
// permissions. It returns when the user has signed in. It calls show once, with the code and the
// address where to enter it; show should not block, because the code expires after about 15
// minutes. Network failures while the user enters the code do no harm.
//
// ctx limits only this sign-in. Later the Source renews its access token with its refresh token, in
// the context of the call that needs one; if Microsoft Entra refuses that, calls fail with
// [ErrSignIn] and the code invalid_grant, and the user must sign in again, with a new Source. The
// application must allow public client flows. Microsoft identity platform reference:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
func (c Cloud) DeviceSource(
	ctx context.Context, tenant, clientID string, show func(*oauth2.DeviceAuthResponse),
) (*Source, error) {
	cfg, err := c.DeviceCode(tenant, clientID)
	switch {
	case err != nil:
		return nil, err
	case ctx == nil:
		return nil, errors.New("vpptoken: the context is nil")
	case show == nil:
		return nil, errors.New("vpptoken: DeviceSource: the show function is nil")
	}
	p := person{authority: authority{base: graph.NewTransport(), cfg: &clientcredentials.Config{
		ClientID: cfg.ClientID, TokenURL: cfg.Endpoint.TokenURL, Scopes: cfg.Scopes, AuthStyle: cfg.Endpoint.AuthStyle,
	}}}
	code, err := p.start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	shown := *code
	shown.DeviceCode = "" // the secret half, which the user does not enter
	show(&shown)
	t, err := p.poll(ctx, code)
	if err != nil {
		return nil, err
	}
	p.keep(t)
	tokens := &graph.Tokens{Ask: p.refresh}
	tokens.Keep(t)
	return c.source(cfg.Endpoint.TokenURL, tokens, func() []string { return []string{code.DeviceCode, p.refreshToken()} }), nil
}

// person is a user who signed in.
type person struct {
	authority

	mu      sync.Mutex
	renewal string // the refresh token
}

// start asks for a code.
func (p *person) start(ctx context.Context, cfg *oauth2.Config) (*oauth2.DeviceAuthResponse, error) {
	limited, cancel := context.WithTimeout(ctx, signInTime)
	defer cancel()
	code, err := cfg.DeviceAuth(context.WithValue(limited, oauth2.HTTPClient, graph.SignInClient(limited, p.base)))
	if err == nil && (code == nil || code.DeviceCode == "" || code.UserCode == "") {
		err = graph.NewSignInCause("the answer holds no code", "")
	}
	if err != nil {
		return nil, signInError(ctx, limited, err, pathOf(cfg.Endpoint.DeviceAuthURL))
	}
	return code, nil
}

// poll asks until the user has signed in or the code has expired. Failures in between are no reason
// to give up, except for a success that broke off: it held the token, and a code gives only one.
func (p *person) poll(ctx context.Context, code *oauth2.DeviceAuthResponse) (*oauth2.Token, error) {
	path, end, interval := pathOf(p.cfg.TokenURL), codeEnd(code), codeInterval(code)
	params := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {code.DeviceCode}}
	wait := interval
	for {
		if time.Now().Add(wait).After(end) {
			wait = time.Until(end)
		}
		if !sleep(ctx, wait) {
			return nil, signInError(ctx, ctx, ctx.Err(), path)
		}
		if !time.Now().Before(end) {
			cause := graph.NewSignInCause("the code expired before anybody entered it", "expired_token")
			return nil, signInError(ctx, ctx, cause, path)
		}
		limited, cancel := context.WithTimeout(ctx, signInTime)
		t, err := p.token(limited, "", params)
		cancel()
		if err == nil {
			return t, nil
		}
		cause := graph.SignInCause(err)
		switch {
		case cause.Spent():
			cause = graph.NewSignInCause("the answer broke off, and the code is spent: start again", "")
			return nil, signInError(ctx, ctx, cause, path)
		case cause.Code() == "slow_down":
			interval += pollInterval
		case cause.Code() != "authorization_pending" && !cause.RetryLater():
			return nil, signInError(ctx, ctx, cause, path)
		}
		wait = max(interval, cause.RetryAfter())
	}
}

// sleep waits, and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func codeInterval(code *oauth2.DeviceAuthResponse) time.Duration {
	if code.Interval <= 0 {
		return pollInterval
	}
	return time.Duration(min(code.Interval, int64(maxInterval/time.Second))) * time.Second
}

func codeEnd(code *oauth2.DeviceAuthResponse) time.Time {
	now := time.Now()
	if code.Expiry.IsZero() || code.Expiry.After(now.Add(maxCodeLife)) {
		return now.Add(codeLife)
	}
	return code.Expiry
}

func (p *person) keep(t *oauth2.Token) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.RefreshToken != "" {
		p.renewal = t.RefreshToken
	}
}

func (p *person) refreshToken() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.renewal
}

// refresh gets another access token without involving the user.
func (p *person) refresh(ctx context.Context, claims string) (*oauth2.Token, error) {
	renewal := p.refreshToken()
	if renewal == "" {
		return nil, graph.NewSignInCause("the access token expired and there is no refresh token: sign in again", "")
	}
	t, err := p.token(ctx, claims, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {renewal}})
	if err == nil {
		p.keep(t)
	}
	return t, err
}
