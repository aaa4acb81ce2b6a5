package renew_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/renew"
)

const walkID = "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c"

// TestF34CrashWalk renews again and again while requests and answers are lost, processes die
// between and within the steps, jobs come twice and late, others start syncs, and syncs fail in
// both ways. No renewal is ever called verified that is not, nothing is sent that was not planned,
// and once the faults stop every renewal is verified. The long walk is
//
//	RENEW_WALKS=20000 go test ./renew -run CrashWalk
func TestF34CrashWalk(t *testing.T) {
	t.Parallel()
	walks := 400
	if text := os.Getenv("RENEW_WALKS"); text != "" {
		n, err := strconv.Atoi(text)
		ok(t, err)
		walks = n
	}
	seed := rand.Uint64()
	if text := os.Getenv("RENEW_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		ok(t, err)
		seed = n
	}
	const lanes = 4
	for lane := range lanes {
		t.Run(strconv.Itoa(lane), func(t *testing.T) {
			t.Parallel()
			total := walkCount{}
			for i := lane; i < walks; i += lanes {
				synctest.Test(t, func(t *testing.T) {
					w := newWalk(t, rand.New(rand.NewPCG(seed, uint64(i))))
					if w.IntN(3) == 0 {
						w.fresh()
					} else {
						w.jobs()
					}
					total.add(w)
				})
				if t.Failed() {
					t.Fatalf("walk %d: RENEW_SEED=%d", i, seed)
				}
			}
			t.Logf("%+v", total)
			if total.Renewals >= 1000 &&
				(total.Crashes == 0 || total.Foreign == 0 || total.Refused == 0 || total.Unverified == 0) {
				t.Errorf("the walk did not meet all that it should: %+v", total)
			}
		})
	}
}

// walkCount tells what a walk has met.
type walkCount struct{ Renewals, Steps, Requests, Crashes, Unverified, Refused, Foreign int }

func (n *walkCount) add(w *walk) {
	n.Renewals++
	n.Steps += w.count.Steps
	n.Requests += w.requests
	n.Crashes += w.count.Crashes
	n.Unverified += w.count.Unverified
	n.Refused += w.count.Refused
	if w.others {
		n.Foreign++
	}
}

// walk is one renewal, on a service of its own.
type walk struct {
	*walkService
	t     *testing.T
	ct    *contenttoken.ContentToken
	wrong *contenttoken.ContentToken // same organization and expiry
	o     renew.Options
	count walkCount
}

func newWalk(t *testing.T, r *rand.Rand) *walk {
	t.Helper()
	now := time.Now().UTC()
	expires := now.AddDate(1, 0, 0).Truncate(time.Second)
	w := &walk{t: t, ct: file(t, org, expires), wrong: file(t, org, expires.In(time.FixedZone("", 3600)))}
	w.walkService = &walkService{
		Rand:    r,
		refusal: []int{0, 0, 400, 409, 429}[r.IntN(5)], showsAtOnce: r.IntN(2) == 0, validAtOnce: r.IntN(2) == 0,
		repaints: r.IntN(2) == 0, lags: r.IntN(2) == 0,
		text: "the old file", ours: w.ct.Secret().Reveal(),
		expiry: map[string]time.Time{
			"the old file": now.AddDate(0, 0, 7), w.ct.Secret().Reveal(): expires,
			"the file of another administrator": expires.AddDate(0, 0, 1),
		},
		state:  []string{"valid", "valid", "expired", "invalid"}[r.IntN(4)],
		status: []string{"completed", "failed"}[r.IntN(2)],
		shown:  now.AddDate(0, 0, 7), synced: now.Add(-time.Hour), others: r.IntN(10) == 0,
	}
	w.body = `{"token":"` + w.ours + `"}`
	if r.IntN(3) == 0 {
		w.o.With = vpptoken.NewPatch().SetAutomaticallyUpdateApps(false) // the token shows false already
	}
	if w.o.With != nil {
		w.body = `{"token":"` + w.ours + `","automaticallyUpdateApps":false}`
	}
	return w
}

// process runs f as a process of its own, which may die; then what it did is lost with it.
func (w *walk) process(f func(ctx context.Context, c *vpptoken.Client)) (died bool) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Minute)
	defer cancel()
	w.crash, w.crashed = cancel, false
	c, err := vpptoken.NewClient(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "bearer"}),
		vpptoken.WithBaseURL("http://127.0.0.1:1"), vpptoken.WithHTTPClient(&http.Client{Transport: w.walkService}))
	ok(w.t, err)
	w.count.Steps++
	f(ctx, c)
	if w.crashed = w.crashed || w.chance(5); w.crashed {
		w.count.Crashes++
	}
	return w.crashed
}

