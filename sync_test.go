package vpptoken_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

const (
	before = "2026-11-20T08:00:00.1234567Z"
	after  = "2026-11-20T20:00:00Z"
)

// at is short for the tables below.
var at = faulttest.At

// anHour bounds a wait that a defect would make endless: the time of a bubble costs nothing.
func anHour(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancel)
	return ctx
}

func TestStartSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, s := faulttest.NewIntune(t, at(0, vpptoken.SyncStatusCompleted, before))
		got, err := c.StartSync(t.Context(), faulttest.ID)
		if err != nil {
			t.Fatal(err)
		}
		want := &vpptoken.Sync{
			TokenID: faulttest.ID, RequestedAt: time.Now(),
			PreviousSyncDateTime: time.Date(2026, 11, 20, 8, 0, 0, 123456700, time.UTC),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(s.Gets) != 1 || len(s.Posts) != 1 {
			t.Errorf("%d GET and %d POST", len(s.Gets), len(s.Posts))
		}
	})
}

func TestStartSyncFailures(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(404, ""))
	if s, err := c.StartSync(t.Context(), faulttest.ID); s != nil || !errors.Is(err, vpptoken.ErrNotFound) {
		t.Errorf("got %v, %v", s, err)
	}
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
	mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses", faulttest.Respond(500, ""))
	s, err := c.StartSync(t.Context(), faulttest.ID)
	e, ok := errors.AsType[*vpptoken.Error](err)
	if s != nil || !ok || !e.Ambiguous || e.Attempts != 1 {
		t.Errorf("got %v, %v", s, err)
	}
}

// A refusal that no sync can be the reason for is repeated as often as any call is, and not again.
func TestStartSyncRepeatsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, mock := faulttest.Mock(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 2}))
		mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
		mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses",
			faulttest.Respond(503, "").HeaderSet(http.Header{"Retry-After": {"1"}}))
		s, err := c.StartSync(t.Context(), faulttest.ID)
		e, ok := errors.AsType[*vpptoken.Error](err)
		if s != nil || !ok || e.StatusCode != http.StatusServiceUnavailable || len(mock.Requests()) != 3 {
			t.Errorf("got %v, %v after %v", s, err, mock.Lines())
		}
	})
}

// The options may be a part of a longer list of the caller's, which several goroutines share.
func TestStartSyncLeavesTheOptionsAlone(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
	mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses", faulttest.Respond(409, ""))
	opts := make([]vpptoken.CallOption, 2)
	opts[0] = vpptoken.WithClientRequestID("mine")
	if _, err := c.StartSync(t.Context(), faulttest.ID, opts[:1]...); !errors.Is(err, vpptoken.ErrConflict) {
		t.Error(err)
	}
	if opts[1] != nil {
		t.Error("StartSync wrote into the caller's list")
	}
}

// A sync that was started is not lost because of what came back with it: nothing of the answer is
// needed to wait.
func TestStartedSyncIsNotLost(t *testing.T) {
	t.Parallel()
	for _, answer := range []httpmock.Responder{
		httpmock.NewStringResponder(http.StatusNoContent, ""),
		httpmock.NewStringResponder(http.StatusOK, `{"id":"`+faulttest.ID+`","state":4711}`),
	} {
		c, mock := faulttest.Mock(t)
		reads := 0
		mock.RegisterResponder(http.MethodGet, faulttest.Item, func(*http.Request) (*http.Response, error) {
			if reads++; reads > 1 {
				return httpmock.NewStringResponse(http.StatusForbidden, ""), nil
			}
			return httpmock.NewStringResponse(http.StatusOK, faulttest.BareToken), nil
		})
		mock.RegisterResponder(http.MethodPost, faulttest.Item+"/syncLicenses", answer)
		sync, err := c.StartSync(t.Context(), faulttest.ID)
		if err != nil || sync.TokenID != faulttest.ID || reads != 1 {
			t.Errorf("%+v, %v after %d reads", sync, err, reads)
		}
	}
}

