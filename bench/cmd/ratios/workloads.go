package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/vpptoken/vpptoken/bench"
)

func printWorkloads(rounds int) error {
	fmt.Println("| | | time | bytes | allocations |")
	fmt.Println("|---|---|---|---|---|")
	for _, carrier := range []bench.Carrier{bench.Memory, bench.Loopback} {
		for _, w := range bench.Workloads() {
			if carrier == bench.Loopback && w.Source != bench.Expiring {
				continue // a connection costs more than any source
			}
			var failed error
			err := carrier.Pair(w.Tokens, w.Source,
				func(ours, byHand bench.Client) { failed = printWorkload(carrier, w, rounds, ours, byHand) })
			if err == nil {
				err = failed
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func printWorkload(carrier bench.Carrier, w bench.Workload, rounds int, ours, byHand bench.Client) error {
	var ns, size, count pair
	for round := range rounds {
		var o, h testing.BenchmarkResult
		if round%2 == 0 {
			o, h = measure(w, ours), measure(w, byHand)
		} else {
			h, o = measure(w, byHand), measure(w, ours)
		}
		if o.N == 0 || h.N == 0 {
			return fmt.Errorf("%s, %s: a run failed", w.Name, carrier)
		}
		ns.add(perOp(o.T.Nanoseconds(), o), perOp(h.T.Nanoseconds(), h))
		size.add(float64(o.AllocedBytesPerOp()), float64(h.AllocedBytesPerOp()))
		count.add(float64(o.AllocsPerOp()), float64(h.AllocsPerOp()))
	}
	fmt.Printf("| %s | %s | %s | %s | %s |\n",
		w.Name, carrier, ns.cell(1e3, " µs"), size.cell(1<<10, " KiB"), count.cell(1, ""))
	return nil
}

func measure(w bench.Workload, c bench.Client) testing.BenchmarkResult {
	return testing.Benchmark(func(b *testing.B) {
		b.Helper()
		w.Run(b, c)
	})
}

func perOp(n int64, r testing.BenchmarkResult) float64 { return float64(n) / float64(r.N) }

func printHeap(ctx context.Context) error {
	const tokens = 10_000
	ours, err := bench.LiveHeap(ctx, tokens, bench.NewOurs)
	if err != nil {
		return err
	}
	for _, other := range []struct {
		name  string
		maker bench.Maker
	}{
		{"a loop that keeps a page", bench.NewFloor},
		{"a loop that gathers the list", bench.NewGathering},
	} {
		n, err := bench.LiveHeap(ctx, tokens, other.maker)
		if err != nil {
			return err
		}
		p := pair{[]float64{float64(ours)}, []float64{float64(n)}}
		fmt.Printf("| live heap of the walk, to %s | in memory | | %s | |\n", other.name, p.cell(1<<10, " KiB"))
	}
	return nil
}
