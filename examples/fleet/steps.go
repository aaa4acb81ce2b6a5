package main

// This file says what each step does to one tenant. It knows nothing about the queue, and every
// step is safe to run again.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/health"
	"github.com/vpptoken/vpptoken/renew"
)

// A check and an update have one step. The steps of a renewal are those of package renew.
const (
	stepCheck  renew.Step = "check"
	stepUpdate renew.Step = "update"
)

// first returns the step that a job begins with.
func first(kind string) renew.Step {
	if kind == "renew" {
		return renew.StepPlan
	}
	return renew.Step(kind)
}

// following returns the step after s, false after the last one.
func following(s renew.Step) (renew.Step, bool) {
	steps := []renew.Step{renew.StepPlan, renew.StepApply, renew.StepSync, renew.StepVerify}
	if i := slices.Index(steps, s) + 1; i > 0 && i < len(steps) {
		return steps[i], true
	}
	return "", false
}

// bench is what a step works with: one tenant and its client.
type bench struct {
	tenant      tenant
	client      *vpptoken.Client
	poll        time.Duration
	syncTimeout time.Duration
	patience    time.Duration // of a step that writes; one that would wait longer goes back to the queue
	alive       func()        // called from time to time by a long step
}

// do runs one step. The plan that it returns is for the next step; the last step returns a result.
// With an error from verify the result says how far the renewal came.
func (b *bench) do(ctx context.Context, step renew.Step, p *renew.Plan) (*renew.Plan, *result, error) {
	if step == stepUpdate || step == renew.StepApply || step == renew.StepSync {
		limited, cancel := context.WithTimeout(ctx, b.patience)
		defer cancel()
		ctx = limited
	}
	switch step {
	case stepCheck:
		r, err := b.check(ctx)
		return nil, r, err
	case stepUpdate:
		r, err := b.update(ctx)
		return nil, r, err
	case renew.StepPlan:
		ct, err := contenttoken.ReadFile(b.tenant.ContentToken)
		if err != nil {
			return nil, nil, err
		}
		p, err = renew.MakePlan(ctx, b.client, b.tenant.Token, ct, renew.Options{PollEvery: b.poll})
		return p, nil, err
	case renew.StepApply:
		ct, err := contenttoken.ReadFile(b.tenant.ContentToken)
		if err != nil {
			return nil, nil, err
		}
		return p, nil, p.Apply(ctx, b.client, ct)
	case renew.StepSync:
		return p, nil, p.StartSync(ctx, b.client)
	case renew.StepVerify:
		r, err := b.verify(ctx, p)
		return nil, r, err
	}
	return nil, nil, fmt.Errorf("%q is no step", step)
}

// check assesses all tokens of the tenant. A list that breaks off is an error, never a partial
// result.
func (b *bench) check(ctx context.Context) (*result, error) {
	r := &result{Level: health.LevelOK}
	n := 0
	for t, err := range b.client.List(ctx) {
		if err != nil {
			return nil, err
		}
		n++
		b.alive()
		v := health.Assess(t, time.Now(), health.Policy{})
		r.Level = slices.MaxFunc([]health.Level{r.Level, v.Level}, health.Level.Compare)
		for _, reason := range v.Reasons {
			r.Reasons = append(r.Reasons, fmt.Sprintf("%s: %s: %s", t.DisplayName, reason.Code, reason.Text))
		}
	}
	r.Summary = several(n, "token")
	if n == 0 {
		r.Level, r.Summary = health.LevelUnknown, "no VPP token is there to check"
	}
	return r, nil
}

// update sends the settings that the token does not have yet, so that a repeated step sends
// nothing.
func (b *bench) update(ctx context.Context) (*result, error) {
	token, err := b.client.Get(ctx, b.tenant.Token)
	if err != nil {
		return nil, err
	}
	patch := b.tenant.Settings.Diff(token)
	if patch.IsEmpty() {
		return &result{Level: health.LevelOK, Summary: "in order"}, nil
	}
	if _, err := b.client.Update(ctx, b.tenant.Token, patch); err != nil {
		return nil, err
	}
	return &result{Level: health.LevelOK, Summary: "updated: " + patch.Redacted()}, nil
}

// errLags is a sync that succeeded and an expiry that does not show yet.
var errLags = errors.New("the sync is over and the new expiry does not show yet")

func (b *bench) verify(ctx context.Context, p *renew.Plan) (*result, error) {
	ctx, cancel := context.WithTimeout(ctx, b.syncTimeout)
	defer cancel()
	report, err := p.Verify(ctx, b.client, vpptoken.OnPoll(func(*vpptoken.VPPToken) { b.alive() }))
	switch {
	case report == nil:
		return nil, err
	case err == nil:
		return &result{
			Level: health.LevelOK,
			Summary: fmt.Sprintf("renewed: it expires on %s, before on %s", day(report.After.ExpirationDateTime),
				day(report.Before.ExpirationDateTime)),
			Renewal: report,
		}, nil
	case errors.Is(err, context.DeadlineExceeded): // the client may foresee it before ctx ends
		err = fmt.Errorf("%w after %v", errSlowSync, b.syncTimeout)
	default:
		if _, failed := errors.AsType[*vpptoken.Error](err); !failed && report.After.State == vpptoken.StateValid {
			err = errLags
		}
	}
	return &result{Reasons: report.Reasons, Renewal: report}, err
}

// errSlowSync ends the wait for a sync for good: another worker would not help by waiting again.
var errSlowSync = errors.New("the sync is still running")

// levelOf ranks an error that is a tenant's result. A renewal that was refused or is not proven
// needs a human; nothing is known of an unreachable tenant.
func levelOf(err error) health.Level {
	for _, known := range []error{
		renew.ErrExpired, renew.ErrOtherOrganization, renew.ErrOtherLocation, renew.ErrEarlierExpiry,
		renew.ErrOtherFile, renew.ErrNotVerified,
		errSlowSync, errLags,
	} {
		if errors.Is(err, known) {
			return health.LevelCritical
		}
	}
	return health.LevelUnknown
}

// mayRetry reports whether to retry the step.
func mayRetry(step renew.Step, err error) bool {
	if vpptoken.Retryable(err) || errors.Is(err, errLags) {
		return true
	}
	// It is not known whether a sync started, or a token was updated. Another sync does no harm: it
	// joins the running one. An update reads before it sends.
	failed, ok := errors.AsType[*vpptoken.Error](err)
	return ok && failed.Ambiguous && (step == renew.StepSync || step == stepUpdate)
}

func day(t time.Time) string {
	if t.IsZero() {
		return "no date"
	}
	return t.UTC().Format("2006-01-02")
}
