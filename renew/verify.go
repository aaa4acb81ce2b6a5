package renew

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/location"
)

// Report is the result of a renewal. It is safe to log and encodes to JSON: it does not hold the
// text of the file, and text from the service is on one line and truncated.
type Report struct {
	TokenID  string   `json:"tokenId"`
	Verified bool     `json:"verified"`          // the service showed the proof
	Reasons  []string `json:"reasons,omitempty"` // why it is not verified, one sentence each
	Before   Snapshot `json:"before"`            // the token when the plan was made
	After    Snapshot `json:"after"`             // the token when Verify last read it; zero if it did not

	Token *vpptoken.VPPToken `json:"-"` // the token when Verify last read it; nil if it did not

	// RequestIDs are the service's, in the order of the steps, also of failed requests; Microsoft
	// support asks for them. Of the polls only a failed one is included.
	RequestIDs []string `json:"requestIds,omitempty"`
}

// Verify waits until the plan's sync is over and compares what the service then shows with the
// file. It changes nothing in the service, and records in the plan how the sync ended, for
// [Plan.StartSync]. opts override the plan's PollEvery. Verify waits as long as the sync takes, so
// give ctx a deadline.
//
// A nil error means a verified renewal. [ErrNotVerified] comes with a report. If the sync failed,
// ctx ended or the token could not be read, the cause is in the same chain: run StartSync, which
// starts another sync if needed, and Verify again. Without a cause the service did all that was
// asked, and its display may lag: run Verify again later. With any other error there is no report,
// because there was nothing to verify: no sync was started, or an option is invalid.
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

// wait waits for the sync. If the status was failed before and the sync does not show up for a
// while, that status counts as its own: a sync can fail between two polls without moving the date.
// As for an adopted sync, WaitSync then treats it as the end.
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
			"The service now shows the location %q; before it was %s, and the file's is %s: check that this is the right file.",
			after, place(p.Before.LocationName), place(p.Location)))
	}
	return reasons
}

func place(name string) string {
	if name == "" {
		return "unknown"
	}
	return strconv.Quote(name)
}

// isElsewhere reports whether the service now shows another location than before, or than the
// file's if it showed none. A location that With set is the right one.
func (p *Plan) isElsewhere(after string) bool {
	if with := p.options.With; with != nil && with.LocationName != nil && clean(*with.LocationName) == after {
		return false
	}
	before := p.Before.LocationName
	return location.Changed(before, after) || before == "" && p.otherLocation(after, p.Location)
}

// state returns "" only for valid. It never shows a value that this package does not know, which
// could be anything.
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

// report starts a report, which proves nothing yet.
func (p *Plan) report() *Report {
	return &Report{TokenID: p.TokenID, Before: p.Before, RequestIDs: slices.Clone(p.RequestIDs)}
}

// unverified completes a report. cause is nil if the service did all that was asked.
func (r *Report) unverified(cause error, reasons ...string) (*Report, error) {
	r.Reasons = reasons
	if cause != nil {
		return r, fmt.Errorf("%w: %w", ErrNotVerified, cause)
	}
	return r, fmt.Errorf("%w: %s", ErrNotVerified, strings.Join(reasons, " "))
}

// why says what went wrong with a call, without quoting the service.
func why(ctx context.Context, err error) string {
	failed, ok := errors.AsType[*vpptoken.Error](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "time ran out"
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
