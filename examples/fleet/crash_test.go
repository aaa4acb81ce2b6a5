package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/vpptoken/vpptoken/renew"
)

// TestCrashPoints ends a worker at each point of each step, and shows what the service and the
// queue got in the end. A message that its worker did not acknowledge is put back at once here,
// instead of waiting until the queue's patience ends.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step           renew.Step
		crash          string
		patches, syncs int
	}{
		"plan, before the publish":     {renew.StepPlan, "publish", 1, 1},
		"apply, before the publish":    {renew.StepApply, "publish", 2, 1}, // the same value once more
		"sync, before the publish":     {renew.StepSync, "publish", 1, 2},  // joins the first, or comes after it
		"verify, before the result":    {renew.StepVerify, "publish", 1, 1},
		"plan, before the ack":         {renew.StepPlan, "ack", 1, 1},
		"apply, before the ack":        {renew.StepApply, "ack", 1, 1},
		"sync, before the ack":         {renew.StepSync, "ack", 1, 1},
		"verify, before the ack":       {renew.StepVerify, "ack", 1, 1},
		"plan, by two workers at once": {renew.StepPlan, "two", 1, 1},
		"apply, by two workers":        {renew.StepApply, "two", 2, 1},
		"sync, by two workers":         {renew.StepSync, "two", 1, 2},
		"verify, by two workers":       {renew.StepVerify, "two", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			site := newSite(t, "a")
			q, _ := newQueue(t, time.Minute)
			s := settings{
				name: "w", attempts: 3, poll: 10 * time.Millisecond, syncTimeout: time.Minute,
				retryWait: time.Millisecond,
			}
			w := newWorker(s, q, site.tenants, newConsole(t.Output()))
			if err := q.publish(ctx, job{Run: "r", Tenant: "a", Step: renew.StepPlan}); err != nil {
				t.Fatal(err)
			}
			crashed, again := false, c.crash == "two" // nothing comes again there
			for done := false; !done; {
				msg, err := q.consumer.Next(jetstream.FetchContext(ctx))
				if err != nil {
					t.Fatal(err)
				}
				sent := len(site.graphs["a"].Requests())
				switch here := strings.HasSuffix(msg.Subject(), "."+string(c.step)); {
				case !here || crashed:
					if err := w.handle(ctx, msg); err != nil {
						t.Fatal(err)
					}
					again = again || here
					if here && c.crash == "ack" && len(site.graphs["a"].Requests()) != sent {
						t.Error("a step that was done is done again")
					}
				case c.crash == "two":
					crashed = true
					if err := errors.Join(w.handle(ctx, msg), w.handle(ctx, alsoHeld{msg})); err != nil {
						t.Fatal(err)
					}
				case c.crash == "ack":
					crashed = true
					if err := errors.Join(w.handle(ctx, alsoHeld{msg}), msg.Nak()); err != nil {
						t.Fatal(err)
					}
				default:
					crashed = true
					broken := *q
					broken.js, broken.results = brokenStream{q.js}, brokenBucket{q.results}
					w.queue = &broken
					if err := w.handle(ctx, msg); !errors.Is(err, errBroken) {
						t.Fatalf("handle: %v", err)
					}
					w.queue = q
					if err := msg.Nak(); err != nil {
						t.Fatal(err)
					}
				}
				_, err = q.results.Get(ctx, "r.a")
				done = err == nil && again
			}
			if got := site.count("a", http.MethodPatch, ""); got != c.patches {
				t.Errorf("%d PATCHes, want %d", got, c.patches)
			}
			if got := site.count("a", http.MethodPost, ""); got != c.syncs {
				t.Errorf("%d syncs, want %d", got, c.syncs)
			}
			checkQueue(ctx, t, q, 4, 1, site.secrets(t))
		})
	}
}

// alsoHeld is a message in the hands of a worker whose acknowledgement does not arrive.
type alsoHeld struct{ jetstream.Msg }

func (alsoHeld) Ack() error { return nil }

var errBroken = errors.New("the worker is gone")

type brokenStream struct{ jetstream.JetStream }

func (brokenStream) Publish(context.Context, string, []byte, ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	return nil, errBroken
}

type brokenBucket struct{ jetstream.KeyValue }

func (brokenBucket) Create(context.Context, string, []byte, ...jetstream.KVCreateOpt) (uint64, error) {
	return 0, errBroken
}

// TestAStepThatKillsItsWorkers ends with a result when its worker has died -attempts times.
func TestAStepThatKillsItsWorkers(t *testing.T) {
	t.Parallel()
	site := newSite(t, "a")
	q, _ := newQueue(t, time.Minute)
	w := newWorker(settings{name: "w", attempts: 2}, q, site.tenants, newConsole(t.Output()))
	if err := q.publish(t.Context(), job{Run: "r", Tenant: "a", Step: stepCheck}); err != nil {
		t.Fatal(err)
	}
	for delivery := range 3 {
		msg, err := q.consumer.Next(jetstream.FetchContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if delivery < 2 {
			err = msg.Nak()
		} else {
			err = w.handle(t.Context(), msg)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	entry, err := q.results.Get(t.Context(), "r.a")
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"tenant":"a","level":"unknown","error":"check: given up: 2 workers ended in it","worker":"w"}`
	if got := string(entry.Value()); got != want {
		t.Errorf("the result is %s, want %s", got, want)
	}
	if n := len(site.graphs["a"].Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
