package renew_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// onRealClock is the fake on the real clock, whose syncs take a moment.
func onRealClock(t *testing.T, opts ...vpptokentest.Option) (*service, *contenttoken.ContentToken, renew.Options) {
	t.Helper()
	s := newService(t, append([]vpptokentest.Option{
		vpptokentest.WithNow(time.Now), vpptokentest.WithSyncDuration(80 * time.Millisecond),
	}, opts...)...)
	s.Edit(s.id, func(t *vpptoken.VPPToken) { t.ExpirationDateTime = time.Now().AddDate(0, 0, 1) })
	return s, file(t, org, time.Now().AddDate(1, 0, 0)), renew.Options{PollEvery: 50 * time.Millisecond} // four of them are a grace
}

func (s *service) posts() int { return strings.Count(strings.Join(s.sent(), "\n"), "POST") }

// F34: a sync that was under way before the upload proves nothing, and ours would join it or be
// refused. So it is waited for.
func TestF34ForeignSync(t *testing.T) {
	t.Parallel()
	for _, refusal := range []int{0, http.StatusTooManyRequests, http.StatusConflict, http.StatusBadRequest} {
		for _, outcome := range []vpptokentest.SyncOutcome{
			vpptokentest.SyncCompletes, vpptokentest.SyncFails, vpptokentest.SyncFailsUnmoved,
		} {
			t.Run(fmt.Sprintf("%d/%v", refusal, outcome), func(t *testing.T) {
				t.Parallel()
				var opts []vpptokentest.Option
				if refusal != 0 {
					opts = append(opts, vpptokentest.WithSyncRefusal(refusal))
				}
				s, ct, o := onRealClock(t, opts...)
				s.NextSync(s.id, outcome)
				s.StartSync(s.id)
				_, err := s.client.Get(t.Context(), s.id) // from now on it shows
				ok(t, err)
				report, err := renew.Run(t.Context(), s.client, s.id, ct, o)
				ok(t, err)
				token, _ := s.Token(s.id)
				if !report.Verified || s.posts() != 1 || len(s.patches()) != 1 ||
					token.LastSyncStatus != vpptoken.SyncStatusCompleted {
					t.Errorf("%+v, sent %v", report, s.sent())
				}
			})
		}
	}
}

// F34: one that begins between our look and our request came after the upload: nobody waits for yet
// another.
func TestF34SyncBeginsWithOurs(t *testing.T) {
	t.Parallel()
	for _, refusal := range []int{0, http.StatusTooManyRequests, http.StatusConflict, http.StatusBadRequest} {
		opts := []vpptokentest.Option{vpptokentest.WithSyncDuration(time.Second)} // it must not end before our request
		if refusal != 0 {
			opts = append(opts, vpptokentest.WithSyncRefusal(refusal))
		}
		if refusal == http.StatusTooManyRequests {
			opts[0] = vpptokentest.WithSyncDuration(250 * time.Millisecond) // the client asks until it has ended
		}
		s, ct, o := onRealClock(t, opts...)
		p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, o)
		ok(t, err)
		ok(t, p.Apply(t.Context(), s.client, ct))
		var begin sync.Once
		s.answer.before = func(r *http.Request) {
			if r.Method == http.MethodPost {
				begin.Do(func() { s.StartSync(s.id) })
			}
		}
		ok(t, p.StartSync(t.Context(), s.client))
		// A 429 may as well mean too many requests: the client waits, and then starts its own.
		if p.Sync.Adopted != (refusal == http.StatusConflict || refusal == http.StatusBadRequest) {
			t.Errorf("refusal %d: %+v", refusal, p.Sync)
		}
		s.answer.before = nil
		report, err := another(t, p).Verify(t.Context(), s.client)
		ok(t, err)
		posts := 1
		if refusal == http.StatusTooManyRequests {
			posts = max(2, s.posts())
		}
		if !report.Verified || s.posts() != posts {
			t.Errorf("refusal %d: %+v, sent %v", refusal, report, s.sent())
		}
	}
}

// F34: somebody's sync begins just before the upload, shows only after our look, and ours joins it.
// It ends without a proof, so StartSync starts another, once.
func TestF34SyncThatNobodyCouldSee(t *testing.T) {
	t.Parallel()
	s, ct, o := onRealClock(t, vpptokentest.WithSyncDuration(time.Second)) // it must not end before our request
	p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, o)
	ok(t, err)
	somebody := s.Client()
	s.answer.before = func(r *http.Request) {
		if r.Method == http.MethodPatch {
			_, err := somebody.SyncLicenses(t.Context(), s.id)
			ok(t, err)
		}
	}
	ok(t, p.Apply(t.Context(), s.client, ct))
	s.answer.before = nil
	ok(t, p.StartSync(t.Context(), s.client))
	report, err := p.Verify(t.Context(), s.client)
	wantUnverified(t, report, err, nil)
	for range 2 {
		ok(t, p.StartSync(t.Context(), s.client))
		p = another(t, p)
	}
	report, err = p.Verify(t.Context(), s.client)
	ok(t, err)
	ok(t, p.StartSync(t.Context(), s.client)) // now there is a proof
	if !report.Verified || s.posts() != 3 {
		t.Errorf("report = %+v, sent %v", report, s.sent())
	}
}

