package main

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vpptoken/vpptoken"
)

// stats counts what the clients do. The client logs each attempt, so a log handler sees them all
// without sitting between the client and its transport.
type stats struct {
	requests *prometheus.CounterVec
	held     *prometheus.CounterVec
}

func newStats(registry prometheus.Registerer) *stats {
	s := &stats{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vpptoken_requests_total",
			Help: "Requests that were sent to Graph, by the status of the answer; 0 stands for none.",
		}, []string{"tenant", "status"}),
		held: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vpptoken_held_seconds_total",
			Help: "Time that requests were held back because the service throttles.",
		}, []string{"tenant"}),
	}
	registry.MustRegister(s.requests, s.held)
	return s
}

func (s *stats) logger(tenant string) *slog.Logger {
	s.held.WithLabelValues(tenant) // a counter that never moved is 0, not missing
	return slog.New(handler{s, tenant})
}

type handler struct {
	stats  *stats
	tenant string
}

func (h handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h handler) WithGroup(string) slog.Handler { return h }

func (h handler) Handle(_ context.Context, r slog.Record) error {
	var status int64
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "status" {
			status = a.Value.Int64()
		}
		return a.Key != "status"
	})
	if r.Message == "vpptoken: attempt" {
		h.stats.requests.WithLabelValues(h.tenant, strconv.FormatInt(status, 10)).Inc()
	}
	return nil
}

// meter adds up how long the pages of a list were held. The client fills the Metadata in for each
// page, so a page is counted when its request id appears.
type meter struct {
	vpptoken.Metadata

	counted string
}

func (m *meter) count(s *stats, tenant string) {
	if m.RequestID != m.counted || m.RequestID == "" {
		s.held.WithLabelValues(tenant).Add(m.Held.Seconds())
		m.counted, m.Held = m.RequestID, 0
	}
}
