package vpptoken

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// signInTime is the time limit of a sign-in.
const signInTime = 30 * time.Second

// Source signs in as an application ([Cloud.AppSource]) or as a user ([Cloud.DeviceSource]), and
// gives [NewClient] its cloud. It keeps its access token until a minute before that expires; calls
// that need a new one at the same time share one sign-in. It is safe for concurrent use and never
// prints what it holds. The zero Source only returns errors.
//
// A failure is an [*Error] that matches [ErrSignIn] and names its cause, for example "vpptoken:
// signIn: 401 Unauthorized: invalid_client (AADSTS7000215)", with OAuth's code in [Error.Code].
// [Retryable] reports whether it is temporary. A client retries a temporary failure for every
// operation, because nothing was sent.
//
// A sign-in uses a connection of its own, and httptrace hooks in the context of the call see it too.
// To use another transport, put an *http.Client into that context, as for golang.org/x/oauth2:
//
//	ctx = context.WithValue(ctx, oauth2.HTTPClient, client)
type Source struct {
	cloud Cloud
	path  string // of the token address

	// Functions, because what a closure holds can't be printed.
	get  func(ctx context.Context, claims string) (*oauth2.Token, error)
	drop func(bearer string, ago time.Duration)
	held func() []string // the secrets besides the access token
}

// AppSource signs in as the application itself, with a client secret, to act with application
// permissions. It sends nothing until a call needs a token. Microsoft identity platform reference:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
func (c Cloud) AppSource(tenant, clientID, clientSecret string) (*Source, error) {
	cfg, err := c.ClientCredentials(tenant, clientID, clientSecret)
	if err != nil {
		return nil, err
	}
	a := authority{cfg: cfg, base: graph.NewTransport()}
	tokens := &graph.Tokens{Ask: func(ctx context.Context, claims string) (*oauth2.Token, error) {
		return a.token(ctx, claims, url.Values{})
	}}
	return c.source(cfg.TokenURL, tokens, func() []string { return []string{clientSecret} }), nil
}

func (c Cloud) source(tokenURL string, tokens *graph.Tokens, held func() []string) *Source {
	tokens.Patience = patience
	return &Source{cloud: c, path: pathOf(tokenURL), get: tokens.Get, drop: tokens.Forget, held: held}
}

// patience is how long a sign-in may take before another call starts one too, in case it hangs.
const patience = 2 * time.Second

// Format prints the cloud under every verb, and nothing that s holds.
func (s Source) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "vpptoken.Source(%v)", s.cloud) }

// forget drops a token that the service refused. After a denial (403) it drops only a token over a
// minute old: a role that was granted in the meantime shows only in a new token.
func (s *Source) forget(bearer string, denied bool) {
	if denied {
		s.drop(bearer, time.Minute)
		return
	}
	s.drop(bearer, 0)
}

// secrets returns what no text of Graph's may show either.
func (s *Source) secrets() []string { return s.held() }

// Cloud returns the cloud that s signs in to.
func (s *Source) Cloud() Cloud {
	if s == nil {
		return Cloud{}
	}
	return s.cloud
}

// Token is [Source.TokenContext] without a context. It makes Source an [oauth2.TokenSource].
func (s *Source) Token() (*oauth2.Token, error) {
	return s.TokenContext(context.Background(), "")
}

