// Package azauth lets a client of package vpptoken sign in with any azcore.TokenCredential: managed identity, workload
// identity, certificate, Azure CLI, or one of your own.
//
//	cred, err := azidentity.NewDefaultAzureCredential(nil)
//	source, err := azauth.New(cred, vpptoken.CloudGlobal, azauth.WithTenantGuard(tenantID))
//	client, err := vpptoken.NewClient(source)
//
// The cloud decides the scope that is asked for, and the source names it to the client, so that [vpptoken.WithCloud] is not
// needed. For any other than the global cloud the credential must know it too: azidentity takes it as ClientOptions.Cloud.
//
// The credential gets the context of the call that needs a token, with its deadline and its values, and asks for tokens
// that take part in continuous access evaluation: when the service refuses one with a claims challenge, the
// client hands the claims to the credential and repeats the call once.
//
// # Secrets
//
// A [Source] prints and logs without its credential and its token. The text of a credential's own error does not get into
// an error of this package, because azidentity puts whole answers into it; the status, OAuth's code and Entra's AADSTS code
// do, also into the client's error, which matches [vpptoken.ErrSignIn], and errors.Is and errors.As still find what was below. To see the text itself, call the credential. The [oauth2.Token] that
// [Source.Token] returns is a plain struct and prints its secret.
package azauth
