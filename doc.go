// Package vpptoken is a client for Apple VPP (Apps and Books) tokens in Microsoft Intune, through Microsoft Graph's
// vppToken resource. Its main job is [Client.Update]: it sends only the properties that were set.
//
// # Signing in
//
//	source, err := vpptoken.CloudGlobal.AppSource(tenant, clientID, clientSecret)
//	...
//	client, err := vpptoken.NewClient(source)
//
// [Cloud.AppSource] signs in as an application, [Cloud.DeviceSource] as a person; the [Source] tells the client its cloud, and a
// failure is an [ErrSignIn]. The nested module azauth takes the credentials of azidentity, and any other oauth2.TokenSource
// will do: see [NewClient]. Reading needs one of the permissions DeviceManagementApps.Read.All,
// DeviceManagementServiceConfig.Read.All or the ReadWrite.All of either; everything else needs one of the two ReadWrite.All;
// delegated or application.
//
// [Cloud.ClientCredentials] and [Cloud.DeviceCode] return configurations of golang.org/x/oauth2 instead. Their token sources
// keep the context that they were given for every later sign-in and can't drop a token that the service refused, and a request
// that hangs blocks them for good. An *oauth2.Token and a *clientcredentials.Config print their secrets; never print them.
//
// # Reading
//
// [Client.List] is an iterator that reads page by page; an error comes last, so that a partial list is never taken for
// the whole. [Client.Get] reads one token. What the service does not have reads as the zero value; a property that this package does not
// know is kept in [VPPToken.Extra], an enum's word that it does not know stays as it is.
//
// # Patching
//
// A [Patch] tells three things apart that a plain struct can't: a nil field is absent and left alone, a set field is sent
// even when it is "", false or empty, a cleared field is sent as null.
//
//	vpptoken.NewPatch().SetDisplayName("Field iPads")    {"displayName":"Field iPads"}
//	vpptoken.NewPatch().SetAutomaticallyUpdateApps(false) {"automaticallyUpdateApps":false}
//	vpptoken.NewPatch().ClearDisplayName()                {"displayName":null}
//	vpptoken.NewPatch().SetRoleScopeTagIDs()              {"roleScopeTagIds":[]}
//
// [Patch.Diff] keeps of a desired state what would change a token. There is no way to write a VPPToken back: that would
// undo what others changed in between.
//
// # Syncing
//
// [Client.StartSync] and [Client.WaitSync] run a synchronisation with Apple and are not fooled by the completed of the
// one before. A [Sync] encodes to JSON, so that one process can start and another wait.
//
// # Errors
//
// Bad input is a plain error and nothing is sent. Every failure of a call that left the process is an [*Error]: status,
// code, Intune's message unwrapped into a sentence, request ids. Ask with errors.Is for [ErrNotFound], [ErrForbidden],
// [ErrThrottled] and the other sentinels, for context.Canceled, context.DeadlineExceeded and io.ErrUnexpectedEOF; ask [Retryable] and
// [RetryAfter] whether and when to try again. [Error.Ambiguous] tells that the request may have been carried out although it failed.
//
// # What is repeated
//
// A call makes up to 4 attempts. Between them it waits 1 s, doubling to 30 s, half of it chance; or what Retry-After says,
// never less and at most a tenth more.
//
//   - List, Get, Count, LicensesForApp, Update and Delete are repeated on 408, 429, 500, 502, 503, 504 and 509, on network errors, on an
//     answer that breaks off and on an attempt that ran out of time. After an unclear failure, a Delete that finds 404 has
//     succeeded.
//   - Create, SyncLicenses, RevokeLicenses, SyncLicenseCounts, and with them StartSync, are repeated only when the service surely
//     did not act: on 429, on 503 with Retry-After, when no connection was made, and when the
//     service refused an HTTP/2 stream unseen.
//   - Every call is repeated once on 401, with a new bearer, unless the service means Forbidden.
//   - A sign-in that fails in passing (the network, 408, 429, 5xx) is repeated for every call, because nothing was sent; one
//     that is refused is not.
//   - Never repeated: every other status, a name that does not exist, a certificate that is not trusted, a proxy
//     that refuses.
//
// Each repeat takes 5 from a budget of 100 that a client has, and each success gives 1 back: a service that is down for good does
// not get four times the load.
//
// # At the service's limit
//
// A client is one line in front of the service. It keeps Intune's limit of 100 writes in 20 seconds by itself ([WithWriteLimit]
// changes that), and when the service throttles all the same (a 429, or Intune's 500 "Rate limit reached"), everything waits:
// for as long as Retry-After says, or for 1 s, doubling to 5 s. Then one request tries, and more follow as they are let in, first
// come, first served. What is throttled is sent again, and counts neither as an attempt nor against the budget, unless
// [Retry.MaxAttempts] is 1. The wait is no part of an attempt's time or of the two minutes of a call without a deadline, and
// [Metadata.Held] tells it. A wait that the deadline does not cover ends the call at once, as [ErrThrottled] and
// context.DeadlineExceeded. Calls without a deadline end when the service has refused everything for two minutes (twice
// [Retry.MaxRetryAfter] if it took requests of the client before).
//
// # What is bounded
//
// An attempt takes 30 s, its body included; a call without a deadline ends 2 minutes after its first request has left; each page of a list and each
// look of WaitSync is a call. A Retry-After of more than 5 minutes, or past the deadline, ends the call at once with that answer. An answer is
// 8 MiB at most, 64 KiB of an error's are read, response headers are 256 KiB (with a transport of one's own, as it says), JSON nests 64 deep and
// holds 65,536 elements and unknown properties, a list 10,000 tokens a page and 10,000 pages, none twice. [WithRetry] changes attempts and times.
//
// # Where the bearer goes
//
// To the service's own scheme, host and port, over https or to a loopback host, and nowhere else: redirects are not followed, and a
// nextLink that leads anywhere but to the same collection is [ErrUntrustedURL].
//
// # What is never shown
//
// The bearer, the Apple token and the client secret are in no error, log or text. A [Secret] prints as REDACTED everywhere; only [Patch],
// being a request body, encodes it. Errors hold no URL, header or body, and what the service said is scrubbed of what was sent to it.
// This package writes nothing to standard output or error (net/http logs what a server sends unasked on an idle HTTP/1.1 connection).
// [WithLogger] logs operation, client-request-id, method, path, status, attempt, duration, request-id, reason and wait, and
// nothing else.
//
// # Versions
//
// The client speaks beta unless [WithAPIVersion] says otherwise: there a property or operation that only beta has is
// [ErrNotInVersion], and nothing is sent. All national clouds are there: see [Cloud].
//
// # What may change
//
// Until version 1.0.0 the API may change with a minor version, and CHANGELOG.md says how. From then on, names and signatures stay; the texts of
// errors and logs, the numbers above and what counts as repeatable may change with a minor version.
package vpptoken