// TokenContext returns the kept access token, or signs in with ctx, for at most 30 s. It does not
// keep ctx. With claims, the decoded JSON of a claims challenge, it always signs in and passes them
// on. The token is a plain struct that prints its secret: never print it.
func (s *Source) TokenContext(ctx context.Context, claims string) (*oauth2.Token, error) {
	switch {
	case s == nil || s.get == nil:
		return nil, errors.New("vpptoken: the source was not made by AppSource or DeviceSource")
	case ctx == nil:
		return nil, errors.New("vpptoken: the context is nil")
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > signInTime { // if both end at once, the caller's counts
		limited, cancel = context.WithTimeout(ctx, signInTime)
	}
	defer cancel()
	t, err := s.get(limited, claims)
	if err != nil {
		return nil, signInError(ctx, limited, err, s.path)
	}
	return &oauth2.Token{AccessToken: t.AccessToken, TokenType: "Bearer", Expiry: t.Expiry}, nil
}

// signInError returns the error of a sign-in. ctx is the caller's; limited adds the time limit.
func signInError(ctx, limited context.Context, err error, path string) *Error {
	cause := graph.SignInCause(err)
	switch {
	case ctx.Err() != nil:
		cause = graph.ContextCause(ctx)
	case limited.Err() != nil:
		cause = graph.SignInTimeCause(signInTime)
	case cause.Error() == "":
		cause = graph.NewSignInCause("the answer can't be read", "")
	}
	e := &Error{Op: opSignIn, Method: http.MethodPost, Path: path, RetryAfter: cause.RetryAfter(), cause: cause}
	e.signIn()
	return e
}

// signIn fills in the code and message of a failed sign-in, and reports whether there was one.
func (e *Error) signIn() bool {
	cause, ok := errors.AsType[*graph.Cause](e.cause)
	if !ok || !cause.SignIn() {
		return false
	}
	e.Code, e.Message = cause.Code(), cause.Error()
	return true
}

// authority is where an application or a user signs in.
type authority struct {
	cfg  *clientcredentials.Config
	base http.RoundTripper
}

// token requests an access token. A grant_type in params replaces the application's own.
func (a authority) token(ctx context.Context, claims string, params url.Values) (*oauth2.Token, error) {
	if claims != "" {
		params.Set("claims", claims)
	}
	cfg := clientcredentials.Config{
		ClientID: a.cfg.ClientID, ClientSecret: a.cfg.ClientSecret, TokenURL: a.cfg.TokenURL,
		Scopes: a.cfg.Scopes, AuthStyle: a.cfg.AuthStyle, EndpointParams: params,
	}
	t, err := cfg.Token(context.WithValue(ctx, oauth2.HTTPClient, graph.SignInClient(ctx, a.base)))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok &&
		graph.Shows(refused.ErrorCode, a.cfg.ClientSecret, params.Get("device_code"), params.Get("refresh_token")) {
		refused.ErrorCode = "" // a hostile authority put it there
	}
	if err != nil {
		return nil, graph.SignInCause(err) // it shows nothing of the request
	}
	return t, nil
}

func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}

// contextSource is a token source that takes a call's context.
type contextSource interface {
	TokenContext(ctx context.Context, claims string) (*oauth2.Token, error)
}

// ownSource is a Source, or a type that embeds one.
type ownSource interface {
	forget(bearer string, denied bool)
	secrets() []string
}

// takeSource hides a source in functions, out of the reach of printers.
func takeSource(cfg *graph.Config, ts oauth2.TokenSource) {
	cs, ok := ts.(contextSource)
	if !ok {
		cfg.PlainToken = true
		cfg.Token = func(context.Context, string) (*oauth2.Token, error) { return ts.Token() }
		return
	}
	cfg.Token, cfg.Forget = cs.TokenContext, func(string, bool) {}
	if own, ok := ts.(ownSource); ok {
		cfg.Forget, cfg.Secrets = own.forget, own.secrets
	}
}

// takeCloud sets the cloud from the source, if the source has one.
func (cfg *config) takeCloud(ts oauth2.TokenSource) error {
	if s, ok := ts.(*Source); ok && (s == nil || s.get == nil) {
		return errors.New("the source was not made by AppSource or DeviceSource")
	}
	if s, ok := ts.(interface{ Cloud() Cloud }); ok {
		switch named := s.Cloud(); {
		case named == (Cloud{}):
			return errors.New("the token source names the zero Cloud")
		case cfg.cloud != (Cloud{}) && cfg.cloud != named:
			return errors.New("WithCloud contradicts the token source: it signs in to " + named.String())
		default:
			cfg.cloud = named
		}
	}
	if cfg.cloud == (Cloud{}) {
		cfg.cloud = CloudGlobal
	}
	return nil
}
