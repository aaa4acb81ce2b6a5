package graph_test

import (
	"net/http"
	"testing"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// All requests go to one host, so that the limit for one is no lower than that for all. What the
// program has set for one host stays.
//
//nolint:paralleltest // it changes the program's transport
func TestTransportKeepsIdleConnections(t *testing.T) {
	before := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = before })
	for _, tt := range []struct{ all, host, want int }{{100, 0, 100}, {100, 2, 100}, {0, 50, 50}, {10, 50, 50}, {0, 0, 0}} {
		http.DefaultTransport = &http.Transport{MaxIdleConns: tt.all, MaxIdleConnsPerHost: tt.host}
		if got := graph.IdleConnections(graph.NewTransport()); got != tt.want {
			t.Errorf("%d for all hosts, %d for one: %d", tt.all, tt.host, got)
		}
	}
}
