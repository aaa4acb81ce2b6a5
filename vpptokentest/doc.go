// Package vpptokentest is an in-memory Microsoft Graph for tests: a real HTTP server on loopback that knows the
// vppTokens of Intune and nothing else. It needs no account, no network and no set-up.
//
//	srv := vpptokentest.NewServer()
//	defer srv.Close()
//	id := srv.Add(vpptoken.VPPToken{DisplayName: "Field"})
//	err := rename(ctx, srv.Client(), id, "Field iPads") // the code under test
//
// # What it serves
//
// Both versions, /beta and /v1.0, with all ten operations under /deviceAppManagement/vppTokens: list, get, create,
// update, delete, $count, syncLicenses, and on beta revokeLicenses, syncLicenseCounts and getLicensesForApp. Every
// answer carries request-id and client-request-id, and every error is Graph's error body.
//
// It is strict where Graph is, so that a program which passes here does not fail there for a reason that could have been
// found: a missing or wrong bearer is 401; a property that the version does not have, an id in a body, a value of
// the wrong kind, an unknown word of an enum, null where the property can't be null and a property that stands twice are 400;
// an unknown id or path is 404, a wrong method 405, a body without Content-Type application/json 415. A property that
// Intune maintains itself can be written, as Microsoft's page says. Reads never show the Apple token, show null
// for an empty text, and 0001-01-01T00:00:00Z for a time that never was. $count begins with a byte order mark, as Graph's may.
//
// A list comes in pages: $top a page, 100 without it, and never more than 1000. Of the query options $top, $skip, $count
// and $select are served. $filter, $orderby, $search and $expand are answered with 400, because nobody has documented
// what the service does with them here: test the request that they make with [Server.Requests].
//
// # Syncs and renewals
//
// A sync takes a while ([WithSyncDuration], a tenth of a second by default). Until it is over the first read still shows
// the old lastSyncStatus, as the service does: a program that believes it fails here too. Then reads show
// inProgress, and in the end lastSyncDateTime has moved. The expiry of a content token that was uploaded shows
// only after the next sync that completes. [Server.NextSync] makes a sync fail, never end or find that the token is a duplicate;
// [Server.Edit] changes a token behind the client's back, as Intune and other administrators do.
//
// A second content token for a location makes a duplicate: so a token that is created with the content token of another one, or
// with its locationName and organisation, has the state duplicateLocationId.
//
// # Failures
//
// [Server.Fail] scripts what the next requests meet: a status with or without Retry-After, a connection that is closed
// before or after the work was done, an answer that breaks off or that comes late. [Server.UnusedFaults] shows whether all of
// it was met.
//
// # Misuse
//
// These are helpers for tests and return no errors: what can't work (a token that is no JSON, an id that is not there, an
// option that NewClient refuses, no loopback interface) is a panic that says so, in the goroutine of the test.
package vpptokentest
