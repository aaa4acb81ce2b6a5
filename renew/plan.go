package renew

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/internal/graph"
	"github.com/vpptoken/vpptoken/internal/location"
)

// Plan is a renewal in progress: what was found, what to do and what has been done. Make one with
// [MakePlan] or [PlanFor]. It encodes to JSON, without the text of the file; store it after each
// step, even after one that failed. Do not change the decisions in it: a plan with another id, file
// or options is refused. It is not safe for concurrent use.
type Plan struct {
	TokenID string   `json:"tokenId"` // the token to renew; it keeps its id
	Before  Snapshot `json:"before"`  // the token as it was found

	OrganizationName   string    `json:"organizationName"`   // of the file
	ExpirationDateTime time.Time `json:"expirationDateTime"` // of the file: what the service must show in the end
	Location           string    `json:"location,omitempty"` // of the file, from its name; "" if unknown

	NeedsApply bool           `json:"needsApply"`           // false if the service already has the file
	Applied    bool           `json:"applied"`              // the service has accepted the file from Apply
	Sync       *vpptoken.Sync `json:"sync,omitempty"`       // what Verify waits for; it began after the last upload
	PollEvery  time.Duration  `json:"pollEvery"`            // the polling interval; in JSON nanoseconds; 0 means 15 s
	RequestIDs []string       `json:"requestIds,omitempty"` // of each step's last request, even if it failed

	options options
	digest  string // of the file and of the decisions: see seal
	note    syncNote
	now     func() time.Time
	onStep  func(Step)
}

// options are the [Options] that apply to all steps, as in a plan's JSON.
type options struct {
	AllowOtherOrganization bool            `json:"allowOtherOrganization,omitzero"`
	AllowEarlierExpiry     bool            `json:"allowEarlierExpiry,omitzero"`
	AllowOtherLocation     bool            `json:"allowOtherLocation,omitzero"`
	With                   *vpptoken.Patch `json:"with,omitzero"`
	ClockOffset            time.Duration   `json:"clockOffset,omitzero"` // from the machine's clock to Options.Now
}

// MakePlan reads the token and decides what to do with ct. It changes nothing. A file that should
// not be uploaded is [ErrExpired] (before anything is sent), [ErrOtherOrganization],
// [ErrOtherLocation] or [ErrEarlierExpiry].
func MakePlan(
	ctx context.Context, c *vpptoken.Client, id string, ct *contenttoken.ContentToken, o Options,
) (*Plan, error) {
	switch {
	case ctx == nil:
		return nil, errNoContext
	case c == nil:
		return nil, errNoClient
	}
	p, err := newPlan(id, ct, o)
	if err != nil {
		return nil, err
	}
	p.begin(StepPlan)
	var m vpptoken.Metadata
	t, err := p.look(hiding(ctx, ct), c, &m)
	if err != nil {
		return nil, err
	}
	p.record(m)
	return p.decide(t, ct)
}

// PlanFor is [MakePlan] for a token that you already read, from a list for example. It sends
// nothing.
func PlanFor(t *vpptoken.VPPToken, ct *contenttoken.ContentToken, o Options) (*Plan, error) {
	if t == nil || t.ID == "" {
		return nil, errNoToken
	}
	p, err := newPlan(t.ID, ct, o)
	if err != nil {
		return nil, err
	}
	return p.decide(t, ct)
}

// OnStep sets [Options.OnStep] for a plan that came from JSON. f may be nil.
func (p *Plan) OnStep(f func(Step)) {
	if p != nil {
		p.onStep = f
	}
}

func newPlan(id string, ct *contenttoken.ContentToken, o Options) (*Plan, error) {
	switch {
	case ct.Secret().IsZero():
		return nil, errNoText
	case o.PollEvery < 0:
		return nil, fmt.Errorf("renew: PollEvery: %v is not a positive interval", o.PollEvery)
	}
	with, err := copyWith(o.With)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		TokenID: id, OrganizationName: ct.OrganizationName, ExpirationDateTime: ct.ExpirationDateTime.UTC(),
		Location: clean(ct.Location), PollEvery: o.PollEvery, now: o.Now, onStep: o.OnStep,
		options: options{
			AllowOtherOrganization: o.AllowOtherOrganization, AllowEarlierExpiry: o.AllowEarlierExpiry,
			AllowOtherLocation: o.AllowOtherLocation, With: with,
		},
	}
	if o.Now != nil {
		p.options.ClockOffset = time.Until(o.Now())
	}
	if p.PollEvery == 0 {
		p.PollEvery = defaultPollEvery
	}
	if err := p.refuseExpired(); err != nil {
		return nil, err
	}
	return p, nil
}

