// Package vpptoken is a client for Apple VPP (Apps and Books) tokens in Microsoft Intune: the
// vppToken resource of Microsoft Graph. Its main job is [Client.Update], which sends only the
// properties that you set.
//
//	source, err := vpptoken.CloudGlobal.AppSource(tenant, clientID, clientSecret)
//	...
//	client, err := vpptoken.NewClient(source)
//
// [Cloud.AppSource] signs in as an application, [Cloud.DeviceSource] as a user. The nested module
// azauth uses the credentials of azidentity, and any other oauth2.TokenSource works too: see
// [NewClient]. Reading needs the permission DeviceManagementApps.Read.All or
// DeviceManagementServiceConfig.Read.All ([Client.LicensesForApp] the latter), everything else the
// ReadWrite.All of either, as application or delegated permissions.
//
// # Reading and patching
//
// [Client.List] is an iterator; an error comes last, so that a partial list never passes for the
// whole. Unknown properties are kept in [VPPToken.Extra], and unknown enum values as they are, with
// IsKnown false; "" means that the service sent none. A [Patch] distinguishes three cases that a
// plain struct can't: a nil field is left alone, a set field is sent even when it is zero, and a
// cleared field is sent as null.
//
//	vpptoken.NewPatch().SetAutomaticallyUpdateApps(false) {"automaticallyUpdateApps":false}
//	vpptoken.NewPatch().ClearDisplayName()                {"displayName":null}
//	vpptoken.NewPatch().SetRoleScopeTagIDs()              {"roleScopeTagIds":[]}
//
// [Patch.Diff] reduces a desired state to what differs from the token. A whole VPPToken can't be
// written back: that would undo what others changed in the meantime. [Client.StartSync] and
// [Client.WaitSync] run a sync with Apple, and do not mistake the previous sync's completion for
// this one's.
//
// # Errors, retries and limits
//
// Bad input is a plain error, and nothing is sent. Every failure of a call that left the process is
// an [*Error], which errors.Is matches with [ErrNotFound], [ErrForbidden], [ErrThrottled] and the
// other sentinels, and with the context's errors. [Retryable] and [RetryAfter] report whether and
// when to try again, [Error.Ambiguous] that the request may have been carried out although it
// failed.
//
// A call makes up to 4 attempts of 30 s each, which [WithRetry] changes, and ends after 2 minutes
// if its context has no deadline; each page of a list is a call. Create, the syncs and revoke are
// retried only if the service certainly did not act. A client keeps Intune's limit of 100 writes in 20 seconds
// ([WithWriteLimit]). When the service throttles, all calls of the client wait and then go on in
// order, so use one client for all goroutines. All that is retried and bounded:
// https://github.com/vpptoken/vpptoken/blob/main/docs/reliability.md
//
// # Secrets
//
// The access token goes only to the service's own scheme, host and port, and redirects are not
// followed. No error, log or text shows the access token, the Apple token or the client secret. A
// [Secret] prints as REDACTED; only [Patch], which is a request body, encodes its text. The types
// of golang.org/x/oauth2 do print theirs: never print an *oauth2.Token or a
// *clientcredentials.Config.
// The package writes nothing to standard output or error, but net/http itself logs what a server
// sends unasked on an idle HTTP/1.1 connection.
//
// The content token goes out as the text of Apple's file. No source confirms that the service does
// not want it in base64 once more; docs/graph.md lists the open questions.
//
// # Versions
//
// The client uses beta unless [WithAPIVersion] says otherwise. On v1.0 whatever only beta has is
// [ErrNotInVersion]. Until version 1.0.0 the API may change with a minor version: see CHANGELOG.md.
// From then on only texts, the numbers above and what is retried may.
package vpptoken
