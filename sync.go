package vpptoken

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// Sync is a sync in progress. It encodes to JSON, so that another process can wait for it.
type Sync struct {
	TokenID              string    `json:"tokenId"`
	RequestedAt          time.Time `json:"requestedAt"`          // by the local clock; informational
	PreviousSyncDateTime time.Time `json:"previousSyncDateTime"` // before this sync; zero if never synced
	Adopted              bool      `json:"adopted"`              // already under way: it may miss the latest changes
}

// StartSync notes when the token was last synced and asks Intune for a new sync. If one is already
// under way (the service then joins it, or answers 400, 409 or 429), StartSync returns that one and
// sets [Sync.Adopted]. Every other refusal is an error, including a 429 for too many requests. Like
// [Client.SyncLicenses] it is never retried after an ambiguous failure.
func (c *Client) StartSync(ctx context.Context, id string, opts ...CallOption) (*Sync, error) {
	before, err := c.Get(ctx, id, opts...)
	if err != nil {
		return nil, err
	}
	s := &Sync{
		TokenID: id, RequestedAt: time.Now().UTC(), PreviousSyncDateTime: before.LastSyncDateTime,
		Adopted: before.LastSyncStatus == SyncStatusInProgress,
	}
	// A 429 may be about a sync that is under way or about too many requests, so the first one is not
	// retried before the token was read again.
	for busy := true; ; busy = false {
		r := syncRequest(id)
		r.busy = busy
		_, err := c.do(ctx, r, opts) // the token in the answer still shows the previous sync
		if refusedSync(err) && c.syncRuns(ctx, id, opts) {
			s.Adopted, err = true, nil
		}
		if err == nil {
			return s, nil
		}
		if !busy || !errors.Is(err, ErrThrottled) || !Retryable(err) || !c.graph.Retries() {
			return nil, err
		}
	}
}

// refusedSync reports whether err may mean that a sync is already under way. Such refusals have
// other reasons too, so only reading the token can tell.
func refusedSync(err error) bool {
	e, ok := errors.AsType[*Error](err)
	statuses := []int{http.StatusBadRequest, http.StatusConflict}
	return ok && (slices.Contains(statuses, e.StatusCode) || graph.Throttles(e.StatusCode, e.Code, e.Message))
}

// syncRuns reads the token again. The caller's Metadata still describes the refusal.
func (c *Client) syncRuns(ctx context.Context, id string, opts []CallOption) bool {
	t, err := c.Get(ctx, id, append(slices.Clip(opts), func(o *call) { o.metadata = nil })...)
	return err == nil && t.LastSyncStatus == SyncStatusInProgress
}

// WaitOption changes how [Client.WaitSync] waits. A bad value is an error of WaitSync.
type WaitOption func(*wait) error

type wait struct {
	every  time.Duration
	onPoll func(*VPPToken)
}

// PollEvery sets the polling interval; the default is 15 seconds.
func PollEvery(d time.Duration) WaitOption {
	return func(w *wait) error {
		if d <= 0 {
			return fmt.Errorf("PollEvery: %v is not a positive interval", d)
		}
		w.every = d
		return nil
	}
}

// OnPoll calls f with the token of each poll: to show progress, or as a job's heartbeat.
func OnPoll(f func(*VPPToken)) WaitOption {
	return func(w *wait) error {
		if f == nil {
			return errors.New("OnPoll: the function is nil")
		}
		w.onPoll = f
		return nil
	}
}

// WaitSync polls the token until the sync s is over, and returns it. The sync is over when
// lastSyncDateTime has moved past its previous value and the status is completed or failed: right
// after the request, the service still shows the previous sync's completed. A failed status after
// inProgress was seen, as it was for an adopted sync, is final too. A failed sync is
// [ErrSyncFailed].
//
// Any error comes with the last token seen, if any. If ctx ends first, the sync is still running;
// you can wait again with the same s. Without a deadline WaitSync waits as long as it takes.
func (c *Client) WaitSync(ctx context.Context, s *Sync, opts ...WaitOption) (*VPPToken, error) {
	w := wait{every: 15 * time.Second}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("vpptoken: waitSync: an option is nil")
		}
		if err := o(&w); err != nil {
			return nil, fmt.Errorf("vpptoken: waitSync: %w", err)
		}
	}
	switch {
	case s == nil:
		return nil, errors.New("vpptoken: waitSync: the Sync is nil")
	case !validID(s.TokenID):
		return nil, fmt.Errorf("vpptoken: waitSync: %w", ErrInvalidID)
	}
	var last *VPPToken
	for running := s.Adopted; ; {
		t, err := c.Get(ctx, s.TokenID)
		if err != nil {
			return last, stillRunning(ctx, s, err)
		}
		last = t
		if w.onPoll != nil {
			w.onPoll(t)
		}
		running = running || t.LastSyncStatus == SyncStatusInProgress
		moved := t.LastSyncDateTime.After(s.PreviousSyncDateTime)
		switch {
		case moved && t.LastSyncStatus == SyncStatusCompleted:
			return t, nil
		case (moved || running) && t.LastSyncStatus == SyncStatusFailed:
			return t, syncFailed(s, t)
		}
		if !sleep(ctx, w.every) {
			return last, stillRunning(ctx, s, nil)
		}
	}
}

// stillRunning returns the error of a wait that ended before the sync. err is that of a poll, or
// nil if ctx ended between polls.
func stillRunning(ctx context.Context, s *Sync, err error) error {
	failed, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		failed = syncError(s)
		failed.cause = graph.ContextCause(ctx)
	case !ok:
		return err
	}
	failed.Op = opWaitSync
	// A call without enough time left ends shortly before its context does.
	if errors.Is(failed, context.Canceled) || errors.Is(failed, context.DeadlineExceeded) {
		failed.Message = "the sync is still running"
	}
	return failed
}

// syncFailed includes the token's state, which often says why, if it is a known one.
func syncFailed(s *Sync, t *VPPToken) error {
	failed := syncError(s)
	failed.cause = ErrSyncFailed
	if t.State.IsKnown() {
		failed.Message = fmt.Sprintf("the token's state is %q", string(t.State))
	}
	return failed
}

func syncError(s *Sync) *Error {
	r := request{item: true, id: s.TokenID}
	return &Error{Op: opWaitSync, Method: http.MethodGet, Path: r.path(""), StatusCode: http.StatusOK}
}
