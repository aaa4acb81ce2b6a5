package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// SecretVariable is the environment variable with the client secret, which never is a flag: other users of the machine can
// see those.
const SecretVariable = "VPPTOKEN_CLIENT_SECRET" //nolint:gosec // the name of the variable, not a secret

// signIn signs in as the application when there is a secret, and otherwise as a user, who gets a code to enter in a browser.
func signIn(ctx context.Context, cloud vpptoken.Cloud, tenant, clientID, secret string, stderr io.Writer) (oauth2.TokenSource, error) {
	if secret != "" {
		app, err := cloud.ClientCredentials(tenant, clientID, secret)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
		return app.TokenSource(ctx), nil
	}
	user, err := cloud.DeviceCode(tenant, clientID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	code, err := user.DeviceAuth(ctx)
	if err != nil {
		return nil, signInError(ctx, err)
	}
	_, _ = fmt.Fprintf(stderr, "To sign in, open %s and enter the code %s\n", Printable(code.VerificationURI), Printable(code.UserCode))
	token, err := user.DeviceAccessToken(ctx, code)
	if err != nil {
		return nil, signInError(ctx, err)
	}
	return user.TokenSource(ctx, token), nil
}

var (
	oauthCode = regexp.MustCompile(`^[a-z_]{1,40}$`)
	entraCode = regexp.MustCompile(`\bAADSTS[0-9]{4,8}\b`)
)

// signInError shows of a refusal the codes only: the rest is the server's text, which may repeat what was sent.
func signInError(ctx context.Context, err error) error {
	refusal, refused := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("signing in: %w", ctx.Err())
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("signing in: the code was not entered in time")
	case !refused:
		return fmt.Errorf("signing in: %w", err)
	}
	codes := entraCode.FindString(refusal.ErrorDescription)
	if oauthCode.MatchString(refusal.ErrorCode) {
		codes = strings.TrimSpace(refusal.ErrorCode + " " + codes)
	}
	if codes == "" && refusal.Response != nil {
		codes = fmt.Sprintf("status %d", refusal.Response.StatusCode)
	}
	return fmt.Errorf("signing in was refused: %s", codes)
}
