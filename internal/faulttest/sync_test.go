package faulttest_test

import (
	"context"
	"errors"
	"net/http"
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

// F14: a sync is asked for while one is under way, and the service joins it or refuses, in one of
// the ways that were met.
func TestF14AdoptsTheRunningSync(t *testing.T) {
	t.Parallel()
	running := faulttest.At(0, vpptoken.SyncStatusInProgress, before)
	idle := faulttest.At(0, vpptoken.SyncStatusCompleted, before)
	for name, tc := range map[string]struct {
		first, then faulttest.Look
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
				c, s := faulttest.NewIntune(t, tc.first)
				s.Refuse, s.AfterPost = tc.status, []faulttest.Look{tc.then}
				var m vpptoken.Metadata
				got, err := c.StartSync(t.Context(), faulttest.ID, vpptoken.WithMetadata(&m))
				if !tc.adopted {
					e, ok := errors.AsType[*vpptoken.Error](err)
					if got != nil || !ok || e.StatusCode != tc.status || e.Op != "syncLicenses" ||
						m.StatusCode != tc.status {
						t.Errorf("got %v, %v, status %d", got, err, m.StatusCode)
					}
					return
				}
				want := &vpptoken.Sync{
					TokenID: faulttest.ID, PreviousSyncDateTime: time.Date(2026, 11, 20, 8, 0, 0, 123456700, time.UTC),
					Adopted: true,
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

// F14: a 429 may be about the sync that is under way or about too many requests, so the token is
// read before another request is made. A 429 that names a wait holds the client all the same.
func TestF14NoTimeIsLost(t *testing.T) {
	t.Parallel()
	const running, idle = vpptoken.SyncStatusInProgress, vpptoken.SyncStatusCompleted
	for name, tc := range map[string]struct {
		first, then vpptoken.SyncStatus
		retryAfter  string
		posts       int
		waits       bool
		adopted     bool
	}{
		"running":             {running, running, "", 1, false, true},
		"running, and a wait": {running, running, "7", 1, true, true},
		"begins after a look": {idle, running, "", 1, false, true},
		"none runs":           {idle, idle, "", 2, true, false},
		"none runs, a wait":   {idle, idle, "7", 2, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, mock := faulttest.Mock(t)
				read := func(status vpptoken.SyncStatus) httpmock.Responder {
					return faulttest.Respond(200, `{"id":"`+faulttest.ID+`","lastSyncStatus":"`+string(status)+`"}`)
				}
				mock.RegisterResponder("GET", faulttest.Item, read(tc.first).Then(read(tc.then)))
				posts := 0
				mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses",
					func(r *http.Request) (*http.Response, error) {
						if posts++; posts == 2 {
							return faulttest.Respond(200, `{"id":"`+faulttest.ID+`"}`)(r)
						}
						resp, err := faulttest.Respond(429, "{}")(r)
						if tc.retryAfter != "" {
							resp.Header.Set("Retry-After", tc.retryAfter)
						}
						return resp, err
					})
				start := time.Now()
				s, err := c.StartSync(t.Context(), faulttest.ID)
				if err != nil || s.Adopted != tc.adopted {
					t.Fatalf("got %v, %v", s, err)
				}
				took := time.Since(start)
				if posts != tc.posts || tc.retryAfter != "" && took < 7*time.Second || !tc.waits && took > 0 {
					t.Errorf("%d requests in %v", posts, took)
				}
			})
		})
	}
}

// F17: a throttling 500 holds StartSync as it does every call, and is repeated unless the token
// then shows a sync under way.
func TestF17SyncIsThrottledByA500(t *testing.T) {
	t.Parallel()
	const limit = `{"error":{"code":"InternalError","message":"Rate limit reached because of too many requests."}}`
	for status, posts := range map[vpptoken.SyncStatus]int{
		vpptoken.SyncStatusCompleted: 2, vpptoken.SyncStatusInProgress: 1,
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, mock := faulttest.Mock(t)
				mock.RegisterResponder("GET", faulttest.Item,
					faulttest.Respond(200, `{"id":"`+faulttest.ID+`","lastSyncStatus":"`+string(status)+`"}`))
				n := 0
				mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses", func(r *http.Request) (*http.Response, error) {
					if n++; n == 1 {
						return faulttest.Respond(500, limit)(r)
					}
					return faulttest.Respond(200, `{"id":"`+faulttest.ID+`"}`)(r)
				})
				start := time.Now()
				s, err := c.StartSync(t.Context(), faulttest.ID)
				if err != nil || s.Adopted != (posts == 1) || n != posts || time.Since(start) == 0 {
					t.Errorf("got %v, %v after %d requests in %v", s, err, n, time.Since(start))
				}
			})
		})
	}
}

// F14: a client that makes no second request makes none here either.
func TestF14NoRetry(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
	mock.RegisterResponder("GET", faulttest.Item,
		faulttest.Respond(200, `{"id":"`+faulttest.ID+`","lastSyncStatus":"completed"}`))
	posts := 0
	mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses", func(r *http.Request) (*http.Response, error) {
		posts++
		return faulttest.Respond(429, "{}")(r)
	})
	s, err := c.StartSync(t.Context(), faulttest.ID)
	if s != nil || !errors.Is(err, vpptoken.ErrThrottled) || posts != 1 {
		t.Errorf("got %v, %v after %d requests", s, err, posts)
	}
}

// F14: when the look after a refusal fails, what is known is the refusal.
func TestF14CannotLook(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Item,
		faulttest.Respond(200,
			`{"id":"`+faulttest.ID+`","lastSyncStatus":"inProgress"}`).Then(faulttest.Respond(403, "")))
	mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses", faulttest.Respond(409, ""))
	if s, err := c.StartSync(t.Context(), faulttest.ID); s != nil || !errors.Is(err, vpptoken.ErrConflict) {
		t.Errorf("got %v, %v", s, err)
	}
}

// F14: an adopted sync is waited for like any other, and its inProgress was seen: a failed after it
// is final.
func TestF14WaitsForTheAdopted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		looks  []faulttest.Look
		failed bool
		ends   time.Duration
	}{
		"completes": {
			[]faulttest.Look{
				faulttest.At(0, vpptoken.SyncStatusInProgress, before),
				faulttest.At(25*time.Second, vpptoken.SyncStatusCompleted, after),
			},
			false, 30 * time.Second,
		},
		"failed before the wait": {
			[]faulttest.Look{
				faulttest.At(0, vpptoken.SyncStatusFailed, before),
			},
			true, 0,
		},
		"the old completed": {
			[]faulttest.Look{
				faulttest.At(0, vpptoken.SyncStatusCompleted, before),
				faulttest.At(25*time.Second, vpptoken.SyncStatusCompleted, after),
			},
			false, 30 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, s := faulttest.NewIntune(t, tc.looks...)
				adopted := &vpptoken.Sync{
					TokenID:              faulttest.ID,
					PreviousSyncDateTime: time.Date(2026, 11, 20, 8, 0, 0, 123456700, time.UTC), Adopted: true,
				}
				_, err := c.WaitSync(anHour(t), adopted)
				if tc.failed != errors.Is(err, vpptoken.ErrSyncFailed) || !tc.failed && err != nil ||
					time.Since(s.Start) != tc.ends {
					t.Errorf("got %v after %v", err, time.Since(s.Start))
				}
			})
		})
	}
}

// anHour bounds a wait that a defect would make endless: the time of a bubble costs nothing.
func anHour(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancel)
	return ctx
}
