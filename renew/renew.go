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

	// ErrOtherOrganization is a file of another organization than the token's. The names must match
	// exactly, but a token that shows none accepts any.
	ErrOtherOrganization = errors.New("renew: the file is of another organization")

	// ErrOtherLocation is a file whose name, sToken_for_<location>.vpptoken, is that of another
	// location than the token's locationName. Case, separators and download counters don't matter. If
	// either name is unknown, the file is not refused.
	ErrOtherLocation = errors.New("renew: the file is of another location")

	// ErrEarlierExpiry is a file that expires earlier than the service shows. The same expiry, to the
	// second, means that the service already has the file. If a sync then ends without the state
	// valid, this error comes with ErrNotVerified: the file does not work, and you need a new one from
	// Apple.
	ErrEarlierExpiry = errors.New("renew: the file expires no later than what the service shows")

	// ErrOtherFile is a file other than the plan's, even one with the same organization and expiry.
	ErrOtherFile = errors.New("renew: this is not the file that was planned")

	// ErrNotVerified comes with a Report, which says what is still missing. The file was uploaded, or
	// may have been.
	ErrNotVerified = errors.New("renew: the renewal is not verified")
)

// Options changes how a renewal is planned and run. The zero value refuses whatever looks like the
// wrong file. All but OnStep stay in the Plan and its JSON, and apply to every later step.
type Options struct {
	AllowOtherOrganization bool // upload although the file's organization is not the token's
	AllowEarlierExpiry     bool // upload although the file expires no later than what the service shows
	AllowOtherLocation     bool // upload although the file's name is that of another location than the token's

	// With holds changes for the same PATCH: the appleId of a successor who downloaded the file, for
	// example. It may not set or clear Token, nor the properties that Intune maintains and the proof
	// depends on: state, expirationDateTime, lastSyncDateTime, lastSyncStatus. If the service already
	// has the file but With would change something, both are sent. With may be nil.
	With *vpptoken.Patch

	PollEvery time.Duration // how often to poll a sync; zero means 15 seconds, less is an error

	// Now is the clock for ErrExpired; nil means time.Now. The plan's JSON keeps its offset from the
	// machine's clock.
	Now func() time.Time

	// OnStep is called when each step is about to send, in the goroutine of the step, but not for a
	// step with nothing to send. It stays with the Plan in memory but is not in its JSON: see
	// [Plan.OnStep]. It may be nil.
	OnStep func(Step)
}

// Step names a part of a renewal.
type Step string

// The steps, in order.
const (
	StepPlan   Step = "plan"
	StepApply  Step = "apply"
	StepSync   Step = "sync"
	StepVerify Step = "verify"
)

// Run renews the token with that id: it plans, uploads ct, starts a sync and verifies. It waits as
// long as the sync takes, so give ctx a deadline. When you run it again with the same file, it
// continues where the last run stopped.
//
// A nil error means a verified renewal. [ErrNotVerified] comes with the report, which says what is
// missing; the cause, if there is one, is in the same chain: vpptoken.ErrSyncFailed, the error of
// ctx, a *vpptoken.Error. After any other error nothing was changed, and there is no report.
func Run(
	ctx context.Context, c *vpptoken.Client, id string, ct *contenttoken.ContentToken, o Options,
) (*Report, error) {
	p, err := MakePlan(ctx, c, id, ct, o)
	if err != nil {
		return nil, err
	}
	ctx = hiding(ctx, ct)
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