// decide compares the token with the file, and seals the plan.
func (p *Plan) decide(t *vpptoken.VPPToken, ct *contenttoken.ContentToken) (*Plan, error) {
	p.Before = snapshot(t)
	p.NeedsApply = !p.shows(t.ExpirationDateTime) ||
		t.State != vpptoken.StateValid && p.options.AllowEarlierExpiry || !p.options.With.Diff(t).IsEmpty()
	if err := p.refuse(t, ct); err != nil {
		return nil, err
	}
	if err := p.seal(ct); err != nil {
		return nil, err
	}
	return p, nil
}

// shows reports whether the service shows the file's expiry.
func (p *Plan) shows(expires time.Time) bool { return expires.Unix() == p.ExpirationDateTime.Unix() }

func (p *Plan) refuseExpired() error {
	now := time.Now().Add(p.options.ClockOffset)
	if p.now != nil {
		now = p.now()
	}
	if p.ExpirationDateTime.After(now) {
		return nil
	}
	return fmt.Errorf("%w, on %s: download a new one from Apple", ErrExpired, on(p.ExpirationDateTime))
}

// refuse compares the file with what the service shows now.
func (p *Plan) refuse(t *vpptoken.VPPToken, ct *contenttoken.ContentToken) error {
	if err := p.refuseExpired(); err != nil {
		return err
	}
	differ := func(why error, theirs, ours string) error {
		return fmt.Errorf("%w: the token is of %q, the file of %q", why, clean(theirs), clean(ours))
	}
	organization, location := t.OrganizationName, clean(t.LocationName)
	if with := p.options.With; with != nil { // an earlier Apply may have set them
		organization = unlessOurs(organization, p.Before.OrganizationName, with.OrganizationName)
		location = unlessOurs(location, p.Before.LocationName, with.LocationName)
	}
	switch theirs := t.ExpirationDateTime; {
	case organization != "" && organization != p.OrganizationName && !p.options.AllowOtherOrganization:
		return differ(ErrOtherOrganization, t.OrganizationName, p.OrganizationName)
	case p.otherLocation(location, p.Location):
		return differ(ErrOtherLocation, t.LocationName, p.Location)
	case p.otherLocation(location, clean(ct.Location)): // the same text under another name
		return differ(ErrOtherLocation, t.LocationName, ct.Location)
	case p.ExpirationDateTime.Unix() < theirs.Unix() && !p.options.AllowEarlierExpiry:
		return fmt.Errorf("%w: the service shows %s, the file has %s", ErrEarlierExpiry, on(theirs), on(p.ExpirationDateTime))
	}
	return nil
}

// unlessOurs returns a name that the service shows, or "" if it is With's and came since the plan
// was made.
func unlessOurs(name, before string, with *string) string {
	if with != nil && clean(name) == clean(*with) && clean(name) != before {
		return ""
	}
	return name
}

func (p *Plan) otherLocation(service, file string) bool {
	return !p.options.AllowOtherLocation && location.Differ(file, service)
}

// hiding returns a context whose calls show nothing of the file: the service may have stored it at
// an earlier run, and quote it.
func hiding(ctx context.Context, ct *contenttoken.ContentToken) context.Context {
	return graph.WithSecret(ctx, ct.Secret().Reveal())
}

// look reads the token. An answer with another token is an error.
func (p *Plan) look(ctx context.Context, c *vpptoken.Client, m *vpptoken.Metadata) (*vpptoken.VPPToken, error) {
	t, err := c.Get(ctx, p.TokenID, vpptoken.WithMetadata(m))
	if err == nil && !strings.EqualFold(t.ID, p.TokenID) {
		err = errOtherAnswer
	}
	if err != nil {
		p.record(*m)
		return nil, err
	}
	return t, nil
}

func (p *Plan) begin(s Step) {
	if p.onStep != nil {
		p.onStep(s)
	}
}

// record keeps the service's request id, for Microsoft support.
func (p *Plan) record(m vpptoken.Metadata) {
	if m.RequestID != "" {
		p.RequestIDs = append(p.RequestIDs, m.RequestID)
	}
}
