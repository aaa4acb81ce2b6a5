package vpptoken_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// intune shows a token whose sync goes on while time passes: looks, each from its time after the start.
type intune struct {
	mu    sync.Mutex
	start time.Time
	looks []look
	gets  []time.Duration
	posts []time.Duration

	refuse    int    // what a POST is answered, when not 0
	afterPost []look // take the place of looks then, when there are any
}

type look struct {
	from   time.Duration
	status vpptoken.SyncStatus
	synced string // lastSyncDateTime
}

const (
	before = "2026-11-20T08:00:00.1234567Z"
	after  = "2026-11-20T20:00:00Z"
)

func newIntune(t *testing.T, looks ...look) (*vpptoken.Client, *intune) {
	t.Helper()
	c, mock := faulttest.Mock(t)
	s := &intune{start: time.Now(), looks: looks}
	mock.RegisterResponder("GET", faulttest.Item, s.answer(&s.gets))
	mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses", s.post)
	return c, s
}

func (s *intune) post(r *http.Request) (*http.Response, error) {
	resp, err := s.answer(&s.posts)(r)
	if s.afterPost != nil {
		s.looks = s.afterPost
	}
	if s.refuse != 0 {
		resp.StatusCode = s.refuse
	}
	if s.refuse == http.StatusNoContent {
		resp.Body = http.NoBody
	}
	return resp, err
}

func (s *intune) answer(log *[]time.Duration) httpmock.Responder {
	return func(*http.Request) (*http.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		now := time.Since(s.start)
		*log = append(*log, now)
		var at look
		for _, l := range s.looks {
			if l.from <= now {
				at = l
			}
		}
		body := fmt.Sprintf(`{"id":%q,"state":"invalid","lastSyncStatus":%q,"lastSyncDateTime":%q}`, faulttest.ID, at.status, at.synced)
		return httpmock.NewStringResponse(http.StatusOK, body), nil
	}
}

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
		c, s := newIntune(t, look{0, vpptoken.SyncStatusCompleted, before})
		got, err := c.StartSync(t.Context(), faulttest.ID)
		if err != nil {
			t.Fatal(err)
		}
		want := &vpptoken.Sync{
			TokenID: faulttest.ID, RequestedAt: time.Now(), PreviousSyncDateTime: time.Date(2026, 11, 20, 8, 0, 0, 123456700, time.UTC),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(s.gets) != 1 || len(s.posts) != 1 {
			t.Errorf("%d GET and %d POST", len(s.gets), len(s.posts))
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

// A sync that was started is not lost because of what came back with it: nothing of the answer is needed to wait.
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
		if sync, err := c.StartSync(t.Context(), faulttest.ID); err != nil || sync.TokenID != faulttest.ID || reads != 1 {
			t.Errorf("%+v, %v after %d reads", sync, err, reads)
		}
	}
}

// F14: a sync is asked for while one is under way, and the service joins it or refuses, in one of the ways that were met.
func TestF14AdoptsTheRunningSync(t *testing.T) {
	t.Parallel()
	running := look{0, vpptoken.SyncStatusInProgress, before}
	idle := look{0, vpptoken.SyncStatusCompleted, before}
	for name, tc := range map[string]struct {
		first, then look
		status      int // of the answer to the POST
		adopted     bool
	}{
		"joined":                     {running, running, 200, true},
		"joined, an empty answer":    {running, running, 204, true},
		"429":                        {running, running, 429, true},
		"409":                        {running, running, 409, true},
		"400":                        {running, running, 400, true},
		"429, begun since the look":  {idle, running, 429, true},
		"409, begun since the look":  {idle, running, 409, true},
		"400, begun since the look":  {idle, running, 400, true},
		"429, none is under way":     {idle, idle, 429, false},
		"409, none is under way":     {idle, idle, 409, false},
		"400, none is under way":     {idle, idle, 400, false},
		"429, the other one is over": {running, idle, 429, false},
		"403":                        {running, running, 403, false},
		"404":                        {running, running, 404, false},
		"500":                        {running, running, 500, false},
		"422":                        {running, running, 422, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, s := newIntune(t, tc.first)
				s.refuse, s.afterPost = tc.status, []look{tc.then}
				var m vpptoken.Metadata
				got, err := c.StartSync(t.Context(), faulttest.ID, vpptoken.WithMetadata(&m))
				if !tc.adopted {
					e, ok := errors.AsType[*vpptoken.Error](err)
					if got != nil || !ok || e.StatusCode != tc.status || e.Op != "syncLicenses" || m.StatusCode != tc.status {
						t.Errorf("got %v, %v, status %d", got, err, m.StatusCode)
					}
					return
				}
				want := &vpptoken.Sync{
					TokenID: faulttest.ID, PreviousSyncDateTime: time.Date(2026, 11, 20, 8, 0, 0, 123456700, time.UTC), Adopted: true,
				}
				if err != nil || m.StatusCode != tc.status {
					t.Fatalf("got %v, %v, status %d", got, err, m.StatusCode)
				}
				got.RequestedAt = time.Time{}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// F14: when the look after a refusal fails, what is known is the refusal.
func TestF14CannotLook(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, `{"id":"`+faulttest.ID+`","lastSyncStatus":"inProgress"}`).Then(faulttest.Respond(403, "")))
	mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses", faulttest.Respond(409, ""))
	if s, err := c.StartSync(t.Context(), faulttest.ID); s != nil || !errors.Is(err, vpptoken.ErrConflict) {
		t.Errorf("got %v, %v", s, err)
	}
}

// F14: an adopted sync is waited for like any other, and its inProgress was seen: a failed after it is final.
func TestF14WaitsForTheAdopted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		looks  []look
		failed bool
		ends   time.Duration
	}{
		"completes":              {[]look{{0, vpptoken.SyncStatusInProgress, before}, {25 * time.Second, vpptoken.SyncStatusCompleted, after}}, false, 30 * time.Second},
		"failed before the wait": {[]look{{0, vpptoken.SyncStatusFailed, before}}, true, 0},
		"the old completed":      {[]look{{0, vpptoken.SyncStatusCompleted, before}, {25 * time.Second, vpptoken.SyncStatusCompleted, after}}, false, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, s := newIntune(t, tc.looks...)
				adopted := &vpptoken.Sync{TokenID: faulttest.ID, PreviousSyncDateTime: time.Date(2026, 11, 20, 8, 0, 0, 123456700, time.UTC), Adopted: true}
				_, err := c.WaitSync(anHour(t), adopted)
				if tc.failed != errors.Is(err, vpptoken.ErrSyncFailed) || !tc.failed && err != nil || time.Since(s.start) != tc.ends {
					t.Errorf("got %v after %v", err, time.Since(s.start))
				}
			})
		})
	}
}

