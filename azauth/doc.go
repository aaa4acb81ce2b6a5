// Package azauth lets a client of package vpptoken sign in with any azcore.TokenCredential: managed
// identity, workload identity, certificate, Azure CLI, or one of your own.
//
//	cred, err := azidentity.NewDefaultAzureCredential(nil)
//	source, err := azauth.New(cred, vpptoken.CloudGlobal, azauth.WithTenantGuard(tenantID))
//	client, err := vpptoken.NewClient(source)
//
// The cloud decides the scope, and the source gives the client its cloud, so [vpptoken.WithCloud]
// is not needed. For any cloud but the global one, tell the credential too: in azidentity's
// ClientOptions.Cloud.
//
// The credential gets the context of the call that needs a token, with its deadline and its values,
// and requests tokens for continuous access evaluation: when the service refuses one with a claims
// challenge, the client passes the claims to the credential and retries the call once.
//
// # Secrets
//
// A [Source] prints and logs without its credential and its token. Errors of this package do not
// include the text of a credential's error, because azidentity puts whole responses into that. They
// have the status, OAuth's code and Entra's AADSTS code, and so does the client's error, which
// matches [vpptoken.ErrSignIn]; errors.Is and errors.As still find the original error. To see its
// text, call the credential. The [oauth2.Token] that [Source.Token] returns is a plain struct that
// prints its secret.
package azauth
