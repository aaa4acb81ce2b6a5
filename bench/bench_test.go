package bench_test

import (
	"testing"

	"github.com/vpptoken/vpptoken/bench"
)

func BenchmarkClient(b *testing.B) {
	for _, carrier := range []bench.Carrier{bench.Memory, bench.Loopback} {
		for _, w := range bench.Workloads() {
			err := carrier.Pair(w.Tokens, w.Source, func(ours, byHand bench.Client) {
				name := string(carrier) + "/" + w.Name
				b.Run(name+"/ours", func(b *testing.B) { w.Run(b, ours) })
				b.Run(name+"/floor", func(b *testing.B) { w.Run(b, byHand) })
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkLiveHeap(b *testing.B) {
	for _, test := range []struct {
		name  string
		maker bench.Maker
	}{{"ours", bench.NewOurs}, {"floor", bench.NewFloor}, {"gathering", bench.NewGathering}} {
		b.Run(test.name, func(b *testing.B) {
			var n uint64
			for b.Loop() {
				var err error
				if n, err = bench.LiveHeap(b.Context(), 10_000, test.maker); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n), "live-B")
		})
	}
}