func TestWaitSync(t *testing.T) {
	t.Parallel()
	const never = "0001-01-01T00:00:00Z"
	for name, tc := range map[string]struct {
		looks  []look
		failed bool
		ends   time.Duration
		polls  int
	}{
		"the old completed is no end": {
			[]look{
				{0, vpptoken.SyncStatusCompleted, before},
				{25 * time.Second, vpptoken.SyncStatusInProgress, before},
				{55 * time.Second, vpptoken.SyncStatusCompleted, before},
				{65 * time.Second, vpptoken.SyncStatusCompleted, after},
			},
			false, 70 * time.Second, 8,
		},
		"inProgress was never seen":   {[]look{{0, vpptoken.SyncStatusCompleted, before}, {15 * time.Second, vpptoken.SyncStatusCompleted, after}}, false, 20 * time.Second, 3},
		"over at once":                {[]look{{0, vpptoken.SyncStatusCompleted, before}, {1, vpptoken.SyncStatusCompleted, after}}, false, 10 * time.Second, 2},
		"moved but still in progress": {[]look{{0, vpptoken.SyncStatusCompleted, before}, {5 * time.Second, vpptoken.SyncStatusInProgress, after}, {35 * time.Second, vpptoken.SyncStatusCompleted, after}}, false, 40 * time.Second, 5},
		"the first sync ever":         {[]look{{0, vpptoken.SyncStatusNone, never}, {5 * time.Second, vpptoken.SyncStatusCompleted, after}}, false, 10 * time.Second, 2},
		"the old failed is no end": {
			[]look{
				{0, vpptoken.SyncStatusFailed, before},
				{25 * time.Second, vpptoken.SyncStatusInProgress, before},
				{45 * time.Second, vpptoken.SyncStatusCompleted, after},
			},
			false, 50 * time.Second, 6,
		},
		"failed, the time moved": {[]look{{0, vpptoken.SyncStatusCompleted, before}, {5 * time.Second, vpptoken.SyncStatusFailed, after}}, true, 10 * time.Second, 2},
		"failed after inProgress, the time did not move": {
			[]look{
				{0, vpptoken.SyncStatusCompleted, before},
				{5 * time.Second, vpptoken.SyncStatusInProgress, before},
				{15 * time.Second, vpptoken.SyncStatusFailed, before},
			},
			true, 20 * time.Second, 3,
		},
		"an unknown status is no end": {
			[]look{
				{0, vpptoken.SyncStatusCompleted, before}, {5 * time.Second, "paused", after}, {25 * time.Second, vpptoken.SyncStatusCompleted, after},
			},
			false, 30 * time.Second, 4,
		},
		"the time goes back": {
			[]look{
				{0, vpptoken.SyncStatusCompleted, before},
				{5 * time.Second, vpptoken.SyncStatusCompleted, "2026-11-19T08:00:00Z"},
				{15 * time.Second, vpptoken.SyncStatusCompleted, after},
			},
			false, 20 * time.Second, 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, s := newIntune(t, tc.looks...)
				started, err := c.StartSync(t.Context(), faulttest.ID)
				if err != nil {
					t.Fatal(err)
				}
				s.gets = nil
				var seen []*vpptoken.VPPToken
				got, err := c.WaitSync(
					anHour(t), started, vpptoken.PollEvery(10*time.Second), vpptoken.OnPoll(func(p *vpptoken.VPPToken) { seen = append(seen, p) }),
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
				if got.LastSyncStatus != want || !tc.failed && !got.LastSyncDateTime.Equal(time.Date(2026, 11, 20, 20, 0, 0, 0, time.UTC)) {
					t.Errorf("got status %s of %v", got.LastSyncStatus, got.LastSyncDateTime)
				}
				if took := time.Since(s.start); took != tc.ends || len(s.gets) != tc.polls || len(seen) != tc.polls {
					t.Errorf("took %v, %d reads, %d polls; want %v and %d", took, len(s.gets), len(seen), tc.ends, tc.polls)
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
	if !strings.HasPrefix(err.Error(), "vpptoken: waitSync: ") || !strings.Contains(err.Error(), "invalid") || e.Op != "waitSync" {
		t.Errorf("%q does not say what to look at", err)
	}
}

func TestWaitSyncEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, s := newIntune(t, look{0, vpptoken.SyncStatusInProgress, before})
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		got, err := c.WaitSync(ctx, &vpptoken.Sync{TokenID: faulttest.ID, PreviousSyncDateTime: time.Now().AddDate(100, 0, 0)})
		if got == nil || got.ID != faulttest.ID {
			t.Errorf("got %v, want the last token seen", got)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "still running") {
			t.Errorf("got %v, want an error that says that the sync is still running", err)
		}
		if _, ok := errors.AsType[*vpptoken.Error](err); !ok || time.Since(s.start) != 40*time.Second {
			t.Errorf("got %T after %v", err, time.Since(s.start))
		}
		want := []time.Duration{0, 15 * time.Second, 30 * time.Second}
		if diff := cmp.Diff(want, s.gets); diff != "" {
			t.Errorf("polls without PollEvery (-want +got):\n%s", diff)
		}
	})
}

func TestWaitSyncCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := newIntune(t, look{0, vpptoken.SyncStatusInProgress, before})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Minute)
			cancel()
		}()
		got, err := c.WaitSync(ctx, &vpptoken.Sync{TokenID: faulttest.ID})
		if got == nil || !errors.Is(err, context.Canceled) || vpptoken.Retryable(err) {
			t.Errorf("got %v, %v, Retryable %v", got, err, vpptoken.Retryable(err))
		}
	})
}

