package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"sync"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/health"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// tally is a Graph that counts the updates that it carried out, by token, and those that it
// refused.
type tally struct {
	*vpptokentest.Server

	mu      sync.Mutex
	updates map[string]int
	refused int
}

// statusWriter notes the status of an answer.
type statusWriter struct {
	http.ResponseWriter

	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (y *tally) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	noted := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	y.Server.ServeHTTP(noted, r)
	if r.Method != http.MethodPatch {
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	if noted.status != http.StatusOK {
		y.refused++
		return
	}
	y.updates[path.Base(r.URL.Path)]++
}

// TestR20WorkersShareATenant lets three worker processes update the 500 tokens of one tenant, whose
// service takes 100 writes a second.
func TestR20WorkersShareATenant(t *testing.T) {
	t.Parallel()
	const total = 500
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	y := &tally{
		Server:  vpptokentest.NewServer(vpptokentest.WithThrottle(100, time.Second)),
		updates: make(map[string]int),
	}
	t.Cleanup(y.Close)
	front := httptest.NewServer(y)
	t.Cleanup(front.Close)
	site := &site{dir: t.TempDir()}
	entry, err := writeTenant(site.dir, "school", y.Server, "", time.Now().AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	entry.Graph, entry.Settings = front.URL, vpptoken.NewPatch().SetAutomaticallyUpdateApps(true)
	for i := range total {
		entry.Name = fmt.Sprint("school-", i+1)
		entry.Token = y.Add(vpptoken.VPPToken{DisplayName: entry.Name})
		site.tenants = append(site.tenants, entry)
	}
	s := settings{
		tenants: site.file(t), parallel: 4, attempts: 5, poll: time.Second, syncTimeout: time.Minute,
		retryWait: 50 * time.Millisecond,
		writes:    100, per: time.Second, workers: 3, ackWait: 20 * time.Second, timeout: time.Minute,
	}
	q, address := newQueue(t, s.ackWait)
	con := newConsole(t.Output())
	workers, err := startWorkers(ctx, s, address, con)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(workers.stop)
	begun := time.Now()
	r := &round{queue: q, gone: workers.gone, con: newConsole(io.Discard), kind: "update"}
	results, err := r.run(ctx, s, site.tenants)
	if err != nil {
		t.Fatal(err)
	}
	byWorker := make(map[string]int)
	for i, r := range results {
		if byWorker[r.Worker]++; r.Level != health.LevelOK {
			t.Errorf("%s: %+v", r.Tenant, r)
		}
		if n := y.updates[site.tenants[i].Token]; n != 1 {
			t.Errorf("%s was updated %d times", r.Tenant, n)
		}
	}
	t.Logf("%d updates in %v, %d refused, by worker: %v", len(y.updates), time.Since(begun), y.refused, byWorker)
	for _, token := range y.Tokens() {
		if !token.AutomaticallyUpdateApps {
			t.Errorf("%s is as it was", token.DisplayName)
		}
	}
	if len(results) != total || len(byWorker) != 3 || y.refused > total/5 {
		t.Errorf("%d results of %d workers, %d refused", len(results), len(byWorker), y.refused)
	}
	checkQueue(ctx, t, q, total, total, site.secrets(t)[:2])
}

// Two entries of one account share a limit within a worker too: the second write waits for its
// turn, and nothing is sent.
func TestEntriesOfAnAccountShareItsLimit(t *testing.T) {
	t.Parallel()
	site := newSite(t, "a")
	q, _ := newQueue(t, time.Minute)
	w := newWorker(settings{name: "w", writes: 1, per: time.Hour}, q, nil, newConsole(t.Output()))
	first, second := site.tenants[0], site.tenants[0]
	second.Name = "b"
	for i, entry := range []tenant{first, second} {
		client, err := w.client(entry)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err = client.Update(ctx, entry.Token, vpptoken.NewPatch().SetCountryOrRegion("no"))
		if throttled := errors.Is(err, vpptoken.ErrThrottled); throttled != (i == 1) {
			t.Errorf("write %d: %v", i+1, err)
		}
		if i == 1 && (!mayRetry(stepUpdate, err) || pause(err, 1, time.Second) < 30*time.Minute) {
			t.Errorf("it is repeated: %t, after %v", mayRetry(stepUpdate, err), pause(err, 1, time.Second))
		}
	}
	if n := site.count("a", http.MethodPatch, ""); n != 1 {
		t.Errorf("%d PATCHes", n)
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ writes, workers, want int }{
		{100, 3, 33}, {100, 1, 100}, {2, 3, 1}, {0, 3, 0}, {1, 1, 1},
	} {
		if got := share(c.writes, c.workers); got != c.want {
			t.Errorf("share(%d, %d) = %d, want %d", c.writes, c.workers, got, c.want)
		}
	}
}
