package bench_test

import (
	"context"
	"testing"

	"github.com/vpptoken/vpptoken/bench"
)

// Time is not asserted: it is the machine's. Allocations and the live heap are the program's.

//nolint:paralleltest // AllocsPerRun counts those of the whole process
func TestAllocationsAgainstFloor(t *testing.T) {
	change := bench.Renewal()
	patch := func(ctx context.Context, c bench.Client) error {
		_, err := c.Update(ctx, bench.TokenID, change)
		return err
	}
	get := func(ctx context.Context, c bench.Client) error {
		_, err := c.Get(ctx, bench.TokenID)
		return err
	}
	for _, test := range []struct {
		name   string
		tokens int
		source bench.Source
		most   float64 // allocations of the floor
		run    func(context.Context, bench.Client) error
	}{
		{"PATCH", 1, bench.Expiring, 0.85, patch},
		{"GET", 1, bench.Expiring, 0.85, get},
		{"PATCH/static", 1, bench.Static, 0.85, patch},
		{"GET/static", 1, bench.Static, 0.85, get},
		{"PATCH/context", 1, bench.Context, 0.85, patch},
		{"GET/context", 1, bench.Context, 0.85, get},
		{"page", bench.PageSize, bench.Expiring, 0.35, walk},
		{"walk", 10_000, bench.Expiring, 0.35, walk},
	} {
		t.Run(test.name, func(t *testing.T) {
			count := func(c bench.Client) float64 {
				return testing.AllocsPerRun(5, func() {
					if err := test.run(t.Context(), c); err != nil {
						t.Error(err)
					}
				})
			}
			err := bench.Memory.Pair(test.tokens, test.source, func(ours, byHand bench.Client) {
				o, h := count(ours), count(byHand)
				t.Logf("%.0f allocations to the floor's %.0f: %.2f", o, h, o/h)
				if o > test.most*h {
					t.Errorf("allocations are %.2f of the floor's, the most is %.2f", o/h, test.most)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func walk(ctx context.Context, c bench.Client) error { return c.Walk(ctx, func(string) {}) }

//nolint:paralleltest // it measures the heap of the whole process
func TestWalkHoldsOnePage(t *testing.T) {
	heap := func(tokens int, maker bench.Maker) float64 {
		t.Helper()
		n, err := bench.LiveHeap(t.Context(), tokens, maker)
		if err != nil {
			t.Fatal(err)
		}
		return float64(n)
	}
	three, eleven := heap(3*bench.PageSize, bench.NewOurs), heap(10_000, bench.NewOurs)
	floor, gathering := heap(10_000, bench.NewFloor), heap(10_000, bench.NewGathering)
	t.Logf("KiB: 3 pages %.0f, 11 pages %.0f, floor %.0f, gathering floor %.0f",
		three/1024, eleven/1024, floor/1024, gathering/1024)
	if eleven > 1.1*three {
		t.Errorf("11 pages keep %.0f bytes, 3 pages %.0f", eleven, three)
	}
	if eleven > 1.2*floor {
		t.Errorf("%.0f bytes are kept, the floor keeps %.0f", eleven, floor)
	}
	if eleven > 0.5*gathering {
		t.Errorf("%.0f bytes are kept, a loop that gathers the list keeps %.0f", eleven, gathering)
	}
}