// F34: the wait for another sync ends with its context, and says what it waited for.
func TestF34ForeignSyncNeverEnds(t *testing.T) {
	t.Parallel()
	s, ct, o := onRealClock(t)
	s.NextSync(s.id, vpptokentest.SyncNeverEnds)
	s.StartSync(s.id)
	_, err := s.client.Get(t.Context(), s.id)
	ok(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	report, err := renew.Run(ctx, s.client, s.id, ct, o)
	if report == nil || report.Verified || !errors.Is(err, renew.ErrNotVerified) ||
		!errors.Is(err, context.DeadlineExceeded) || s.posts() != 0 {
		t.Errorf("Run = %+v, %v, sent %v", report, err, s.sent())
	}
	checkLine(t, err)
}

// F34: a wait that is canceled for a reason ends with both.
func TestF34CanceledWhileAForeignSyncRuns(t *testing.T) {
	t.Parallel()
	s, ct, o := onRealClock(t)
	s.NextSync(s.id, vpptokentest.SyncNeverEnds)
	s.StartSync(s.id)
	shutdown := errors.New("shutdown")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(2*time.Second, func() { cancel(shutdown) })
	_, err := renew.Run(ctx, s.client, s.id, ct, o)
	if !errors.Is(err, renew.ErrNotVerified) || !errors.Is(err, context.Canceled) || !errors.Is(err, shutdown) {
		t.Errorf("Run: %v", err)
	}
	checkLine(t, err)
}

// F35: a sync that failed is started again, whether it moved its date or not, and whether Verify
// saw it or a crash came before.
func TestF35FailedSync(t *testing.T) {
	t.Parallel()
	const fast, slow = 0, 80 * time.Millisecond // a fast one ends between two looks
	for _, takes := range []time.Duration{fast, slow} {
		for _, outcome := range []vpptokentest.SyncOutcome{vpptokentest.SyncFails, vpptokentest.SyncFailsUnmoved} {
			for _, before := range []vpptoken.SyncStatus{vpptoken.SyncStatusCompleted, vpptoken.SyncStatusFailed} {
				t.Run(fmt.Sprintf("%v, outcome %d after %s", takes, outcome, before), func(t *testing.T) {
					t.Parallel()
					testFailedSync(t, takes, outcome, before, false)
					testFailedSync(t, takes, outcome, before, true)
				})
			}
		}
	}
}

func testFailedSync(
	t *testing.T, takes time.Duration, outcome vpptokentest.SyncOutcome, before vpptoken.SyncStatus, seen bool,
) {
	t.Helper()
	s, ct, o := onRealClock(t, vpptokentest.WithSyncDuration(takes))
	s.Edit(s.id, func(t *vpptoken.VPPToken) { t.LastSyncStatus = before })
	s.NextSync(s.id, outcome)
	p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, o)
	ok(t, err)
	ok(t, p.Apply(t.Context(), s.client, ct))
	ok(t, p.StartSync(t.Context(), s.client))
	if seen {
		for range 2 { // also once more, when it is over
			report, err := p.Verify(t.Context(), s.client)
			wantUnverified(t, report, err, vpptoken.ErrSyncFailed)
			p = another(t, p)
		}
	} else {
		time.Sleep(takes + 20*time.Millisecond)
	}
	for range 2 { // the second one leaves the new sync alone
		ok(t, p.StartSync(t.Context(), s.client))
		p = another(t, p)
	}
	report, err := p.Verify(t.Context(), s.client)
	ok(t, err)
	if !report.Verified || s.posts() != 2 {
		t.Errorf("seen %v: %+v, sent %v", seen, report, s.sent())
	}
}

