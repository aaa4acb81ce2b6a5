package main

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/health"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// TestAWorkerIsKilled renews nine tenants with three worker processes. One is throttled, one can't
// be reached, and the worker that waits for the sync of a third is killed in the middle of it.
func TestAWorkerIsKilled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	site := newSite(t, "a", "b", "c", "d", "e", "f", "held", "throttled", "unreachable")
	held, token := site.graphs["held"], site.tenants[6].Token
	held.NextSync(token, vpptokentest.SyncNeverEnds)
	site.graphs["throttled"].Fail(vpptokentest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"})
	site.tenants[8].Graph = "http://" + nobody

	s := settings{
		tenants: site.file(t), parallel: 1, attempts: 4, poll: 20 * time.Millisecond, syncTimeout: time.Minute,
		retryWait: 50 * time.Millisecond, workers: 3, ackWait: 5 * time.Second, timeout: time.Minute,
	}
	q, address := newQueue(t, s.ackWait)
	con := newConsole(t.Output())
	workers, err := startWorkers(ctx, s, address, con)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(workers.stop)
	ended := make(chan []result, 1)
	go func() {
		r := &round{queue: q, gone: workers.gone, con: con, kind: "renew"}
		results, err := r.run(ctx, s, site.tenants)
		if err != nil {
			t.Error(err)
		}
		ended <- results
	}()

	var killed string
	until(ctx, t, "a worker waits for the sync", func() bool {
		killed = poller(held, "")
		return killed != ""
	})
	n, err := strconv.Atoi(strings.TrimPrefix(killed, "worker-"))
	if err != nil {
		t.Fatal(err)
	}
	if err := workers.processes[n-1].Kill(); err != nil {
		t.Fatal(err)
	}
	until(ctx, t, "another worker waits for the same sync", func() bool { return poller(held, killed) != "" })
	held.Edit(token, func(v *vpptoken.VPPToken) {
		v.ExpirationDateTime, v.LastSyncDateTime = site.expires, time.Now()
		v.LastSyncStatus = vpptoken.SyncStatusCompleted
	})
	results := <-ended

	if len(results) != len(site.tenants) {
		t.Fatalf("%d results for %d tenants: %v", len(results), len(site.tenants), results)
	}
	for i, r := range results {
		name := site.tenants[i].Name
		if r.Tenant != name {
			t.Fatalf("result %d is of %s, want %s", i, r.Tenant, name)
		}
		patches, syncs := 1, 1
		if name == "unreachable" {
			patches, syncs = 0, 0
			if r.Level != health.LevelUnknown || !strings.HasPrefix(r.Error, "plan: vpptoken: get: ") {
				t.Errorf("%s: %+v", name, r)
			}
		} else if r.Level != health.LevelOK || r.Error != "" || r.Renewal == nil || !r.Renewal.Verified ||
			!r.Renewal.After.ExpirationDateTime.Equal(site.expires) {
			t.Errorf("%s: %+v", name, r)
		}
		if got := site.count(name, http.MethodPatch, ""); got != patches {
			t.Errorf("%s: %d PATCHes, want %d", name, got, patches)
		}
		if got := site.count(name, http.MethodPost, "/syncLicenses"); got != syncs {
			t.Errorf("%s: %d syncs, want %d", name, got, syncs)
		}
		if name == "held" && (r.Worker == killed || r.Worker == "") {
			t.Errorf("the result of the held tenant is of %q, and %s was killed", r.Worker, killed)
		}
	}
	if n := site.graphs["throttled"].UnusedFaults(); n != 0 {
		t.Errorf("%d faults were not met", n)
	}
	steps, written := 4*8+1, len(results) // unreachable never comes to its second step
	checkQueue(ctx, t, q, steps, written, site.secrets(t))
}

// poller returns the worker that has looked at the token since its sync was asked for, not counting
// one.
func poller(graph *vpptokentest.Server, not string) string {
	requests := graph.Requests()
	from := slices.IndexFunc(requests, func(r vpptokentest.Request) bool { return r.Method == http.MethodPost })
	if from < 0 {
		return ""
	}
	for _, r := range requests[from:] {
		product, _, _ := strings.Cut(r.Header.Get("User-Agent"), " ")
		worker := strings.TrimPrefix(product, "fleet/")
		if r.Method == http.MethodGet && worker != not {
			return worker
		}
	}
	return ""
}

// checkQueue makes sure that each step was stored once and acknowledged, each result written once,
// and no secret anywhere.
func checkQueue(ctx context.Context, t *testing.T, q *queue, steps, results int, secrets []string) {
	t.Helper()
	until(ctx, t, "every step is acknowledged", func() bool {
		info, err := q.consumer.Info(ctx)
		return err == nil && info.NumAckPending == 0 && info.NumPending == 0
	})
	bucket, err := q.js.Stream(ctx, "KV_"+bucketName)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		stream jetstream.Stream
		want   int
	}{"steps": {q.stream, steps}, "results": {bucket, results}} {
		info, err := c.stream.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := int(info.State.LastSeq); got != c.want { // counts what was overwritten too
			t.Errorf("%d %s were written, want %d", got, name, c.want)
		}
		for seq := uint64(1); seq <= info.State.LastSeq; seq++ {
			msg, err := c.stream.GetMsg(ctx, seq)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range secrets {
				if strings.Contains(string(msg.Data), secret) {
					t.Errorf("%s holds a secret", msg.Subject)
				}
			}
		}
	}
}

func TestNoWorkerIsLeft(t *testing.T) {
	t.Parallel()
	site := newSite(t, "a", "b")
	s := settings{
		tenants: "nowhere.json", parallel: 1, attempts: 1, poll: time.Second, syncTimeout: time.Minute,
		retryWait: time.Second,
		workers:   2, ackWait: 5 * time.Second, timeout: time.Minute,
	}
	var stdout strings.Builder
	code, err := coordinate(t.Context(), s, site.tenants, "", []string{"check"}, &stdout, newConsole(t.Output()))
	want := `TENANT  LEVEL    CHECK
a       unknown  no result: no worker is left
b       unknown  no result: no worker is left
2 tenants: 2 unknown

`
	if err != nil || code != exitUnknown || stdout.String() != want {
		t.Errorf("exit code %d, %v, it printed\n%s", code, err, stdout.String())
	}
}
