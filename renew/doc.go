// Package renew renews a VPP token from Apple's .vpptoken file and proves that it worked.
//
//	ct, err := contenttoken.ReadFile("sToken_for_Nordwind.vpptoken")
//	...
//	report, err := renew.Run(ctx, client, id, ct, renew.Options{})
//
// # Why a renewal needs proof
//
// A content token is valid for a year, and renewing it is one PATCH of the property token. What people then look at is the
// expiry date, and it may not have moved: a sync with Apple has to come first, and the display can lag behind that, too. So they
// take a renewal that worked for one that failed, and upload again, or worse. The answer 200 to the PATCH is no proof
// either: it says that Intune took the text, not that Apple honours it.
//
// This package uploads the file, starts a sync, waits until that sync is over, and then compares. A renewal is verified only when
// the service shows, after the sync that was started here, the state valid and the expiry of the file, to the second.
//
// # Why never delete and create
//
// Apps and their assignments hang on the token's id, and a renewal keeps it. To delete the token and create it again loses
// them, and the licences of a deleted token can't be revoked any more; to create a second token for the location makes
// a duplicate, which stops the sync of both. So nothing here deletes or creates a token.
//
// # Four steps
//
//   - [MakePlan] reads the token once and refuses what should not be uploaded: a file that has expired ([ErrExpired]), of
//     another organisation ([ErrOtherOrganization]), or that expires no later than what is there ([ErrEarlierExpiry]).
//   - [Plan.Apply] sends one PATCH with token and nothing else.
//   - [Plan.StartSync] asks Intune to sync with Apple.
//   - [Plan.Verify] waits for that sync and gives a [Report].
//
// [Run] does all four in one go. They can also be four jobs on four machines: a [Plan] encodes to JSON, each step changes it,
// and the next one goes on from there. Neither Plan nor Report ever holds the text of the file, so the job of Apply reads
// the file itself, and Apply refuses one that is not the plan's.
//
// # Running a step again
//
// Every step is safe to run again, from the same plan or from the one that it left: after a crash, an unclear failure, or a job that
// was delivered twice.
//
//   - MakePlan only reads.
//   - Apply sends the same value once more. A sync from before that is forgotten, so StartSync has to follow again.
//   - StartSync leaves a sync that the plan has noted alone, unless it has failed: then it starts another. When it is not
//     known whether a sync was started, nothing is noted, and the next run starts one: at worst Intune syncs once more.
//   - Verify waits for the same sync again, and looks again: an expiry that lagged shows later, without anything being sent
//     a second time.
//
// Run again with the file of a renewal that is done finds its expiry and the state valid: it sends no PATCH, syncs, and
// reports it verified.
package renew
