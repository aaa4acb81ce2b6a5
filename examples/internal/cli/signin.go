package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// SecretVariable is the environment variable with the client secret, which is never a flag: other
// users of the machine can see flags.
const SecretVariable = "VPPTOKEN_CLIENT_SECRET" //nolint:gosec // the name of the variable, not a secret

// signIn signs in as the application when there is a secret, and otherwise as a user, who gets a
// code to enter in a browser.
func signIn(
	ctx context.Context, cloud vpptoken.Cloud, tenant, clientID, secret string, stderr io.Writer,
) (*vpptoken.Source, error) {
	var source *vpptoken.Source
	var err error
	if secret != "" {
		source, err = cloud.AppSource(tenant, clientID, secret)
	} else {
		source, err = cloud.DeviceSource(ctx, tenant, clientID, func(code *oauth2.DeviceAuthResponse) {
			_, _ = fmt.Fprintf(stderr, "To sign in, open %s and enter the code %s\n",
				Printable(code.VerificationURI), Printable(code.UserCode))
		})
	}
	var failed *vpptoken.Error
	if err != nil && !errors.As(err, &failed) { // of what was given, not of the sign-in
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return source, err
}
