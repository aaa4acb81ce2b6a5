package renew

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/internal/graph"
)

const (
	defaultPollEvery = 15 * time.Second

	// graceLooks is how many polls a sync has to show up, before the failed status from before it
	// counts as its own.
	graceLooks = 4
)

// syncNote records what is known about the plan's sync besides what the service shows.
type syncNote struct {
	Before vpptoken.SyncStatus `json:"before,omitempty"` // the status when it was started
	Ended  vpptoken.SyncStatus `json:"ended,omitempty"`  // how Verify saw it end
}

// Apply uploads ct, which must be the file of the plan: any other is [ErrOtherFile]. It reads the
// token again and refuses what MakePlan would refuse now, with the plan's options. Then it sends
// one PATCH with the property token and what [Options.With] holds. If the plan needs no upload it
// sends nothing. The client itself retries the PATCH when the service is busy. Run again, Apply
// sends the same values, and an earlier sync no longer counts.
func (p *Plan) Apply(ctx context.Context, c *vpptoken.Client, ct *contenttoken.ContentToken) error {
	if err := p.check(ctx, c); err != nil {
		return err
	}
	if err := p.checkFile(ct); err != nil || !p.NeedsApply {
		return err
	}
	ctx = hiding(ctx, ct)
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

// StartSync asks Intune to sync the token with Apple and records the sync in the plan, for
// [Plan.Verify]. Calling it before Apply is an error.
//
// Only a sync that began after the upload proves anything. So StartSync first waits for a running
// sync, which may have begun earlier, and polls it every PollEvery; then it starts its own. A sync
// that begins at the same moment also came after the upload, and takes its place.
//
// StartSync keeps a sync that the plan already records, unless Verify or a poll found that it
// failed, or Verify saw it end and the service still shows no proof: then it starts another one.
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
		TokenID: p.TokenID, PreviousSyncDateTime: t.LastSyncDateTime,
		Adopted: t.LastSyncStatus == vpptoken.SyncStatusInProgress,
	}
	if err := p.requestSync(ctx, c, s); err != nil {
		return err
	}
	s.RequestedAt = time.Now().UTC() // it may have waited for a while at the service's limit
	p.Sync, p.note = s, syncNote{Before: word(t.LastSyncStatus)}
	return nil
}

// requestSync does what Client.StartSync does after it reads the token. Client.StartSync would hide
// whether a sync that it adopts began before or after that, and so what the sync can prove.
func (p *Plan) requestSync(ctx context.Context, c *vpptoken.Client, s *vpptoken.Sync) error {
	var m vpptoken.Metadata
	_, err := c.SyncLicenses(ctx, p.TokenID, vpptoken.WithMetadata(&m))
	p.record(m)
	switch status := m.StatusCode; {
	case status/100 == 2:
		if !strings.Contains(strings.ToLower(m.Header.Get("Content-Type")), "html") { // a page of a proxy's
			return nil // it was accepted, whatever the answer holds
		}
	case status == http.StatusBadRequest, status == http.StatusConflict, status == http.StatusTooManyRequests:
		t, lookErr := p.look(ctx, c, &m)
		if lookErr == nil && t.LastSyncStatus == vpptoken.SyncStatusInProgress {
			s.Adopted, err = true, nil
		}
	}
	return err
}

// inDoubt reports whether a failed status may be our sync's or the previous one's: if it is ours,
// our sync has not moved the date.
func (p *Plan) inDoubt(t *vpptoken.VPPToken) bool {
	return p.Sync != nil && t.LastSyncStatus == vpptoken.SyncStatusFailed && !p.failedIsOurs() && !p.hasMoved(t) &&
		time.Since(p.Sync.RequestedAt) < p.grace()
}

// failedIsOurs reports whether a failed status is certainly our sync's.
func (p *Plan) failedIsOurs() bool {
	return p.Sync.Adopted || p.note.Ended == vpptoken.SyncStatusFailed ||
		p.note.Before != "" && p.note.Before != vpptoken.SyncStatusFailed
}

func (p *Plan) hasMoved(t *vpptoken.VPPToken) bool {
	return t.LastSyncDateTime.After(p.Sync.PreviousSyncDateTime)
}

// needsAnother reports whether the recorded sync failed and none has completed since, or ended
// without proof.
func (p *Plan) needsAnother(t *vpptoken.VPPToken) bool {
	switch {
	case p.note.Ended == vpptoken.SyncStatusCompleted:
		return len(p.missing(t)) > 0
	case t.LastSyncStatus == vpptoken.SyncStatusCompleted && p.hasMoved(t):
		return false
	}
	return p.note.Ended == vpptoken.SyncStatusFailed || t.LastSyncStatus == vpptoken.SyncStatusFailed
}

// every returns the polling interval.
func (p *Plan) every() time.Duration {
	if p.PollEvery <= 0 {
		return defaultPollEvery
	}
	return p.PollEvery
}

// grace returns how long after the request a failed status may still be the previous sync's.
func (p *Plan) grace() time.Duration { return graceLooks * p.every() }

// lookAgain reads the token again after the polling interval.
func (p *Plan) lookAgain(ctx context.Context, c *vpptoken.Client, m *vpptoken.Metadata) (*vpptoken.VPPToken, error) {
	timer := time.NewTimer(p.every())
	defer timer.Stop()
	select {
	case <-timer.C:
		return p.look(ctx, c, m)
	case <-ctx.Done():
		return nil, fmt.Errorf("renew: waiting for the end of an earlier sync: %w", graph.ContextCause(ctx))
	}
}
