package graph_test

import (
	"testing"
	"time"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// Nobody pays for the gate while nothing is throttled: not a read, not a write, and not a write
// that is paced.
func TestR20OpenGateAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts all of the process
	for name, tc := range map[string]struct {
		write bool
		limit int
	}{"read": {false, 100}, "write": {true, 0}, "paced write": {true, 1 << 20}} {
		pass := graph.PassGate(tc.limit, time.Microsecond)
		for range 1000 {
			pass(tc.write)
		}
		if n := testing.AllocsPerRun(1000, func() { pass(tc.write) }); n != 0 {
			t.Errorf("a %s: %v allocations", name, n)
		}
	}
}

func BenchmarkOpenGate(b *testing.B) {
	for name, tc := range map[string]struct {
		write bool
		limit int
	}{"read": {false, 100}, "write": {true, 0}, "paced write": {true, 1 << 20}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			pass := graph.PassGate(tc.limit, time.Microsecond)
			for b.Loop() {
				pass(tc.write)
			}
		})
	}
}

// The pace of a limit that is never reached keeps only the writes of one period.
func TestR20PaceForgets(t *testing.T) {
	t.Parallel()
	if n := graph.PaceKeeps(1<<30, time.Millisecond, 10_000, 10*time.Microsecond); n > 500 {
		t.Errorf("it keeps %d writes", n)
	}
}
