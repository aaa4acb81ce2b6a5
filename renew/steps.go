package renew

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
)

const (
	defaultPollEvery = 15 * time.Second

	// graceLooks is how many looks a sync gets to show, before a failed from before it counts as
	// its own.
	graceLooks = 4
)

// syncNote is what is known of the plan's sync besides what the service shows.
type syncNote struct {
	Before vpptoken.SyncStatus `json:"before,omitempty"` // what was shown when it was started
	Ended  vpptoken.SyncStatus `json:"ended,omitempty"`  // how Verify saw it end
}

// Apply uploads ct, which has to be the file of the plan, or it is [ErrOtherFile]. It reads the
// token once more and refuses what MakePlan would refuse now, with the plan's options; then comes
// one PATCH with the property token, and with what [Options].With holds. It sends nothing when the
// plan needs no upload. The client repeats the PATCH by itself when the service is busy; run again,
// Apply sends the same values, and a sync that was started before no longer counts.
func (p *Plan) Apply(ctx context.Context, c *vpptoken.Client, ct *contenttoken.ContentToken) error {
	if err := p.check(ctx, c); err != nil {
		return err
	}
	if err := p.checkFile(ct); err != nil || !p.NeedsApply {
		return err
	}
	p.begin(StepApply)
	p.Sync, p.note = nil, syncNote{}
	var m vpptoken.Metadata
	t, err := p.look(ctx, c, &m)
	if err != nil {
		return err
	}
	if err := p.refuse(t, ct); err != nil {
		return err
	}
	_, err = c.Update(ctx, p.TokenID, p.withToken(ct.Secret()), vpptoken.WithMetadata(&m))
	p.record(m)
	if err != nil {
		return err
	}
	p.Applied = true
	return nil
}

// StartSync asks Intune to sync the token with Apple and notes the sync in the plan, for
// [Plan.Verify]. Before Apply it is an error.
//
// Only a sync that began after the upload proves anything. So one that is under way is waited for
// first, with a look every PollEvery, because it may have begun before; then ours is started. One
// that begins at the same moment as ours came after the upload as well, and takes its place.
//
// A sync that the plan has noted already is left alone, unless it has failed, as Verify or a look
// found, or Verify saw it end and what the service shows still is no proof: then another one is
// started.
func (p *Plan) StartSync(ctx context.Context, c *vpptoken.Client) error {
	if err := p.checkUploaded(ctx, c); err != nil {
		return err
	}
	var m vpptoken.Metadata
	t, err := p.look(ctx, c, &m)
	for n := 0; err == nil && n < graceLooks && p.inDoubt(t); n++ {
		t, err = p.lookAgain(ctx, c, &m)
	}
	if err != nil || p.Sync != nil && !p.needsAnother(t) {
		return err
	}
	p.begin(StepSync)
	for p.Sync == nil && t.LastSyncStatus == vpptoken.SyncStatusInProgress {
		if t, err = p.lookAgain(ctx, c, &m); err != nil {
			return err
		}
	}
	s := &vpptoken.Sync{
		TokenID: p.TokenID, RequestedAt: time.Now().UTC(), PreviousSyncDateTime: t.LastSyncDateTime,
		Adopted: t.LastSyncStatus == vpptoken.SyncStatusInProgress,
	}
	if err := p.requestSync(ctx, c, s); err != nil {
		return err
	}
	p.Sync, p.note = s, syncNote{Before: word(t.LastSyncStatus)}
	return nil
}

// requestSync does what Client.StartSync does after its look. That would hide whether a sync it
// adopts began before the look or after it, and so what the sync can prove.
func (p *Plan) requestSync(ctx context.Context, c *vpptoken.Client, s *vpptoken.Sync) error {
	var m vpptoken.Metadata
	_, err := c.SyncLicenses(ctx, p.TokenID, vpptoken.WithMetadata(&m))
	p.record(m)
	switch m.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		if !strings.Contains(m.Header.Get("Content-Type"), "html") { // a page of a proxy's
			return nil // it was accepted, whatever else the answer holds
		}
	case http.StatusBadRequest, http.StatusConflict, http.StatusTooManyRequests:
		t, lookErr := p.look(ctx, c, &m)
		if lookErr == nil && t.LastSyncStatus == vpptoken.SyncStatusInProgress {
			s.Adopted, err = true, nil
		}
	}
	return err
}

// inDoubt tells whether a failed can be ours as well as the one before, still shown: ours has not
// moved the date, if it was ours.
func (p *Plan) inDoubt(t *vpptoken.VPPToken) bool {
	return p.Sync != nil && t.LastSyncStatus == vpptoken.SyncStatusFailed && !p.failedIsOurs() && !p.hasMoved(t) &&
		time.Since(p.Sync.RequestedAt) < p.grace()
}

// failedIsOurs tells whether a failed that shows can't be from before our sync.
func (p *Plan) failedIsOurs() bool {
	return p.Sync.Adopted || p.note.Ended == vpptoken.SyncStatusFailed ||
		p.note.Before != "" && p.note.Before != vpptoken.SyncStatusFailed
}

func (p *Plan) hasMoved(t *vpptoken.VPPToken) bool {
	return t.LastSyncDateTime.After(p.Sync.PreviousSyncDateTime)
}

// needsAnother tells whether the noted sync has failed, and none has completed since, or ended
// without proving anything.
func (p *Plan) needsAnother(t *vpptoken.VPPToken) bool {
	switch {
	case p.note.Ended == vpptoken.SyncStatusCompleted:
		return len(p.missing(t)) > 0
	case t.LastSyncStatus == vpptoken.SyncStatusCompleted && p.hasMoved(t):
		return false
	}
	return p.note.Ended == vpptoken.SyncStatusFailed || t.LastSyncStatus == vpptoken.SyncStatusFailed
}

// every is the time between two looks.
func (p *Plan) every() time.Duration {
	if p.PollEvery <= 0 {
		return defaultPollEvery
	}
	return p.PollEvery
}

// grace is how long after the request a failed can still be the one from before.
func (p *Plan) grace() time.Duration { return graceLooks * p.every() }

// lookAgain looks after the time between two looks.
func (p *Plan) lookAgain(ctx context.Context, c *vpptoken.Client, m *vpptoken.Metadata) (*vpptoken.VPPToken, error) {
	timer := time.NewTimer(p.every())
	defer timer.Stop()
	select {
	case <-timer.C:
		return p.look(ctx, c, m)
	case <-ctx.Done():
		return nil, fmt.Errorf("renew: another sync is still running: %w", context.Cause(ctx))
	}
}
