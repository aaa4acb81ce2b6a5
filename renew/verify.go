package renew

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/location"
)

// Report is how a renewal ended. It is safe to log and encodes to JSON: the text of the file is not
// in it, and what came from the service is on one line and cut.
type Report struct {
	TokenID  string   `json:"tokenId"`
	Verified bool     `json:"verified"`          // the service showed the proof
	Reasons  []string `json:"reasons,omitempty"` // why it is not verified, a sentence each; none when it is
	Before   Snapshot `json:"before"`            // when the plan was made
	After    Snapshot `json:"after"`             // the last look of Verify; zero when there was none

	Token *vpptoken.VPPToken `json:"-"` // the last look of Verify, whole; nil when there was none

	// RequestIDs are the service's, in the order of the steps, also of requests that failed;
	// Microsoft's support asks for them. Of the looks at the sync only one that failed is among
	// them.
	RequestIDs []string `json:"requestIds,omitempty"`
}

// Verify waits until the sync of the plan is over and compares what the service then shows with the
// file. It changes nothing at the service and notes in the plan how the sync ended, for
// [Plan.StartSync]. opts come after the plan's PollEvery, so they win. It waits as long as the sync
// takes, so give ctx a deadline.
//
// A nil error is a verified renewal. With [ErrNotVerified] the report is there too. When the sync
// failed, ctx ended or the token could not be read, the cause is in the same chain: run StartSync,
// which starts another sync if that is needed, and Verify again. Without a cause the service did
// all that was asked, and its display may lag: run Verify again later. With any other error there
// is no report, because there was nothing to look at: no sync was started, or an option is wrong.
func (p *Plan) Verify(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.WaitOption) (*Report, error) {
	if err := p.checkSynced(ctx, c); err != nil {
		return nil, err
	}
	if p.PollEvery != 0 {
		opts = slices.Insert(slices.Clone(opts), 0, vpptoken.PollEvery(p.PollEvery))
	}
	p.begin(StepVerify)
	t, err := p.wait(ctx, c, opts)
	failed, sent := errors.AsType[*vpptoken.Error](err)
	if err != nil && !sent {
		return nil, err
	}
	r := p.report()
	var reasons []string
	switch {
	case err == nil:
		p.note.Ended = vpptoken.SyncStatusCompleted
	case errors.Is(err, vpptoken.ErrSyncFailed):
		p.note.Ended = vpptoken.SyncStatusFailed
		reasons = append(reasons, "Intune could not sync the token with Apple: start another sync later.")
	default:
		reasons = append(reasons, "It is not known how the sync ended, because "+why(ctx, err)+": verify again.")
		if failed.RequestID != "" {
			r.RequestIDs = append(r.RequestIDs, failed.RequestID)
		}
	}
	if t != nil {
		r.After, r.Token = snapshot(t), t
		reasons = append(reasons, p.missing(t)...)
	}
	switch {
	case len(reasons) == 0:
		r.Verified = true
		return r, nil
	case err == nil && !p.NeedsApply && p.shows(t.ExpirationDateTime) && t.State != vpptoken.StateValid:
		err = fmt.Errorf("%w: the service has this file already, and its state is not valid: "+
			"download a new one from Apple", ErrEarlierExpiry)
	}
	return r.unverified(err, reasons...)
}

// wait waits for the sync. When a failed already stood there before it, and the sync does not show
// for a while, that one counts as its own: a sync can fail between two looks, and leave the date.
// As for an adopted one, WaitSync then takes it for the end.
func (p *Plan) wait(ctx context.Context, c *vpptoken.Client, opts []vpptoken.WaitOption) (*vpptoken.VPPToken, error) {
	s := *p.Sync
	var seen *vpptoken.VPPToken
	if left := p.grace() - time.Since(s.RequestedAt); left > 0 && !p.failedIsOurs() {
		early, cancel := context.WithTimeout(ctx, min(left, p.grace()))
		defer cancel()
		t, err := c.WaitSync(early, &s, opts...)
		if !errors.Is(err, context.DeadlineExceeded) {
			return t, err
		}
		seen = t
	}
	s.Adopted = true
	t, err := c.WaitSync(ctx, &s, opts...)
	return cmp.Or(t, seen), err
}

// missing compares the token after the sync with the file.
func (p *Plan) missing(t *vpptoken.VPPToken) []string {
	var reasons []string
	if !strings.EqualFold(t.ID, p.TokenID) {
		return append(reasons, "The service answered with another token: verify again.")
	}
	if text := state(t.State); text != "" {
		reasons = append(reasons, text)
	}
	switch {
	case t.ExpirationDateTime.IsZero():
		reasons = append(reasons, "The service shows no expiry: verify again later.")
	case !p.shows(t.ExpirationDateTime):
		reasons = append(reasons, fmt.Sprintf(
			"The service shows the expiry %s, the file has %s: it can lag behind the sync, verify again later.",
			on(t.ExpirationDateTime), on(p.ExpirationDateTime)))
	}
	if after := clean(t.LocationName); p.isElsewhere(after) {
		reasons = append(reasons, fmt.Sprintf(
			"The service shows the location %q, the token was of %q, the file of %q: look whether the file is right.",
			after, p.Before.LocationName, p.Location))
	}
	return reasons
}

// isElsewhere tells whether the service now shows another location than before, or than the file's
// when it showed none. One that With asked for is the right one.
func (p *Plan) isElsewhere(after string) bool {
	if with := p.options.With; with != nil && with.LocationName != nil && clean(*with.LocationName) == after {
		return false
	}
	before := p.Before.LocationName
	return location.Changed(before, after) || before == "" && p.otherLocation(after, p.Location)
}

// state is "" only for valid. It never shows a word that this package does not know: it could be
// anything.
func state(s vpptoken.State) string {
	switch s {
	case vpptoken.StateValid:
		return ""
	case vpptoken.StateExpired:
		return "The state is expired: if the file is the new one, verify again later."
	case vpptoken.StateInvalid:
		return "The state is invalid: Apple does not accept the file, download a new one."
	case vpptoken.StateAssignedToExternalMDM:
		return "The state is assignedToExternalMDM: remove the token from the other MDM, or claim it."
	case vpptoken.StateDuplicateLocationID:
		return "The state is duplicateLocationId: another token has the same location, " +
			"and sync stops until one of them is gone."
	case vpptoken.StateUnknown, "":
		return "The service does not know the state: verify again later."
	}
	return "The state is one that this package does not know: look at it in Intune."
}

// report begins a report, which proves nothing yet.
func (p *Plan) report() *Report {
	return &Report{TokenID: p.TokenID, Before: p.Before, RequestIDs: slices.Clone(p.RequestIDs)}
}

// unverified ends a report. cause is nil when the service did all that was asked.
func (r *Report) unverified(cause error, reasons ...string) (*Report, error) {
	r.Reasons = reasons
	if cause != nil {
		return r, fmt.Errorf("%w: %w", ErrNotVerified, cause)
	}
	return r, fmt.Errorf("%w: %s", ErrNotVerified, strings.Join(reasons, " "))
}

// why tells what kept a call from its result, without a word of the service.
func why(ctx context.Context, err error) string {
	failed, ok := errors.AsType[*vpptoken.Error](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "the time was up"
	case ctx.Err() != nil:
		return "the work was canceled"
	case !ok || failed.StatusCode == 0:
		return "the service gave no answer"
	case failed.StatusCode/100 == 2:
		return "the service's answer can't be used"
	}
	text := fmt.Sprintf("the service answered %d %s", failed.StatusCode, http.StatusText(failed.StatusCode))
	return strings.TrimSpace(text)
}
