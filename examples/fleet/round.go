package main

// This file is one round: it publishes the first step of each tenant's job, follows the steps, and
// collects the results.

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/health"
	"github.com/vpptoken/vpptoken/renew"
)

// round is one kind of job over all tenants.
type round struct {
	queue    *queue
	gone     <-chan struct{} // closed when no worker is left
	con      *console
	kind     string
	onVerify func() // called once, when the first renewal waits for its sync; may be nil

	name    string
	begun   time.Time
	steps   map[string]renew.Step // where each tenant is, for display
	results map[string]result
	total   int
}

// run returns one result for each tenant that the job is for, in their order, whatever happens. An
// error means that the round could not begin.
func (r *round) run(ctx context.Context, s settings, tenants []tenant) ([]result, error) {
	if tenants = r.choose(tenants); len(tenants) == 0 {
		return nil, fmt.Errorf("the tenants file has nothing to %s", r.kind)
	}
	r.name, r.total, r.begun = r.kind+"-"+s.runName, len(tenants), time.Now()
	if s.runName == "" {
		r.name = r.kind + "-" + strings.ToLower(rand.Text()[:10])
	}
	r.steps, r.results = make(map[string]renew.Step), make(map[string]result)
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	r.con.printf("run %s: %s", r.name, several(r.total, "tenant"))

	watcher, err := r.queue.results.Watch(ctx, r.name+".*")
	if err != nil {
		return nil, fmt.Errorf("the bucket of results: %w", err)
	}
	defer func() { _ = watcher.Stop() }()
	published := make(chan *nats.Msg, 1024+4*len(tenants)) // nothing reads while the jobs are published
	sub, err := r.queue.conn.ChanSubscribe(subjectRoot+"."+r.name+".*.*", published)
	if err != nil {
		return nil, fmt.Errorf("the stream of steps: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()

	why := r.follow(ctx, watcher.Updates(), published, tenants)
	r.con.move("")
	results := make([]result, 0, len(tenants))
	for _, t := range tenants {
		result, ok := r.results[t.Name]
		if !ok {
			result.Tenant, result.Level, result.Error = t.Name, health.LevelUnknown, fmt.Sprintf("no result: %v", why)
		}
		results = append(results, result)
	}
	return results, nil
}

// choose omits the entries that the job is not for. It checks entries of the same account once.
func (r *round) choose(tenants []tenant) []tenant {
	checked := make(map[string]bool)
	skip := func(t tenant) bool {
		before := checked[t.account()]
		checked[t.account()] = true
		switch r.kind {
		case "renew":
			return t.ContentToken == ""
		case "update":
			return t.Settings == nil
		}
		return before
	}
	chosen := slices.DeleteFunc(slices.Clone(tenants), skip)
	if n := len(tenants) - len(chosen); n > 0 {
		r.con.printf("left alone, since there is nothing to %s: %d of %d", r.kind, n, len(tenants))
	}
	return chosen
}

// follow returns when all results are there, or says why it stops waiting.
func (r *round) follow(
	ctx context.Context, updates <-chan jetstream.KeyValueEntry, published <-chan *nats.Msg, tenants []tenant,
) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for len(r.results) < r.total {
		select {
		case <-second.C: // the line shows the time
		case entry, ok := <-updates:
			switch {
			case !ok:
				return errors.New("the queue was closed")
			case entry != nil:
				r.took(entry)
			default: // everything from an earlier run of that name is read: begin the rest
				if err := r.begin(ctx, tenants); err != nil {
					return err
				}
			}
		case msg := <-published:
			r.moved(msg)
		case <-r.gone:
			return errors.New("no worker is left")
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return errors.New("time ran out")
			}
			return errors.New("interrupted")
		}
		r.show()
	}
	return nil
}

// begin publishes the first step of every job that has no result yet. The stream drops a step that
// is published again.
func (r *round) begin(ctx context.Context, tenants []tenant) error {
	for _, t := range tenants {
		if _, done := r.results[t.Name]; done {
			continue
		}
		if err := r.queue.publish(ctx, job{Run: r.name, Tenant: t.Name, Step: first(r.kind)}); err != nil {
			return fmt.Errorf("its job could not be published: %w", err)
		}
	}
	return nil
}

// took stores a result. An unreadable one is a result too: the job is over.
func (r *round) took(entry jetstream.KeyValueEntry) {
	name := strings.TrimPrefix(entry.Key(), r.name+".")
	var got result
	if err := json.Unmarshal(entry.Value(), &got); err != nil {
		got = result{Error: "its result can't be read"}
	}
	got.Tenant = name
	r.results[name] = got
	delete(r.steps, name)
	if !r.con.moves {
		r.con.printf("%d/%d %s: %s: %s", len(r.results), r.total, name, got.level(), got.text())
	}
}

// moved records that a tenant's next step is in the queue.
func (r *round) moved(msg *nats.Msg) {
	var j job
	if json.Unmarshal(msg.Data, &j) != nil || j.Run != r.name {
		return
	}
	if _, done := r.results[j.Tenant]; !done {
		r.steps[j.Tenant] = j.Step
	}
	if j.Step == renew.StepVerify && r.onVerify != nil {
		r.onVerify()
		r.onVerify = nil
	}
}

// show updates the progress line: how many are done, and how many are in each step.
func (r *round) show() {
	counts := make(map[renew.Step]int)
	for _, step := range r.steps {
		counts[step]++
	}
	parts := []string{fmt.Sprintf("%s %d/%d done", r.kind, len(r.results), r.total)}
	for step, ok := first(r.kind), true; ok; step, ok = following(step) {
		parts = append(parts, fmt.Sprintf("%s %d", step, counts[step]))
	}
	elapsed := time.Since(r.begun)
	parts = append(parts, elapsed.Round(time.Second).String(), cli.Rate(len(r.results), r.total, elapsed))
	r.con.move(strings.Join(parts, " | "))
}
