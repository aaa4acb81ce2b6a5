package main

import (
	"bytes"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
	"github.com/vpptoken/vpptoken/health"
)

func heap() int {
	runtime.GC()
	runtime.GC() // the first one only finds what pools hold
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// sample is the token number i, with a kilobyte that somebody could keep by mistake.
func sample(i int, now time.Time) *vpptoken.VPPToken {
	return &vpptoken.VPPToken{
		ID: fmt.Sprint("id-", i), DisplayName: fmt.Sprint("Token ", i), OrganizationName: strings.Repeat("x", 1000),
		State:              vpptoken.StateInvalid,
		ExpirationDateTime: now.AddDate(0, 0, i%400), LastSyncDateTime: now,
	}
}

//nolint:paralleltest // it measures the heap of the process
func TestPassKeepsNoToken(t *testing.T) {
	now := time.Now()
	grown := func(total int) (grown int) {
		var tokens iter.Seq2[*vpptoken.VPPToken, error] = func(yield func(*vpptoken.VPPToken, error) bool) {
			for i := range total {
				if !yield(sample(i, now), nil) {
					return
				}
			}
		}
		before, seen := heap(), 0
		n, err := assess(tokens, "a.example", now, health.Policy{}, func(r row) error {
			if seen++; seen == total {
				grown = heap() - before
			}
			if r.Level != health.LevelCritical {
				t.Errorf("level %s", r.Level)
			}
			return nil
		})
		if n != total || err != nil || seen != total {
			t.Fatalf("assess = %d, %v after %d rows", n, err, seen)
		}
		return grown
	}
	for _, total := range []int{3000, 30000} { // 3 and 30 MB, if they were kept
		if n := grown(total); n > 256<<10 {
			t.Errorf("%d tokens: the heap has grown by %d bytes", total, n)
		}
	}
}

// meter counts lines and looks at the heap at the first one and at every five hundredth.
type meter struct{ lines, first, most int }

func (m *meter) Write(b []byte) (int, error) {
	if m.lines += bytes.Count(b, []byte("\n")); m.first == 0 {
		m.first = heap()
	} else if m.lines%500 == 0 {
		m.most = max(m.most, heap()-m.first)
	}
	return len(b), nil
}

//nolint:paralleltest // it measures the heap of the process
func TestThousandsOfTokensOfManyTenants(t *testing.T) {
	const each = 500
	names := []string{
		"a.example", "b.example", "c.example", "d.example", "e.example", "f.example", "g.example", "h.example",
		"i.example", "j.example",
	}
	s, ctx := newService(t, names...)
	now := time.Now()
	for _, name := range names {
		for i := range each {
			s.tenants[name].Add(*sample(i, now))
		}
	}
	for _, format := range []string{"-json", "-csv"} {
		var out meter
		clitest.Want(t, clitest.RunTo(ctx, &out, run, withSecret, "-tenant", strings.Join(names, ","),
			"-client-id", "app", "-parallel", "1", format), 2, "")
		if out.lines < each*len(names) {
			t.Errorf("%s: %d lines", format, out.lines)
		}
		if out.most > 1<<20 { // a page of answers comes and goes; all rows would be more than 5 MB
			t.Errorf("%s: the heap has grown by %d bytes", format, out.most)
		}
		t.Logf("%s: %d bytes more at most", format, out.most)
	}
}
