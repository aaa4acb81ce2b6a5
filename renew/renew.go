package renew

import (
	"context"
	"errors"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
)

// Sentinel errors for errors.Is. All but ErrNotVerified mean that this step changed nothing.
var (
	// ErrExpired is a file whose expiry is not after Options.Now.
	ErrExpired = errors.New("renew: the file has expired")

	// ErrOtherOrganization is a file of another organization than the token's. The names are
	// compared exactly; a token that shows none takes any.
	ErrOtherOrganization = errors.New("renew: the file is of another organization")

	// ErrOtherLocation is a file whose name, sToken_for_<location>.vpptoken, is that of another
	// location than the token's locationName. Case, separators and a download's counter don't
	// matter. When either name is unknown nothing is refused.
	ErrOtherLocation = errors.New("renew: the file is of another location")

	// ErrEarlierExpiry is a file that expires earlier than what the service shows. The same expiry,
	// to the second, is a file that is there already. When a sync then ends without the state
	// valid, this error comes with ErrNotVerified: that file does not work, and a new one from
	// Apple helps where the same one once more does not.
	ErrEarlierExpiry = errors.New("renew: the file expires no later than what the service shows")

	// ErrOtherFile is a file that is not the one of the plan, even if it has the same organization
	// and expiry.
	ErrOtherFile = errors.New("renew: this is not the file that was planned")

	// ErrNotVerified comes with a Report, which says what is still missing. The file was uploaded,
	// or may have been.
	ErrNotVerified = errors.New("renew: the renewal is not verified")
)

// Options changes how a renewal is planned and run. The zero value refuses whatever looks like the
// wrong file. All but OnStep stays in the Plan, also in its JSON, and counts for every later step.
type Options struct {
	AllowOtherOrganization bool // upload although the file's organization is not the token's
	AllowEarlierExpiry     bool // upload although the file expires no later than what the service shows
	AllowOtherLocation     bool // upload although the file's name is that of another location than the token's

	// With goes along in the same PATCH: the appleId of a successor who downloaded the file, for
	// example. A Token in it, set or cleared, is an error, and so is what the proof looks at and
	// Intune maintains: state, expirationDateTime, lastSyncDateTime, lastSyncStatus. When the file
	// is there already and With would still change something, both are sent. Nil is nothing.
	With *vpptoken.Patch

	PollEvery time.Duration // between two looks at a sync; zero is 15 seconds, less is an error

	// Now is the clock for ErrExpired; nil is time.Now. The plan's JSON keeps its distance from the
	// machine's clock.
	Now func() time.Time

	// OnStep is called as each step begins to send, in the goroutine of the step; a step with
	// nothing to send is passed over. It stays with the Plan in memory and is not in its JSON: see
	// [Plan.OnStep]. Nil is fine.
	OnStep func(Step)
}

// Step names a part of a renewal.
type Step string

// The steps, in their order.
const (
	StepPlan   Step = "plan"
	StepApply  Step = "apply"
	StepSync   Step = "sync"
	StepVerify Step = "verify"
)

// Run renews the token with that id: it plans, uploads ct, starts a sync and verifies. It waits as
// long as the sync takes, so give ctx a deadline. Run again with the same file, it goes on where
// the last run stopped.
//
// A nil error is a verified renewal. With [ErrNotVerified] the report is there too and tells what
// is missing; the cause, when there is one, is in the same chain: vpptoken.ErrSyncFailed, the error
// of ctx, an *vpptoken.Error. With any other error nothing was changed, and there is no report.
func Run(
	ctx context.Context, c *vpptoken.Client, id string, ct *contenttoken.ContentToken, o Options,
) (*Report, error) {
	p, err := MakePlan(ctx, c, id, ct, o)
	if err != nil {
		return nil, err
	}
	if err := p.Apply(ctx, c, ct); err != nil {
		if failed, ok := errors.AsType[*vpptoken.Error](err); ok && failed.Ambiguous {
			return p.report().unverified(err,
				"It is not known whether the file was uploaded, because "+why(ctx, err)+": run it again.")
		}
		return nil, err
	}
	if err := p.StartSync(ctx, c); err != nil {
		return p.report().unverified(err, "The sync could not be started, because "+why(ctx, err)+": run it again.")
	}
	return p.Verify(ctx, c)
}
