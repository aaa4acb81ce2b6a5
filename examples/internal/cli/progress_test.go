package cli_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		terminal bool
		runs     time.Duration
		want     string
	}{
		{"a short run on a terminal", true, 400 * time.Millisecond, ""},
		{"on a terminal", true, 1700 * time.Millisecond, "\r500 ms\r1000 ms\r8 s    \r   \r"},
		{"a short run elsewhere", false, 9 * time.Second, ""},
		{"elsewhere", false, 25 * time.Second, "8 s\n8 s\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				stop := cli.Progress(&out, tt.terminal, func(elapsed time.Duration) string {
					if elapsed > time.Second {
						return "8 s"
					}
					return fmt.Sprintf("%d ms", elapsed.Milliseconds())
				})
				time.Sleep(tt.runs)
				stop()
				stop()
				time.Sleep(time.Minute)
				if out.String() != tt.want {
					t.Errorf("wrote %q, want %q", out.String(), tt.want)
				}
			})
		})
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		done, total int
		elapsed     time.Duration
		want        string
	}{
		{0, 2000, 0, "0.0/s"},
		{0, 2000, 3 * time.Second, "0.0/s"},
		{900, 2000, 3 * time.Minute, "5.0/s, 3m40s left"},
		{2000, 2000, 400 * time.Second, "5.0/s"},
		{300, 0, 2 * time.Second, "150.0/s"},
	} {
		if got := cli.Rate(tt.done, tt.total, tt.elapsed); got != tt.want {
			t.Errorf("Rate(%d, %d, %v) = %q, want %q", tt.done, tt.total, tt.elapsed, got, tt.want)
		}
	}
}
