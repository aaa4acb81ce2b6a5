package bench_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vpptoken/vpptoken/bench"
)

// A thousand updates by 64 goroutines, on a service with the documented limit and with half of it,
// in simulated time. With -v it prints the table in docs/why.md.
func TestBulkUpdates(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	for _, limit := range []int{100, 50} {
		for _, retryAfter := range []bool{true, false} {
			says := "without Retry-After"
			if retryAfter {
				says = "with Retry-After"
			}
			fmt.Fprintf(&table, "| %d writes in 20 s, %s |", limit, says)
			for _, program := range []struct {
				name  string
				maker bench.Maker
			}{{"ours", bench.NewPaced}, {"by hand", bench.NewFloor}, {"by hand, with a limiter", bench.NewLimited}} {
				synctest.Test(t, func(t *testing.T) {
					s := &bench.Throttled{Limit: limit, Period: 20 * time.Second, RetryAfter: retryAfter}
					c, err := program.maker(bench.InMemory, s)
					if err != nil {
						t.Fatal(err)
					}
					b := s.Updates(t.Context(), c, 1000, 64)
					fmt.Fprintf(&table, " %d lost, %d refused, %.2f |", b.Lost, b.Refused, b.Ideal)
					if b.Twice > 0 || program.name == "ours" && (b.Lost > 0 || b.Ideal > 1.45) {
						t.Errorf("%s, %s: %+v", says, program.name, b)
					}
				})
			}
			table.WriteString("\n")
		}
	}
	t.Logf("lost, refused, and the time in proportion to the shortest:\n\n| | this client | by hand | by hand, with a limiter |\n|---|---|---|---|\n%s", &table)
}
