// Package renew renews a VPP token from Apple's .vpptoken file and proves that it worked.
//
//	ct, err := contenttoken.ReadFile("sToken_for_Nordwind.vpptoken")
//	...
//	report, err := renew.Run(ctx, client, id, ct, renew.Options{})
//
// # Why a renewal needs proof
//
// A content token is valid for a year, and to renew it takes one PATCH of the property token.
// People then check the expiry date, which may not have moved: a sync with Apple has to come first,
// and the display can lag behind that, too. So they think that a successful renewal failed, and
// upload again, or worse. A 200 for the PATCH proves nothing either: Intune accepted the text,
// which does not mean that Apple honors it.
//
// This package uploads the file, starts a sync, waits until that sync is over, and then compares. A
// renewal is verified only when the service shows, after a sync that began after the upload, the
// state valid, the expiry of the file, to the second, and the location from before. A sync that was
// under way during the upload used the old file: the package waits for it, and then starts another.
//
// # Why never delete and create
//
// Apps and their assignments depend on the token's id, which a renewal keeps. Deleting and
// recreating the token loses them, and the licenses of a deleted token can't be revoked anymore. A
// second token for the same location is a duplicate, which stops the sync of both. So this package
// never deletes or creates a token.
//
// # Four steps
//
//   - [MakePlan] reads the token once and refuses what should not be uploaded: a file that has
//     expired ([ErrExpired]), of another organization ([ErrOtherOrganization]) or location
//     ([ErrOtherLocation]), or that expires earlier than the current one ([ErrEarlierExpiry]).
//     [PlanFor] does the same with a token that you already read.
//   - [Plan.Apply] reads it again, refuses the same files, and sends one PATCH with the property
//     token and what [Options.With] adds.
//   - [Plan.StartSync] asks Intune to sync with Apple.
//   - [Plan.Verify] waits for that sync and returns a [Report].
//
// [Run] does all four. They can also be four jobs on four machines: a [Plan] encodes to JSON, each
// step updates it, and the next step continues from there. Store it after every step, even after
// one that failed. Neither Plan nor Report ever holds the text of the file, so the job that runs
// Apply reads the file itself. The plan recognizes its file by a salted digest: another file is
// [ErrOtherFile].
//
// # Running a step again
//
// Every step is safe to run again, from the same plan or from the one that it stored: after a
// crash, an ambiguous failure, or a job that was delivered twice.
//
//   - MakePlan only reads.
//   - Apply sends the same values again, unless the service has moved on. It forgets any earlier
//     sync, so StartSync has to follow again.
//   - StartSync keeps the sync that is recorded in the plan, unless that failed or Verify saw it
//     end without proof: then it starts another. If it is unknown whether a sync started, StartSync
//     records nothing, and the next run waits for a running sync and then starts one: at worst
//     Intune syncs once more. It can take as long as somebody else's sync.
//   - Verify waits for the same sync again, and checks again: an expiry that lagged shows later,
//     with nothing sent a second time.
//
// So a job engine needs three rules: run a failed step again; after [ErrNotVerified] from Verify go
// back to StartSync, which decides whether there is anything to do; and when the file was replaced
// (its expiry is not the plan's), begin with a new plan, because only Apply looks at the file.
//
// Run also continues where an earlier Run with the same file stopped. If the service shows the
// file's expiry, it sends no second PATCH: it syncs, and reports that the renewal is verified or
// that the file does not work.
//
// # What can't be seen
//
// Graph does not show a sync until its status is inProgress. If somebody requested a sync in the
// seconds before the upload, and it shows only after StartSync read the token, the package mistakes
// it for its own.
package renew
