// Package vpptokentest is an in-memory Microsoft Graph for tests: a real HTTP server on loopback
// that knows Intune's vppTokens, and the sign-in to it, and nothing else. It needs no account, no
// network and no setup.
//
//	srv := vpptokentest.NewServer()
//	defer srv.Close()
//	id := srv.Add(vpptoken.VPPToken{DisplayName: "Field"})
//	err := rename(ctx, srv.Client(), id, "Field iPads") // the code under test
//	token, _ := srv.Token(id)                           // the result, without a request
//
// # What it serves
//
// Both versions, /beta and /v1.0, with all ten operations under /deviceAppManagement/vppTokens:
// list, get, create, update, delete, $count, syncLicenses, and on beta revokeLicenses,
// syncLicenseCounts and getLicensesForApp. Every answer carries request-id and client-request-id,
// and every error is Graph's error body.
//
// It is strict where Graph is, so that a program that passes here does not fail there for a reason
// that a test could have found: a missing, wrong or expired access token is 401; a property that
// the version does not have, an id in a body, a value of the wrong kind, an unknown enum value,
// null where the property can't be null and a duplicate property are 400; an unknown id or path is
// 404, a wrong method 405, a body without Content-Type application/json 415. A property that Intune
// maintains itself can be written, as Microsoft documents. Reads never show the Apple token, show
// null for an empty text, and 0001-01-01T00:00:00Z for a time that was never set.
//
// A list comes in pages of $top tokens, 100 by default and at most 1000. It serves the query
// options $top, $skip, $count and $select. $filter, $orderby, $search and $expand get a 400,
// because what the service does with them here is undocumented: test such requests with
// [Server.Requests].
//
// A sync takes 100 ms here, but clients poll every 15 s: in tests pass
// vpptoken.PollEvery(10*time.Millisecond) to WaitSync, or set renew.Options.PollEvery.
//
// # How it behaves, and how that is known
//
// No live tenant was available. Each behavior is documented by Microsoft or Apple, or was seen by
// users, here or in Intune's other collections ("siblings"), or is inferred.
//
//   - A sync takes a while ([WithSyncDuration]): documented. Until it is over the first read still
//     shows the old lastSyncStatus: seen; a program that trusts it fails here too. Later reads show
//     inProgress, and in the end lastSyncDateTime has moved.
//   - A sync requested while one runs joins it: inferred. With [WithSyncRefusal] it is refused:
//     seen in siblings.
//   - Intune syncs by itself once or twice a day: documented; [Server.StartSync] does.
//   - A failed sync moves its date ([SyncFails]) or not ([SyncFailsUnmoved]): neither is known.
//   - The expiry and the organization of a content token that was uploaded show after the next sync
//     that completes: seen. Only a sync that began after the upload brings them: inferred.
//   - A token is expired when its content token is: documented; at which moment is inferred. Here
//     it is at once when it is created, with the sync that brings the content token, and when its
//     time comes.
//   - Two tokens of a location both become duplicateLocationId and stop syncing, and heal when one
//     is deleted or is of another location: documented. That this shows at once, that a PATCH can
//     do it, and that a sync of theirs ends as failed is inferred. A location is known here by an
//     equal content token, or by locationName and organizationName. [SyncFindsDuplicate] is for one
//     that is in another tenant.
//   - revokeLicenses leaves an action result that is pending, then active, and done after as long
//     as a sync takes: the words are documented, their order is inferred.
//   - There is no /$count: seen in siblings, although the metadata has it. [WithCountRoute] adds
//     it; then the number follows a byte order mark, as Graph's may.
//   - Beyond [WithThrottle] writes are refused with 429 and Retry-After, and refused ones count:
//     documented. The sliding period is inferred; fractions of a second are in Microsoft's own
//     sample.
//
// [Server.NextSync] scripts how syncs end. [Server.Edit] changes a token behind the client's back,
// as Intune and other administrators do.
//
// # Signing in
//
// [Server.Client] needs no sign-in. To test a program that signs in by itself, use [Server.Cloud]
// in place of its cloud, and [Server.Credentials]:
//
//   - As an application, with the client secret in the body or as HTTP Basic. The scope is
//     [vpptoken.Cloud.Scope]'s.
//   - As a user, with a device code. Nobody has to enter it: the first poll is answered with
//     authorization_pending, and after that the code counts as entered. Polls may come every
//     second. A refresh token comes with the scope offline_access.
//
// An access token lasts an hour and a device code 15 minutes, by the server's clock: [WithNow] lets
// them expire. Errors are like those of Microsoft Entra, with an AADSTS number: an unknown tenant
// (90002) or application (700016), a wrong secret (7000215), another cloud's scope (70011), a code
// that is pending (70016) or expired (70020): documented or seen. A spent code gets 54005:
// inferred. The permissions that a scope names are not checked.
//
// # Failures
//
// [Server.Fail] scripts faults for the next requests, any or those of one method or path: a status
// with or without Retry-After, a connection that is closed before or after the work was done, an
// answer that breaks off or comes late. [Server.UnusedFaults] shows whether all faults occurred.
//
//	srv.Fail(vpptokentest.Fault{Status: 412, Body: `{"error":{"code":"ConditionNotMet"}}`})
//	srv.Fail(vpptokentest.Fault{Method: "PATCH", Status: 200, AfterEffect: true}) // done; no body
//	srv.Fail(vpptokentest.Fault{Path: "/token", Status: 503, Times: 2}) // the sign-in
//
// # Misuse
//
// These are helpers for tests and return no errors: what can't work (a token that can't be JSON, an
// unknown id, an option that NewClient refuses, no loopback interface) is a panic that says so, in
// the goroutine of the test.
package vpptokentest
