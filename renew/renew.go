package renew

import (
	"context"
	"errors"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
)

// What errors.Is tells of a renewal. After the first three nothing was changed.
var (
	// ErrExpired is a file whose expiry is not after Options.Now.
	ErrExpired = errors.New("renew: the file has expired")

	// ErrOtherOrganization is a file with another organisation than the token's, compared exactly. A token that shows none
	// takes any.
	ErrOtherOrganization = errors.New("renew: the file is of another organisation")

	// ErrEarlierExpiry is a file that expires no later than what the service shows. The same expiry, to the second, is a
	// renewal that is done when the state is valid. In any other state it is this error too: the file is there and does not
	// work, and a new one from Apple helps where the same one once more does not.
	ErrEarlierExpiry = errors.New("renew: the file expires no later than what the service shows")

	// ErrNotVerified comes with a Report, which says what is still missing. The file was uploaded, or may have been.
	ErrNotVerified = errors.New("renew: the renewal is not verified")
)

// Options changes how a renewal is planned and run. The zero value refuses whatever looks like the wrong file.
type Options struct {
	AllowOtherOrganization bool             // upload although the file's organisation is not the token's
	AllowEarlierExpiry     bool             // upload although the file expires no later than what the service shows
	PollEvery              time.Duration    // between two looks at a sync; zero is 15 seconds, less is an error
	Now                    func() time.Time // for ErrExpired; nil is time.Now
	// OnStep is called as each step begins to send, in the goroutine of the step; a step with nothing to send is passed
	// over. It stays with the Plan in memory and is not in its JSON. Nil is fine.
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

// Run renews the token with that id: it plans, uploads ct, starts a sync and verifies. It waits as long as the sync takes, so
// give ctx a deadline.
//
// A nil error is a verified renewal. With [ErrNotVerified] the report is there too and tells what is missing; the cause, when
// there is one, is in the same chain: vpptoken.ErrSyncFailed, the error of ctx, an *vpptoken.Error. With any other error
// nothing was changed, and there is no report.
func Run(ctx context.Context, c *vpptoken.Client, id string, ct *contenttoken.ContentToken, o Options) (*Report, error) {
	p, err := MakePlan(ctx, c, id, ct, o)
	if err != nil {
		return nil, err
	}
	if err := p.Apply(ctx, c, ct); err != nil {
		if failed, ok := errors.AsType[*vpptoken.Error](err); ok && failed.Ambiguous {
			return p.report().unverified(err, "It is not known whether the file was uploaded, because "+why(ctx, err)+": run it again.")
		}
		return nil, err
	}
	if err := p.StartSync(ctx, c); err != nil {
		return p.report().unverified(err, "The sync could not be started, because "+why(ctx, err)+": run it again.")
	}
	return p.Verify(ctx, c)
}