func TestWaitSyncReturnsTheLastTokenWithAnyError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, `{"id":"`+faulttest.ID+`","lastSyncStatus":"inProgress"}`).Then(faulttest.Respond(404, "")))
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

func TestWaitSyncRefusals(t *testing.T) {
	t.Parallel()
	good := &vpptoken.Sync{TokenID: faulttest.ID}
	for name, tc := range map[string]struct {
		sync *vpptoken.Sync
		opt  vpptoken.WaitOption
	}{
		"nil Sync":       {nil, vpptoken.PollEvery(time.Second)},
		"zero Sync":      {&vpptoken.Sync{}, vpptoken.PollEvery(time.Second)},
		"nil option":     {good, nil},
		"PollEvery(0)":   {good, vpptoken.PollEvery(0)},
		"PollEvery(-1s)": {good, vpptoken.PollEvery(-time.Second)},
		"OnPoll(nil)":    {good, vpptoken.OnPoll(nil)},
	} {
		c, mock := faulttest.Mock(t)
		got, err := c.WaitSync(t.Context(), tc.sync, tc.opt)
		if got != nil || err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") || mock.GetTotalCallCount() != 0 {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
		if _, ok := errors.AsType[*vpptoken.Error](err); ok {
			t.Errorf("%s: an *Error although nothing left the process", name)
		}
	}
}

// Another process waits for the sync that this one started.
func TestSyncTravelsAsJSON(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, s := newIntune(t, look{0, vpptoken.SyncStatusCompleted, before}, look{time.Minute, vpptoken.SyncStatusCompleted, after})
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
		if err != nil || got.LastSyncDateTime.Hour() != 20 || time.Since(s.start) != time.Minute {
			t.Errorf("got %v, %v after %v", got, err, time.Since(s.start))
		}
	})
	var zero vpptoken.Sync
	if err := json.Unmarshal([]byte(encode(t, vpptoken.Sync{TokenID: "1"})), &zero); err != nil || !zero.PreviousSyncDateTime.IsZero() {
		t.Errorf("a token that was never synced: %v, %v", zero, err)
	}
}
