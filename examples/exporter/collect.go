package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/health"
)

// collector turns the watchers' latest readings into metrics. It never waits for a tenant.
type collector struct {
	watchers []*watcher
	policy   health.Policy
	now      func() time.Time // a verdict is as of the scrape, however old the reading is
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("vpptoken_"+name, help, labels, nil)
}

var (
	up       = desc("up", "Whether the tenant could be read the last time.", "tenant")
	duration = desc("scrape_duration_seconds", "How long reading the tenant took the last time.", "tenant")
	success  = desc("last_success_timestamp_seconds", "When the tenant was last read whole.", "tenant")
	count    = desc("tokens", "How many tokens the tenant has.", "tenant")

	info = desc("token_info", "What a person knows a token by; always 1.",
		"tenant", "id", "name", "organization", "location", "apple_id", "account_type")
	expiration = desc("token_expiration_timestamp_seconds", "When the token expires.", "tenant", "id")
	lastSync   = desc("token_last_sync_timestamp_seconds",
		"When Intune last synced the token with Apple.", "tenant", "id")
	state      = desc("token_state", "The token's state: 1 for the one it is in.", "tenant", "id", "state")
	syncStatus = desc("token_last_sync_status", "How the last sync went: 1 for what it is.", "tenant", "id", "status")
	level      = desc("token_health", "The verdict on the token: 1 for its level.", "tenant", "id", "level")
	reason     = desc("token_health_reason", "Why the verdict is not ok; always 1.", "tenant", "id", "code", "level")
	updates    = desc("token_automatic_updates", "Whether the token's apps are updated automatically.", "tenant", "id")
	available  = desc("token_licenses_available", "Licenses of an app that are left.", "tenant", "id", "app")
	used       = desc("token_licenses_used", "Licenses of an app that are assigned.", "tenant", "id", "app")
)

// Describe implements [prometheus.Collector].
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		up, duration, success, count, info, expiration, lastSync, state, syncStatus, level, reason, updates,
		available, used,
	} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	now := c.now()
	for _, w := range c.watchers {
		tenant, s := w.tenant.Name, w.snapshot()
		gauge := func(d *prometheus.Desc, value float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, append([]string{tenant}, labels...)...)
		}
		if !s.read {
			continue // nothing is known yet
		}
		gauge(up, truth(s.up))
		gauge(duration, s.took.Seconds())
		if s.success.IsZero() {
			continue
		}
		gauge(success, seconds(s.success))
		gauge(count, float64(len(s.tokens)))
		for _, t := range s.tokens {
			c.token(gauge, t, now)
		}
		for key, n := range s.licenses {
			gauge(available, float64(n.available), key.token, key.app)
			gauge(used, float64(n.used), key.token, key.app)
		}
	}
}

func (c *collector) token(gauge func(*prometheus.Desc, float64, ...string), t *vpptoken.VPPToken, now time.Time) {
	gauge(info, 1, t.ID, t.DisplayName, t.OrganizationName, t.LocationName, t.AppleID, string(t.AccountType))
	if !t.ExpirationDateTime.IsZero() {
		gauge(expiration, seconds(t.ExpirationDateTime), t.ID)
	}
	if !t.LastSyncDateTime.IsZero() {
		gauge(lastSync, seconds(t.LastSyncDateTime), t.ID)
	}
	gauge(updates, truth(t.AutomaticallyUpdateApps), t.ID)
	set(gauge, state, t.ID, t.State, t.State.Values())
	set(gauge, syncStatus, t.ID, t.LastSyncStatus, t.LastSyncStatus.Values())
	verdict := health.Assess(t, now, c.policy)
	set(gauge, level, t.ID, verdict.Level, []health.Level{
		health.LevelOK, health.LevelWarning, health.LevelUnknown, health.LevelCritical,
	})
	worst := make(map[string]health.Level) // each code once, with its worst level
	for _, r := range verdict.Reasons {
		if l, ok := worst[r.Code]; !ok || r.Level.Compare(l) > 0 {
			worst[r.Code] = r.Level
		}
	}
	for code, l := range worst {
		gauge(reason, 1, t.ID, code, string(l))
	}
}

// set writes a state set: a series for each known value, and one more for a new value.
func set[T ~string](gauge func(*prometheus.Desc, float64, ...string), d *prometheus.Desc, id string, is T, words []T) {
	found := false
	for _, w := range words {
		gauge(d, truth(w == is), id, string(w))
		found = found || w == is
	}
	if !found && is != "" {
		gauge(d, 1, id, string(is))
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