// settled judges the end of a step. It is true when the renewal is over.
func (w *walk) settled(report *renew.Report, err error) bool {
	w.t.Helper()
	if len(w.faults) > 0 {
		w.t.Fatalf("%v", w.faults)
	}
	if err == nil && report != nil {
		if !report.Verified || !w.lookIsProof {
			w.t.Fatalf("report = %+v, and it is proved: %v", report, w.lookIsProof)
		}
		return true
	}
	for _, refusal := range []error{
		renew.ErrExpired, renew.ErrOtherOrganization, renew.ErrOtherLocation, renew.ErrOtherFile,
	} {
		if errors.Is(err, refusal) {
			w.t.Fatalf("err = %v", err)
		}
	}
	if errors.Is(err, renew.ErrEarlierExpiry) && !errors.Is(err, renew.ErrNotVerified) {
		if w.count.Refused++; !w.others {
			w.t.Fatalf("err = %v", err)
		}
		return true
	}
	if errors.Is(err, renew.ErrNotVerified) {
		w.count.Unverified++
	}
	return false
}

// over ends the faults after a while, and fails a renewal that is still not verified long after
// that.
func (w *walk) over(round int) bool {
	const faulty, most = 14, 30
	w.calm = w.calm || round >= faulty
	if round < most {
		return false
	}
	if !w.others {
		w.t.Fatal("not verified, although nothing fails any more")
	}
	return true
}

// fresh runs the whole again and again.
func (w *walk) fresh() {
	for round := 0; !w.over(round); round++ {
		var report *renew.Report
		var err error
		uploads, there := w.uploads, w.shown.Equal(w.expiry[w.ours])
		died := w.process(func(ctx context.Context, c *vpptoken.Client) {
			report, err = renew.Run(ctx, c, walkID, w.ct, w.o)
		})
		if more := w.uploads - uploads; more > 1 || there && more > 0 && !w.others && !w.repaints {
			w.t.Fatalf("%d uploads, the expiry was there: %v", more, there)
		}
		if w.settled(report, err) && !died {
			return
		}
	}
}

// job is a step that is waiting to be run, with the plan in JSON.
type job struct {
	step renew.Step
	plan []byte
}

// jobs runs the steps one by one.
func (w *walk) jobs() {
	queue := []job{{step: renew.StepPlan}}
	for round := 0; !w.over(round); round++ {
		at := len(queue) - 1
		if w.chance(5) {
			at = w.IntN(len(queue)) // one that came before, once more
		}
		next, end := w.job(queue[at])
		if end {
			return
		}
		if next.step != "" {
			queue = append(queue, next)
		}
	}
}

// job runs one job and returns the one that follows it.
func (w *walk) job(j job) (next job, end bool) {
	p := new(renew.Plan)
	if j.plan != nil {
		ok(w.t, json.Unmarshal(j.plan, p))
	}
	var report *renew.Report
	var err error
	uploads, syncs := w.uploads, w.syncs
	died := w.process(func(ctx context.Context, c *vpptoken.Client) {
		switch j.step {
		case renew.StepPlan:
			p, err = renew.MakePlan(ctx, c, walkID, w.ct, w.o)
			next.step = renew.StepApply
		case renew.StepApply:
			w.wrongFile(ctx, c, p)
			err = p.Apply(ctx, c, w.ct)
			next.step = renew.StepSync
		case renew.StepSync:
			err = p.StartSync(ctx, c)
			next.step = renew.StepVerify
		case renew.StepVerify:
			report, err = p.Verify(ctx, c)
			next.step = renew.StepSync // when it is not verified
		}
	})
	moreUploads, moreSyncs := w.uploads-uploads, w.syncs-syncs
	if moreUploads > 1 || moreUploads > 0 && j.step != renew.StepApply || moreSyncs > 1 ||
		moreSyncs > 0 && j.step != renew.StepSync {
		w.t.Fatalf("%s: %d uploads, %d syncs", j.step, moreUploads, moreSyncs)
	}
	switch end := w.settled(report, err); {
	case died:
		return job{}, false
	case end:
		return job{}, true
	case err != nil && j.step != renew.StepVerify:
		next.step = j.step
	}
	if p != nil && j.step != "" && next.step != renew.StepPlan {
		next.plan, err = json.Marshal(p)
		ok(w.t, err)
	}
	return next, false
}

// wrongFile is what a mixed up directory gives Apply: nothing is sent.
func (w *walk) wrongFile(ctx context.Context, c *vpptoken.Client, p *renew.Plan) {
	sent := w.requests
	if w.chance(10) && !errors.Is(p.Apply(ctx, c, w.wrong), renew.ErrOtherFile) || w.requests != sent {
		w.t.Fatal("another file was taken")
	}
}
