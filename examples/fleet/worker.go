package main

// This file is a worker: it takes a step from the queue, does it, publishes the next step or the
// result, and acknowledges, in this order. A worker can be killed between any two of these:
//
//   - Before the step has acted: nothing has happened. The queue delivers the step again, to any
//     worker, when the first one has been silent for -ack-wait.
//   - After it has acted, before the publish: the step is done again. plan and verify only read.
//     update reads first, and has nothing left to send. apply sends the same PATCH with the same
//     value once more. sync starts another sync, because the first was not recorded: Intune joins
//     it to the running one, or syncs twice if that was over. Both are harmless: this is
//     at-least-once delivery.
//   - After the publish, before the acknowledgment: the worker that gets the step again sees that
//     the next one, or the result, exists, does nothing and acknowledges. If two workers publish
//     anyway, because one was merely slow, the stream drops a message with a known id, and the
//     bucket keeps the first result. So every tenant gets exactly one result.
//
// A worker that hangs instead of dying holds a lease on its step, which ends before the queue
// redelivers the step, and stops what the step was doing. Every poll of a running sync renews both.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/health"
	"github.com/vpptoken/vpptoken/renew"
)

type worker struct {
	settings
	queue   *queue
	lease   time.Duration
	tenants map[string]tenant
	con     *console

	mu      sync.Mutex
	clients map[string]*vpptoken.Client // by account, so that it signs in once and all its calls share its limits
}

// lease is how long a step may run without reporting.
func lease(ackWait time.Duration) time.Duration { return ackWait * 3 / 4 }

var errLease = errors.New("the step took too long")

// work takes steps until ctx ends.
func work(ctx context.Context, s settings, tenants []tenant, address string, con *console) error {
	if address == "" {
		return errors.New("a worker needs NATS_URL: the address of the queue")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if s.attached { // the pipe breaks when the program that started this one ends, in whatever way
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	q, err := connect(address, s.name, con)
	if err != nil {
		return err
	}
	defer func() { _ = q.conn.FlushTimeout(time.Second); q.conn.Close() }()
	if q.open(ctx, con) != nil {
		return nil // told to stop before there was anything to do
	}
	w := newWorker(s, q, tenants, con)
	if err := s.checkPoll(q.consumer.CachedInfo().Config.AckWait); err != nil {
		return err
	}
	var slots sync.WaitGroup
	for range s.parallel {
		slots.Go(func() { w.pull(ctx) })
	}
	slots.Wait()
	return nil
}

func newWorker(s settings, q *queue, tenants []tenant, con *console) *worker {
	w := &worker{
		settings: s, queue: q, lease: lease(q.consumer.CachedInfo().Config.AckWait), con: con,
		tenants: make(map[string]tenant, len(tenants)), clients: make(map[string]*vpptoken.Client),
	}
	for _, t := range tenants {
		w.tenants[t.Name] = t
	}
	return w
}

func (w *worker) pull(ctx context.Context) {
	for ctx.Err() == nil {
		msg, err := w.queue.consumer.Next(jetstream.FetchContext(ctx))
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, nats.ErrTimeout):
			continue
		case err != nil:
			w.con.printf("%s: the queue: %v", w.name, err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			continue
		}
		if err := w.handle(ctx, msg); err != nil && ctx.Err() == nil {
			w.con.printf("%s: %s: %v; the queue will deliver it again", w.name, msg.Subject(), err)
		}
	}
}

// handle does what one message asks for. After an error the message is not acknowledged and is
// delivered again.
func (w *worker) handle(ctx context.Context, msg jetstream.Msg) error {
	var j job
	meta, err := msg.Metadata()
	if err != nil || json.Unmarshal(msg.Data(), &j) != nil || j.subject() != msg.Subject() {
		return errors.Join(err, msg.TermWithReason("not a step of this program"))
	}
	if meta.NumDelivered > 1 {
		switch done, err := w.queue.isDone(ctx, j); {
		case err != nil:
			return err
		case done:
			return msg.Ack()
		}
	}
	if meta.NumDelivered > uint64(w.attempts) { //nolint:gosec // settings.check made sure that it is positive
		return w.finish(ctx, msg, j, result{
			Level: health.LevelUnknown, Error: fmt.Sprintf("%s: given up: %d workers ended in it", j.Step, w.attempts),
		})
	}

	step, release := context.WithCancelCause(ctx)
	defer release(nil)
	expiry := time.AfterFunc(w.lease, func() { release(errLease) })
	defer expiry.Stop()
	plan, r, err := w.do(step, j, func() {
		expiry.Reset(w.lease)
		_ = msg.InProgress() // if it is lost, the step is delivered twice, which is harmless
	})

	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.lease) // what is done is also recorded
	defer cancel()
	last := meta.NumDelivered == uint64(w.attempts) //nolint:gosec // as above
	switch {
	case err != nil && stopped: // told to stop: another worker takes over at once
		return msg.Nak()
	case err != nil && !last && errors.Is(context.Cause(step), errLease):
		return msg.NakWithDelay(w.retryWait)
	case err != nil && !last && mayRetry(j.Step, err):
		return msg.NakWithDelay(pause(err, meta.NumDelivered, w.retryWait))
	case err != nil:
		if r == nil {
			r = new(result)
		}
		r.Level, r.Error = levelOf(err), fmt.Sprintf("%s: %v", j.Step, err)
		return w.finish(ctx, msg, j, *r)
	case r != nil:
		return w.finish(ctx, msg, j, *r)
	}
	next, _ := following(j.Step)
	if err := w.queue.publish(ctx, job{Run: j.Run, Tenant: j.Tenant, Step: next, Plan: plan}); err != nil {
		return err
	}
	return msg.Ack()
}

// do finds the tenant, signs in and does the step.
func (w *worker) do(ctx context.Context, j job, alive func()) (plan *renew.Plan, r *result, err error) {
	defer func() {
		if v := recover(); v != nil {
			plan, r, err = nil, nil, errors.New("the step panicked") // its value may hold a secret
		}
	}()
	t, ok := w.tenants[j.Tenant]
	if !ok {
		return nil, nil, fmt.Errorf("the tenants file of %s does not name this tenant", w.name)
	}
	client, err := w.client(t)
	if err != nil {
		return nil, nil, err
	}
	b := &bench{tenant: t, client: client, poll: w.poll, syncTimeout: w.syncTimeout, patience: w.lease, alive: alive}
	return b.do(ctx, j.Step, j.Plan)
}

// finish records the result of a job.
func (w *worker) finish(ctx context.Context, msg jetstream.Msg, j job, r result) error {
	r.Tenant, r.Worker = j.Tenant, w.name
	if err := w.queue.record(ctx, j, r); err != nil {
		return err
	}
	return msg.Ack()
}

func (w *worker) client(t tenant) (*vpptoken.Client, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.clients[t.account()]; c != nil {
		return c, nil
	}
	c, err := t.open(w.name, w.writes, w.per)
	if err != nil {
		return nil, err
	}
	w.clients[t.account()] = c
	return c, nil
}

// pause is how long a step waits before it is tried again: as long as the service asks for, or
// twice as long each time.
func pause(err error, delivered uint64, wait time.Duration) time.Duration {
	if asked, ok := vpptoken.RetryAfter(err); ok {
		return asked
	}
	return min(wait<<min(delivered-1, 10), time.Minute)
}
