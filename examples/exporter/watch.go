package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

// watcher reads one tenant over and over and keeps the latest reading.
type watcher struct {
	tenant   cli.Tenant
	settings settings
	stats    *stats
	log      *slog.Logger
	client   *vpptoken.Client // nil until the first reading that could sign in

	mu   sync.Mutex
	last snapshot
}

// snapshot is what is known of a tenant. The tokens of the last good reading stay if one fails:
// their dates still count, and up says that they are stale.
type snapshot struct {
	read     bool // at least once, successfully or not
	up       bool
	took     time.Duration
	success  time.Time // when a reading last succeeded
	tokens   []*vpptoken.VPPToken
	licenses map[license]counts
}

// license names a series: a registry refuses duplicates, whatever the service answers.
type license struct{ token, app string }

type counts struct{ available, used int }

// watch reads the tenant until ctx ends. Tenants keep their own pace, so that a slow one delays no
// other.
func (w *watcher) watch(ctx context.Context) {
	for {
		w.read(ctx)
		pause := w.settings.interval - rand.N(w.settings.interval/10+1) //nolint:gosec // spreads load, guards nothing
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// read reads the tenant once. A failure is this tenant's alone.
func (w *watcher) read(ctx context.Context) {
	began := time.Now()
	tokens, licenses, err := w.fetch(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return // the program ends
	}
	w.last.read, w.last.up, w.last.took = true, err == nil, time.Since(began)
	if err != nil {
		w.log.Error("the tenant could not be read", "error", err)
		return
	}
	w.last.success, w.last.tokens, w.last.licenses = time.Now(), tokens, licenses
}

// count counts the licenses of one app. A failure costs only them: the tokens are read already.
func (w *watcher) count(ctx context.Context, app string, m *meter, into map[license]counts) {
	for l, err := range w.client.LicensesForApp(ctx, app, vpptoken.WithMetadata(&m.Metadata)) {
		m.count(w.stats, w.tenant.Name)
		if err != nil {
			w.log.Error("the licenses of an app could not be read", "app", app, "error", err)
			return
		}
		n := into[license{l.VPPTokenID, app}]
		into[license{l.VPPTokenID, app}] = counts{n.available + l.AvailableLicenseCount, n.used + l.UsedLicenseCount}
	}
}

func (w *watcher) fetch(ctx context.Context) (tokens []*vpptoken.VPPToken, licenses map[license]counts, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.settings.timeout)
	defer cancel()
	if w.client == nil { // it keeps its access token, its connections and its place in the limits
		w.client, err = w.tenant.Open(ctx, vpptoken.WithLogger(w.stats.logger(w.tenant.Name)))
	}
	if err != nil {
		return nil, nil, err
	}
	var m meter
	for t, err := range w.client.List(ctx, vpptoken.WithMetadata(&m.Metadata)) {
		m.count(w.stats, w.tenant.Name)
		if err != nil {
			return nil, nil, err // a partial list is not the list
		}
		tokens = append(tokens, t)
	}
	licenses = make(map[license]counts)
	for _, app := range w.settings.apps {
		w.count(ctx, app, &m, licenses)
	}
	return tokens, licenses, nil
}

func (w *watcher) snapshot() snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}
