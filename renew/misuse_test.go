package renew_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/renew"
)

// Every mistake of a program is an error, and nothing is sent.
func TestMisuse(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	var none context.Context
	ctx := t.Context()
	sync := &vpptoken.Sync{TokenID: s.id}
	planFor := func(token *vpptoken.VPPToken, change func(*renew.Plan)) *renew.Plan {
		p, err := renew.PlanFor(token, ct, options())
		ok(t, err)
		change(p)
		return p
	}
	plan := func(change func(*renew.Plan)) *renew.Plan {
		return planFor(&vpptoken.VPPToken{ID: s.id, OrganizationName: org}, change)
	}
	done := &vpptoken.VPPToken{ID: s.id, OrganizationName: org, ExpirationDateTime: expires}
	byHand := &renew.Plan{TokenID: s.id, OrganizationName: org, ExpirationDateTime: expires}
	ready := plan(func(p *renew.Plan) { p.Applied, p.Sync = true, sync })
	makePlan := func(ctx context.Context, c *vpptoken.Client, ct *contenttoken.ContentToken, o renew.Options) error {
		o.Now = clock
		p, err := renew.MakePlan(ctx, c, s.id, ct, o)
		report, again := renew.Run(ctx, c, s.id, ct, o)
		if p != nil || report != nil || again == nil || again.Error() != err.Error() {
			t.Errorf("MakePlan = %+v, %v; Run = %+v, %v", p, err, report, again)
		}
		return err
	}
	verify := func(ctx context.Context, c *vpptoken.Client, p *renew.Plan, opts ...vpptoken.WaitOption) error {
		report, err := p.Verify(ctx, c, opts...)
		if report != nil {
			t.Errorf("report = %+v", report)
		}
		return err
	}
	for name, err := range map[string]error{
		"MakePlan without context":     makePlan(none, s.client, ct, renew.Options{}),
		"MakePlan without client":      makePlan(ctx, nil, ct, renew.Options{}),
		"MakePlan, zero client":        makePlan(ctx, &vpptoken.Client{}, ct, renew.Options{}),
		"MakePlan without file":        makePlan(ctx, s.client, nil, renew.Options{}),
		"MakePlan, zero file":          makePlan(ctx, s.client, &contenttoken.ContentToken{}, renew.Options{}),
		"MakePlan, file without text":  makePlan(ctx, s.client, another(t, ct), renew.Options{}),
		"MakePlan, negative PollEvery": makePlan(ctx, s.client, ct, renew.Options{PollEvery: -time.Second}),
		"decoding without plan":        (*renew.Plan)(nil).UnmarshalJSON([]byte("{}")),
		"Apply without plan":           (*renew.Plan)(nil).Apply(ctx, s.client, ct),
		"Apply, zero plan":             new(renew.Plan).Apply(ctx, s.client, ct),
		"Apply without context":        ready.Apply(none, s.client, ct),
		"Apply without client":         ready.Apply(ctx, nil, ct),
		"Apply, plan by hand":          byHand.Apply(ctx, s.client, ct),
		"StartSync without plan":       (*renew.Plan)(nil).StartSync(ctx, s.client),
		"StartSync, zero plan":         new(renew.Plan).StartSync(ctx, s.client),
		"StartSync without context":    ready.StartSync(none, s.client),
		"StartSync without client":     ready.StartSync(ctx, nil),
		"StartSync before Apply":       plan(func(*renew.Plan) {}).StartSync(ctx, s.client),
		"Verify without plan":          verify(ctx, s.client, nil),
		"Verify, zero plan":            verify(ctx, s.client, new(renew.Plan)),
		"Verify without context":       verify(none, s.client, ready),
		"Verify without client":        verify(ctx, nil, ready),
		"Verify, zero client":          verify(ctx, &vpptoken.Client{}, ready),
		"Verify before Apply":          verify(ctx, s.client, plan(func(p *renew.Plan) { p.Sync = sync })),
		"Verify before StartSync":      verify(ctx, s.client, plan(func(p *renew.Plan) { p.Applied = true })),
		"Verify, no upload, no sync":   verify(ctx, s.client, planFor(done, func(*renew.Plan) {})),
		"Verify, sync of another token": verify(ctx, s.client,
			plan(func(p *renew.Plan) { p.Applied, p.Sync = true, &vpptoken.Sync{TokenID: "x"} })),
		"Verify without expiry": verify(ctx, s.client,
			plan(func(p *renew.Plan) { p.ExpirationDateTime, p.Applied, p.Sync = time.Time{}, true, sync })),
		"Verify, wrong option": verify(ctx, s.client, ready, vpptoken.PollEvery(0)),
		"Verify, nil option":   verify(ctx, s.client, ready, nil),
		"Verify, PollEvery of the plan": verify(ctx, s.client,
			plan(func(p *renew.Plan) { p.Applied, p.Sync, p.PollEvery = true, sync, -1 })),
		"Verify, no id that can be sent": verify(ctx, s.client, planFor(&vpptoken.VPPToken{
			ID: "a/b",
		}, func(p *renew.Plan) { p.Applied, p.Sync = true, &vpptoken.Sync{TokenID: "a/b"} })),
	} {
		if err == nil || errors.Is(err, renew.ErrNotVerified) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests were sent: %v", n, s.sent())
	}
}