func TestWaitSync(t *testing.T) {
	t.Parallel()
	const never = "0001-01-01T00:00:00Z"
	for name, tc := range map[string]struct {
		looks  []faulttest.Look
		failed bool
		ends   time.Duration
		polls  int
	}{
		"the old completed is no end": {
			[]faulttest.Look{
				at(0, vpptoken.SyncStatusCompleted, before),
				at(25*time.Second, vpptoken.SyncStatusInProgress, before),
				at(55*time.Second, vpptoken.SyncStatusCompleted, before),
				at(65*time.Second, vpptoken.SyncStatusCompleted, after),
			},
			false, 70 * time.Second, 8,
		},
		"inProgress was never seen": {
			[]faulttest.Look{
				at(0, vpptoken.SyncStatusCompleted, before),
				at(15*time.Second, vpptoken.SyncStatusCompleted, after),
			},
			false, 20 * time.Second, 3,
		},
		"over at once": {
			[]faulttest.Look{
				at(0, vpptoken.SyncStatusCompleted, before),
				at(1, vpptoken.SyncStatusCompleted, after),
			},
			false, 10 * time.Second, 2,
		},
		"moved but still in progress": {
			[]faulttest.Look{
				at(0, vpptoken.SyncStatusCompleted, before),
				at(5*time.Second, vpptoken.SyncStatusInProgress, after),
				at(35*time.Second, vpptoken.SyncStatusCompleted, after),
			},
			false, 40 * time.Second, 5,
		},
		"the first sync ever": {
			[]faulttest.Look{
				at(0, vpptoken.SyncStatusNone, never),
				at(5*time.Second, vpptoken.SyncStatusCompleted, after),
			},
			false, 10 * time.Second, 2,
		},
		"the old failed is no end": {
			[]faulttest.Look{
				at(0, vpptoken.SyncStatusFailed, before),
				at(25*time.Second, vpptoken.SyncStatusInProgress, before),
				at(45*time.Second, vpptoken.SyncStatusCompleted, after),
			},
			false, 50 * time.Second, 6,
		},
		"failed, the time moved": {
			[]faulttest.Look{
				at(0, vpptoken.SyncStatusCompleted, before),
				at(5*time.Second, vpptoken.SyncStatusFailed, after),
			},
			true, 10 * time.Second, 2,
		},
		"failed after inProgress, the time did not move": {
			[]faulttest.Look{
				at(0, vpptoken.SyncStatusCompleted, before),
				at(5*time.Second, vpptoken.SyncStatusInProgress, before),
				at(15*time.Second, vpptoken.SyncStatusFailed, before),
			},
			true, 20 * time.Second, 3,
		},
		"an unknown status is no end": {
			[]faulttest.Look{
				at(0, vpptoken.SyncStatusCompleted, before), at(5*time.Second, "paused", after),
				at(25*time.Second, vpptoken.SyncStatusCompleted, after),
			},
			false, 30 * time.Second, 4,
		},
		"the time goes back": {
			[]faulttest.Look{
				at(0, vpptoken.SyncStatusCompleted, before),
				at(5*time.Second, vpptoken.SyncStatusCompleted, "2026-11-19T08:00:00Z"),
				at(15*time.Second, vpptoken.SyncStatusCompleted, after),
			},
			false, 20 * time.Second, 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, s := faulttest.NewIntune(t, tc.looks...)
				started, err := c.StartSync(t.Context(), faulttest.ID)
				if err != nil {
					t.Fatal(err)
				}
				s.Gets = nil
				var seen []*vpptoken.VPPToken
				got, err := c.WaitSync(
					anHour(t), started, vpptoken.PollEvery(10*time.Second),
					vpptoken.OnPoll(func(p *vpptoken.VPPToken) { seen = append(seen, p) }),
				)
				if tc.failed != errors.Is(err, vpptoken.ErrSyncFailed) || !tc.failed && err != nil {
					t.Errorf("got %v", err)
				}
				if got == nil || len(seen) == 0 || seen[len(seen)-1] != got {
					t.Fatalf("got %v, which is not the last token seen", got)
				}
				want := vpptoken.SyncStatusCompleted
				if tc.failed {
					want = vpptoken.SyncStatusFailed
				}
				if got.LastSyncStatus != want || !tc.failed &&
					!got.LastSyncDateTime.Equal(time.Date(2026, 11, 20, 20, 0, 0, 0, time.UTC)) {
					t.Errorf("got status %s of %v", got.LastSyncStatus, got.LastSyncDateTime)
				}
				if took := time.Since(s.Start); took != tc.ends || len(s.Gets) != tc.polls || len(seen) != tc.polls {
					t.Errorf("took %v, %d reads, %d polls; want %v and %d",
						took, len(s.Gets), len(seen), tc.ends, tc.polls)
				}
				if tc.failed {
					checkSyncFailed(t, err)
				}
			})
		})
	}
}

