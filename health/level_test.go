package health_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken/health"
)

// F38: levels compare by rank, and what is no level is as bad as what can't be judged.
func TestF38LevelCompare(t *testing.T) {
	t.Parallel()
	ranks := [][]health.Level{
		{health.LevelOK}, {health.LevelWarning}, {health.LevelUnknown, "", "OK", "disaster"}, {health.LevelCritical},
	}
	for i, left := range ranks {
		for j, right := range ranks {
			want := min(max(i-j, -1), 1)
			for _, l := range left {
				for _, r := range right {
					if got := l.Compare(r); got != want {
						t.Errorf("%q.Compare(%q) = %d, want %d", l, r, got, want)
					}
				}
			}
		}
	}
	levels := []health.Level{health.LevelUnknown, health.LevelOK, health.LevelCritical, health.LevelWarning}
	if got := slices.MaxFunc(levels, health.Level.Compare); got != health.LevelCritical {
		t.Errorf("the worst is %q", got)
	}
	slices.SortFunc(levels, health.Level.Compare)
	if diff := cmp.Diff([]health.Level{health.LevelOK, health.LevelWarning, health.LevelUnknown, health.LevelCritical},
		levels); diff != "" {
		t.Error(diff)
	}
}

// F38: alerts are routed on these words.
func TestF38Codes(t *testing.T) {
	t.Parallel()
	got := strings.Join([]string{
		health.CodeExpired, health.CodeExpiresSoon, health.CodeInvalid, health.CodeDuplicateLocation,
		health.CodeExternalMDM, health.CodeSyncFailed,
		health.CodeSyncStale, health.CodeNeverSynced, health.CodeActionFailed, health.CodeUnknownState,
		health.CodeNoExpiryDate,
	}, " ")
	const want = "expired expires-soon invalid duplicate-location external-mdm sync-failed sync-stale never-synced action-failed unknown-state no-expiry-date"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
