package renew

import (
	"context"
	"fmt"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
)

// Plan is a renewal under way: what was found, what is to be done and what has been done. Make one with [MakePlan]. It encodes to
// JSON, without the text of the file; store it after each step. It is not for concurrent use.
type Plan struct {
	TokenID string   `json:"tokenId"` // the token that is renewed; it keeps its id
	Before  Snapshot `json:"before"`  // the token as it was found

	OrganizationName   string    `json:"organizationName"`   // of the file
	ExpirationDateTime time.Time `json:"expirationDateTime"` // of the file: what the service has to show in the end
	Location           string    `json:"location,omitempty"` // of the file, from its name: a hint for people

	NeedsApply bool           `json:"needsApply"`           // false when the service has the file already: Apply sends nothing
	Applied    bool           `json:"applied"`              // the service has accepted the file from Apply
	Sync       *vpptoken.Sync `json:"sync,omitempty"`       // what Verify waits for; always started after the last upload
	PollEvery  time.Duration  `json:"pollEvery"`            // between two looks of Verify, in JSON as nanoseconds; 0 is 15 s
	RequestIDs []string       `json:"requestIds,omitempty"` // the service's, of each step's last request, also of failed ones

	onStep func(Step)
}

// MakePlan reads the token and decides what is to be done with ct. Nothing is changed. A file that should not be
// uploaded is [ErrExpired] (before anything is sent), [ErrOtherOrganization] or [ErrEarlierExpiry].
func MakePlan(ctx context.Context, c *vpptoken.Client, id string, ct *contenttoken.ContentToken, o Options) (*Plan, error) {
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	switch {
	case ctx == nil:
		return nil, errNoContext
	case c == nil:
		return nil, errNoClient
	case ct.Secret().IsZero():
		return nil, errNoText
	case o.PollEvery < 0:
		return nil, fmt.Errorf("renew: PollEvery: %v is not a time between two looks", o.PollEvery)
	case !ct.ExpirationDateTime.After(now()):
		return nil, fmt.Errorf("%w, on %s: download a new one from Apple", ErrExpired, on(ct.ExpirationDateTime))
	}
	p := &Plan{
		TokenID: id, OrganizationName: ct.OrganizationName, ExpirationDateTime: ct.ExpirationDateTime.UTC(),
		Location: clean(ct.Location), PollEvery: o.PollEvery, onStep: o.OnStep,
	}
	if p.PollEvery == 0 {
		p.PollEvery = 15 * time.Second
	}
	p.begin(StepPlan)
	var m vpptoken.Metadata
	t, err := c.Get(ctx, id, vpptoken.WithMetadata(&m))
	if err != nil {
		return nil, err
	}
	p.record(m)
	p.Before = snapshot(t)
	p.NeedsApply = t.State != vpptoken.StateValid || !p.shows(t.ExpirationDateTime)
	if err := p.refuse(t, o); err != nil {
		return nil, err
	}
	return p, nil
}

// shows tells whether the expiry that the service shows is the file's.
func (p *Plan) shows(expires time.Time) bool { return expires.Unix() == p.ExpirationDateTime.Unix() }

// refuse compares the file with what the service shows.
func (p *Plan) refuse(t *vpptoken.VPPToken, o Options) error {
	theirs := t.ExpirationDateTime
	switch {
	case t.OrganizationName != "" && t.OrganizationName != p.OrganizationName && !o.AllowOtherOrganization:
		return fmt.Errorf("%w: the token is of %q, the file of %q", ErrOtherOrganization, clean(t.OrganizationName), clean(p.OrganizationName))
	case !p.NeedsApply || p.ExpirationDateTime.Unix() > theirs.Unix() || o.AllowEarlierExpiry:
		return nil
	case p.shows(theirs):
		return fmt.Errorf("%w: the service has this file already, and its state is not valid: download a new one from Apple", ErrEarlierExpiry)
	}
	return fmt.Errorf("%w: %s is there, the file has %s", ErrEarlierExpiry, on(theirs), on(p.ExpirationDateTime))
}

// Apply uploads ct, which has to be the file of the plan: one PATCH with the property token. It sends nothing when the plan needs no
// upload. The client repeats the PATCH by itself when the service is busy; run again, Apply sends the same value, and a sync that
// was started before no longer counts.
func (p *Plan) Apply(ctx context.Context, c *vpptoken.Client, ct *contenttoken.ContentToken) error {
	if err := p.check(ctx, c); err != nil {
		return err
	}
	switch {
	case ct.Secret().IsZero():
		return errNoText
	case ct.OrganizationName != p.OrganizationName:
		return fmt.Errorf("renew: this is not the file that was planned: its organisation is %q, planned is %q",
			clean(ct.OrganizationName), clean(p.OrganizationName))
	case !ct.ExpirationDateTime.Equal(p.ExpirationDateTime):
		return fmt.Errorf("renew: this is not the file that was planned: it expires on %s, planned is %s",
			on(ct.ExpirationDateTime), on(p.ExpirationDateTime))
	case !p.NeedsApply:
		return nil
	}
	p.begin(StepApply)
	p.Sync = nil
	var m vpptoken.Metadata
	_, err := c.Update(ctx, p.TokenID, vpptoken.NewPatch().SetToken(ct.Secret()), vpptoken.WithMetadata(&m))
	p.record(m)
	if err != nil {
		return err
	}
	p.Applied = true
	return nil
}

// StartSync asks Intune to sync the token with Apple and notes the sync in the plan, for [Plan.Verify]. Before Apply it is an error.
// A sync that is noted already is left alone, unless the service shows that it has failed: then another one is started.
func (p *Plan) StartSync(ctx context.Context, c *vpptoken.Client) error {
	if err := p.checkUploaded(ctx, c); err != nil {
		return err
	}
	var m vpptoken.Metadata
	if p.Sync != nil {
		t, err := c.Get(ctx, p.TokenID, vpptoken.WithMetadata(&m))
		p.record(m)
		if err != nil {
			return err
		}
		if !t.LastSyncDateTime.After(p.Sync.PreviousSyncDateTime) || t.LastSyncStatus != vpptoken.SyncStatusFailed {
			return nil
		}
	}
	p.begin(StepSync)
	s, err := c.StartSync(ctx, p.TokenID, vpptoken.WithMetadata(&m))
	p.record(m)
	if err != nil {
		return err
	}
	p.Sync = s
	return nil
}

func (p *Plan) begin(s Step) {
	if p.onStep != nil {
		p.onStep(s)
	}
}

// record keeps the id that the service gave a request, for Microsoft's support.
func (p *Plan) record(m vpptoken.Metadata) {
	if m.RequestID != "" {
		p.RequestIDs = append(p.RequestIDs, m.RequestID)
	}
}