func checkSyncFailed(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*vpptoken.Error](err)
	if !ok || vpptoken.Retryable(err) {
		t.Fatalf("%T %v, Retryable %v", err, err, vpptoken.Retryable(err))
	}
	if !strings.HasPrefix(err.Error(), "vpptoken: waitSync: ") || !strings.Contains(err.Error(), "invalid") ||
		e.Op != "waitSync" {
		t.Errorf("%q does not say what to look at", err)
	}
}

func TestWaitSyncEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, s := faulttest.NewIntune(t, at(0, vpptoken.SyncStatusInProgress, before))
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		got, err := c.WaitSync(ctx, &vpptoken.Sync{
			TokenID:              faulttest.ID,
			PreviousSyncDateTime: time.Now().AddDate(100, 0, 0),
		})
		if got == nil || got.ID != faulttest.ID {
			t.Errorf("got %v, want the last token seen", got)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "still running") {
			t.Errorf("got %v, want an error that says that the sync is still running", err)
		}
		if _, ok := errors.AsType[*vpptoken.Error](err); !ok || time.Since(s.Start) != 40*time.Second {
			t.Errorf("got %T after %v", err, time.Since(s.Start))
		}
		want := []time.Duration{0, 15 * time.Second, 30 * time.Second}
		if diff := cmp.Diff(want, s.Gets); diff != "" {
			t.Errorf("polls without PollEvery (-want +got):\n%s", diff)
		}
	})
}

func TestWaitSyncCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := faulttest.NewIntune(t, at(0, vpptoken.SyncStatusInProgress, before))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Minute)
			cancel()
		}()
		got, err := c.WaitSync(ctx, &vpptoken.Sync{TokenID: faulttest.ID})
		if got == nil || !errors.Is(err, context.Canceled) || vpptoken.Retryable(err) {
			t.Errorf("got %v, %v, Retryable %v", got, err, vpptoken.Retryable(err))
		}
		if err == nil || !strings.Contains(err.Error(), "still running") {
			t.Errorf("got %v, want an error that says that the sync is still running", err)
		}
	})
}

func TestWaitSyncReturnsTheLastTokenWithAnyError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Item,
			faulttest.Respond(200,
				`{"id":"`+faulttest.ID+`","lastSyncStatus":"inProgress"}`).Then(faulttest.Respond(404, "")))
		got, err := c.WaitSync(anHour(t), &vpptoken.Sync{TokenID: faulttest.ID})
		if got == nil || got.LastSyncStatus != vpptoken.SyncStatusInProgress || !errors.Is(err, vpptoken.ErrNotFound) {
			t.Errorf("got %v, %v", got, err)
		}
		if strings.Contains(err.Error(), "still running") {
			t.Errorf("nobody knows that: %v", err)
		}
		got, err = c.WaitSync(anHour(t), &vpptoken.Sync{TokenID: faulttest.ID})
		if got != nil || !errors.Is(err, vpptoken.ErrNotFound) {
			t.Errorf("got %v, %v, and no token was seen", got, err)
		}
	})
}

// Another process waits for the sync that this one started.
func TestSyncTravelsAsJSON(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, s := faulttest.NewIntune(t, at(0, vpptoken.SyncStatusCompleted, before),
			at(time.Minute, vpptoken.SyncStatusCompleted, after))
		started, err := c.StartSync(t.Context(), faulttest.ID)
		if err != nil {
			t.Fatal(err)
		}
		var other vpptoken.Sync
		if err := json.Unmarshal([]byte(encode(t, started)), &other); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(*started, other); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		got, err := c.WaitSync(anHour(t), &other)
		if err != nil || got.LastSyncDateTime.Hour() != 20 || time.Since(s.Start) != time.Minute {
			t.Errorf("got %v, %v after %v", got, err, time.Since(s.Start))
		}
	})
	var zero vpptoken.Sync
	if err := json.Unmarshal([]byte(encode(t, vpptoken.Sync{TokenID: "1"})), &zero); err != nil ||
		!zero.PreviousSyncDateTime.IsZero() {
		t.Errorf("a token that was never synced: %v, %v", zero, err)
	}
}
