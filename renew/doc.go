// Package renew renews a VPP token from Apple's .vpptoken file and proves that it worked.
//
//	ct, err := contenttoken.ReadFile("sToken_for_Nordwind.vpptoken")
//	...
//	report, err := renew.Run(ctx, client, id, ct, renew.Options{})
//
// # Why a renewal needs proof
//
// A content token is valid for a year, and renewing it is one PATCH of the property token. What
// people then look at is the expiry date, and it may not have moved: a sync with Apple has to come
// first, and the display can lag behind that, too. So they take a renewal that worked for one that
// failed, and upload again, or worse. The answer 200 to the PATCH proves nothing either: Intune
// took the text, which does not mean that Apple honors it.
//
// This package uploads the file, starts a sync, waits until that sync is over, and then compares. A
// renewal is verified only when the service shows, after a sync that began after the upload, the
// state valid, the expiry of the file, to the second, and the location from before. A sync that was
// under way during the upload had the old file: it is waited for, and then another one is started.
//
// # Why never delete and create
//
// Apps and their assignments hang on the token's id, and a renewal keeps it. Deleting the token and
// creating it again loses them, and the licenses of a deleted token can't be revoked any more.
// Creating a second token for the location makes a duplicate, which stops the sync of both. So
// nothing here deletes or creates a token.
//
// # Four steps
//
//   - [MakePlan] reads the token once and refuses what should not be uploaded: a file that has
//     expired ([ErrExpired]), of another organization ([ErrOtherOrganization]) or location
//     ([ErrOtherLocation]), or that expires earlier than what is there ([ErrEarlierExpiry]).
//     [PlanFor] does the same with a token that was read before.
//   - [Plan.Apply] reads it again, refuses the same, and sends one PATCH: token, and what
//     [Options].With adds.
//   - [Plan.StartSync] asks Intune to sync with Apple.
//   - [Plan.Verify] waits for that sync and gives a [Report].
//
// [Run] does all four in one go. They can also be four jobs on four machines: a [Plan] encodes to
// JSON, each step changes it, and the next one goes on from there. Store it after every step, also
// after one that failed. Neither Plan nor Report ever holds the text of the file, so the job of
// Apply reads the file itself. The plan knows its file by a salted digest: another one is
// [ErrOtherFile].
//
// # Running a step again
//
// Every step is safe to run again, from the same plan or from the one that it left: after a crash,
// an unclear failure, or a job that was delivered twice.
//
//   - MakePlan only reads.
//   - Apply sends the same values once more, unless the service has moved on. A sync from before
//     that is forgotten, so StartSync has to follow again.
//   - StartSync leaves a sync that the plan has noted alone, unless it has failed or Verify saw it
//     end without a proof: then it starts another. When it is not known whether a sync was started,
//     nothing is noted, and the next run waits for it and starts one: at worst Intune syncs once
//     more. It can take as long as somebody else's sync.
//   - Verify waits for the same sync again, and looks again: an expiry that lagged shows later,
//     without anything being sent a second time.
//
// So a job engine needs two rules: run a step that failed again, and when Verify says
// [ErrNotVerified], go back to StartSync, which knows whether there is anything to do.
//
// Run, too, goes on where an earlier Run with the same file stopped. When the service shows the
// file's expiry, no second PATCH is sent: it syncs, and reports the renewal verified, or says that
// this file does not work.
//
// # What can't be seen
//
// Graph shows no sync before it has begun to show inProgress. A sync that somebody asked for in the
// seconds before the upload, and that shows only after StartSync has looked, is taken for ours.
package renew