// F35: what a look shows some time after StartSync decides whether another sync is needed, and
// when.
func TestF35LooksAfterASync(t *testing.T) {
	t.Parallel()
	const (
		before, after, later = "2026-11-20T08:00:00Z", "2026-11-20T20:00:00Z", "2026-11-21T08:00:00Z"

		completed, failed = vpptoken.SyncStatusCompleted, vpptoken.SyncStatusFailed
		running           = vpptoken.SyncStatusInProgress
	)
	at := faulttest.At
	for name, tt := range map[string]struct {
		first  faulttest.Look
		then   []faulttest.Look // after the request of the sync
		refuse int
		verify bool            // it sees the sync fail, after 10 s
		want   []time.Duration // when syncs were requested: at once, and after 20 s and what it takes to be certain
	}{
		"the failed sync from before still shows": {
			at(0, failed, before),
			[]faulttest.Look{at(0, failed, before), at(60*time.Second, running, before)},
			0, false,
			[]time.Duration{0},
		},
		"the failed sync has another date": {
			at(0, failed, before),
			[]faulttest.Look{at(5*time.Second, failed, after)},
			0, false,
			[]time.Duration{0, 20 * time.Second},
		},
		"the failed sync was joined": {
			at(0, failed, before),
			[]faulttest.Look{at(0, running, before), at(5*time.Second, failed, before)},
			http.StatusConflict, true,
			[]time.Duration{0, 20 * time.Second},
		},
		"the failed sync was joined, and nobody saw it end": {
			at(0, failed, before),
			[]faulttest.Look{at(0, running, before), at(5*time.Second, failed, before)},
			http.StatusConflict, false,
			[]time.Duration{0, 20 * time.Second},
		},
		"another sync completed since": {
			at(0, completed, before),
			[]faulttest.Look{at(0, failed, after), at(15*time.Second, completed, later)},
			0, true,
			[]time.Duration{0},
		},
		"the old completed shows again": {
			at(0, completed, before),
			[]faulttest.Look{at(0, failed, before), at(15*time.Second, completed, before)},
			0, true,
			[]time.Duration{0, 20 * time.Second},
		},
		"another sync runs": {
			at(0, completed, before),
			[]faulttest.Look{at(0, failed, after), at(15*time.Second, running, after)},
			0, true,
			[]time.Duration{0, 20 * time.Second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, s := faulttest.NewIntune(t, tt.first)
				s.AfterPost, s.Refuse = tt.then, tt.refuse
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				read := &vpptoken.VPPToken{
					ID: faulttest.ID, OrganizationName: org, ExpirationDateTime: expires, State: vpptoken.StateValid,
				}
				p, err := renew.PlanFor(read, file(t, org, expires), options())
				ok(t, err)
				ok(t, p.StartSync(ctx, c))
				time.Sleep(10 * time.Second)
				if tt.verify {
					report, err := p.Verify(ctx, c)
					wantUnverified(t, report, err, vpptoken.ErrSyncFailed)
				}
				time.Sleep(time.Until(s.Start.Add(20 * time.Second)))
				s.AfterPost = nil
				p = another(t, p)
				err = p.StartSync(ctx, c)
				if err != nil && tt.refuse == 0 {
					t.Error(err)
				}
				if diff := cmp.Diff(tt.want, s.Posts); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				if len(s.Posts) == 2 && err == nil && p.Sync.Adopted != (name == "another sync runs") {
					t.Errorf("sync = %+v", p.Sync)
				}
			})
		})
	}
}

// A sync that the service accepted with an empty answer is started, even if the token can't be read
// afterward.
func TestSyncAcceptedButNotReadable(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusAccepted, http.StatusNoContent} {
		s := newService(t)
		ct := file(t, org, expires)
		p := s.plan(t, ct)
		ok(t, p.Apply(t.Context(), s.client, ct))
		s.Fail(vpptokentest.Fault{Method: http.MethodGet},
			vpptokentest.Fault{Method: http.MethodPost, Status: status, AfterEffect: true},
			vpptokentest.Fault{Method: http.MethodGet, Status: http.StatusForbidden})
		if err := p.StartSync(t.Context(), s.client); err != nil || p.Sync == nil || s.posts() != 1 {
			t.Errorf("%d: %v, sync %+v, sent %v", status, err, p.Sync, s.sent())
		}
		report, err := p.Verify(t.Context(), s.client)
		ok(t, err)
		if !report.Verified {
			t.Errorf("%d: %+v", status, report)
		}
	}
}

// A sync that was accepted is one whatever status and body said so: the token in the answer proves
// nothing anyway.
func TestF08AnySuccessStartsTheSync(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 202, 204} {
		s := newService(t)
		ct := file(t, org, expires)
		p := s.plan(t, ct)
		ok(t, p.Apply(t.Context(), s.client, ct))
		s.Fail(vpptokentest.Fault{Method: "POST", Status: status, Body: `{"id":`, AfterEffect: true})
		if err := p.StartSync(t.Context(), s.client); err != nil || p.Sync == nil {
			t.Errorf("%d: %v, sync %v", status, err, p.Sync)
		}
	}
}

// A page of a proxy's is no success of the service's, however its type is written.
func TestF08PageOfAProxy(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text/html", "Text/HTML; charset=utf-8", "application/XHTML+xml"} {
		s := newService(t)
		ct := file(t, org, expires)
		p := s.plan(t, ct)
		ok(t, p.Apply(t.Context(), s.client, ct))
		s.Fail(vpptokentest.Fault{
			Method: "POST", Status: 200, Header: http.Header{"Content-Type": {kind}}, Body: "<html>Sign in</html>",
		})
		if err := p.StartSync(t.Context(), s.client); err == nil || p.Sync != nil {
			t.Errorf("%s: %v, sync %v", kind, err, p.Sync)
		}
	}
}
