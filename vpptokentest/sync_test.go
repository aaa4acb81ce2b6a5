package vpptokentest_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func withClock(c *clock) vpptokentest.Option { return vpptokentest.WithNow(c.Now) }

// nordwind is a content token that expires on 2027-11-20T18:13:52Z.
func nordwind(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../testdata/sToken_for_Nordwind.vpptoken")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// synced is a token whose last sync ended well at 11:00; the clock shows 12:00.
func synced(c *clock) vpptoken.VPPToken {
	return vpptoken.VPPToken{
		OrganizationName:   "Nordwind",
		LastSyncDateTime:   c.Now().Add(-time.Hour),
		ExpirationDateTime: c.Now().Add(24 * time.Hour),
	}
}

func TestSync(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithSyncDuration(time.Minute))
	id := s.Add(synced(c))
	old := map[string]any{"lastSyncStatus": "completed", "lastSyncDateTime": "2026-11-20T11:00:00Z"}
	running := map[string]any{"lastSyncStatus": "inProgress", "lastSyncDateTime": "2026-11-20T11:00:00Z"}
	done := map[string]any{
		"lastSyncStatus": "completed", "lastSyncDateTime": "2026-11-20T12:01:00Z",
		"lastModifiedDateTime": "2026-11-20T12:01:00Z", "state": "valid", "expirationDateTime": "2026-11-21T12:00:00Z",
	}
	equal(t, s.get(id), old)
	equal(t, s.sync(id), old)
	equal(t, s.patch(id, `{"displayName":"x"}`), old)
	equal(t, s.get(id), old) // the trap
	equal(t, s.get(id), running)
	c.advance(59 * time.Second)
	equal(t, s.get(id), running)
	equal(t, s.patch(id, `{"displayName":"y"}`), running)
	equal(t, s.page("/v1.0" + collection).Value[0], running)
	c.advance(time.Second)
	equal(t, s.get(id), done)
	c.advance(time.Hour)
	equal(t, s.get(id), done)
}

// A list is a read, too: it sees the old status, and uses the trap up.
func TestSyncSeenByList(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c))
	id := s.Add(synced(c))
	s.sync(id)
	equal(t, s.page("/beta" + collection).Value[0], map[string]any{"lastSyncStatus": "completed"})
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "inProgress"})
}

func TestSyncJoins(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithSyncDuration(time.Minute))
	id := s.Add(synced(c))
	s.NextSync(id, vpptokentest.SyncCompletes, vpptokentest.SyncFails)
	s.sync(id)
	s.sync(id) // no read: the next one is still the first
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "completed", "lastSyncDateTime": "2026-11-20T11:00:00Z"})
	c.advance(30 * time.Second)
	equal(t, s.sync(id), map[string]any{"lastSyncStatus": "inProgress"})
	c.advance(30 * time.Second)
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "completed", "lastSyncDateTime": "2026-11-20T12:01:00Z"})
	s.sync(id)
	c.advance(time.Minute)
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "failed", "lastSyncDateTime": "2026-11-20T12:02:00Z"})
	s.sync(id)
	c.advance(time.Minute)
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "completed", "lastSyncDateTime": "2026-11-20T12:03:00Z"})
}

// The answer to syncLicenses shows the old time even when the sync takes none, and the time moves
// even when the clock does not.
func TestSyncWithoutDuration(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithSyncDuration(-1))
	id := s.Add(synced(c))
	equal(t, s.sync(id), map[string]any{"lastSyncDateTime": "2026-11-20T11:00:00Z"})
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "completed", "lastSyncDateTime": "2026-11-20T12:00:00Z"})
	s.sync(id)
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "completed", "lastSyncDateTime": "2026-11-20T12:00:00.001Z"})
}

func TestSyncOnTheRealClock(t *testing.T) {
	t.Parallel()
	s := newService(t, vpptokentest.WithNow(nil), vpptokentest.WithSyncDuration(time.Millisecond))
	id := s.Add(vpptoken.VPPToken{})
	s.sync(id)
	for start := time.Now(); s.get(id)["lastSyncDateTime"] == "0001-01-01T00:00:00Z"; {
		if time.Since(start) > 10*time.Second {
			t.Fatal("the sync never ended")
		}
	}
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "completed"})
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	before := map[string]any{"expirationDateTime": "2026-11-21T12:00:00Z", "organizationName": "Nordwind"}
	after := map[string]any{
		"expirationDateTime": "2027-11-20T18:13:52Z", "organizationName": "Nordwind School District",
	}
	for _, tt := range []struct {
		name     string
		state    vpptoken.State
		claim    bool
		outcomes []vpptokentest.SyncOutcome
		want     map[string]any
		status   string
		wantEnd  string
	}{
		{"completes", "valid", false, nil, after, "completed", "valid"},
		{"was expired", "expired", false, nil, after, "completed", "valid"},
		{"was invalid", "invalid", false, nil, after, "completed", "valid"},
		{"another MDM's", "assignedToExternalMDM", false, nil, after, "completed", "assignedToExternalMDM"},
		{"another MDM's, claimed", "assignedToExternalMDM", true, nil, after, "completed", "valid"},
		{"fails", "valid", false, []vpptokentest.SyncOutcome{vpptokentest.SyncFails}, before, "failed", "valid"},
		{"is a duplicate", "duplicateLocationId", false, nil, before, "failed", "duplicateLocationId"},
		{
			"becomes a duplicate", "valid", false,
			[]vpptokentest.SyncOutcome{vpptokentest.SyncFindsDuplicate},
			after, "completed", "duplicateLocationId",
		},
		{
			"never ends", "expired", false,
			[]vpptokentest.SyncOutcome{vpptokentest.SyncNeverEnds},
			before, "inProgress", "expired",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClock(t)
			s := newService(t, withClock(c), vpptokentest.WithSyncDuration(time.Minute))
			token := synced(c)
			token.State, token.ClaimTokenManagementFromExternalMDM = tt.state, tt.claim
			id := s.Add(token)
			s.NextSync(id, tt.outcomes...)
			equal(t, s.patch(id, `{"token":"`+nordwind(t)+`"}`), before)
			equal(t, s.get(id), before)
			s.sync(id)
			equal(t, s.get(id), before)
			equal(t, s.get(id), before)
			c.advance(24 * time.Hour)
			got := s.get(id)
			equal(t, got, tt.want)
			equal(t, got, map[string]any{"lastSyncStatus": tt.status, "state": tt.wantEnd})
		})
	}
}

// What an upload brings is not lost when a sync fails, and not kept when the token is cleared.
func TestRenewalAfterAFailedSync(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithSyncDuration(0))
	id := s.Add(synced(c))
	s.patch(id, `{"token":"`+nordwind(t)+`"}`)
	s.NextSync(id, vpptokentest.SyncFails)
	s.sync(id)
	equal(t, s.get(id), map[string]any{"expirationDateTime": "2026-11-21T12:00:00Z", "lastSyncStatus": "failed"})
	s.patch(id, `{"displayName":"x"}`)
	s.sync(id)
	equal(t, s.get(id), map[string]any{"expirationDateTime": "2027-11-20T18:13:52Z", "lastSyncStatus": "completed"})

	id = s.Add(synced(c))
	s.patch(id, `{"token":"`+nordwind(t)+`"}`)
	s.patch(id, `{"token":null}`)
	s.sync(id)
	equal(t, s.get(id), map[string]any{"expirationDateTime": "2026-11-21T12:00:00Z", "lastSyncStatus": "completed"})
}

// A sync that was over before the upload brings nothing, even when nobody has looked in between.
func TestRenewalAfterTheSync(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithSyncDuration(time.Minute))
	id := s.Add(synced(c))
	s.sync(id)
	c.advance(time.Hour)
	old := map[string]any{"expirationDateTime": "2026-11-21T12:00:00Z", "lastSyncDateTime": "2026-11-20T12:01:00Z"}
	equal(t, s.patch(id, `{"token":"`+nordwind(t)+`"}`), old)
	equal(t, s.get(id), old)
}

// An upload is learnt from once: what happened to the token after that stays.
func TestRenewalIsLearntOnce(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c))
	id := s.Add(synced(c))
	s.patch(id, `{"token":"`+nordwind(t)+`"}`)
	s.sync(id)
	c.advance(time.Minute)
	s.Edit(id, func(token *vpptoken.VPPToken) {
		if token.LastSyncStatus != vpptoken.SyncStatusCompleted || token.ExpirationDateTime.Year() != 2027 {
			t.Errorf("Edit shows %s and %v, want what the sync left", token.LastSyncStatus, token.ExpirationDateTime)
		}
		token.State = vpptoken.StateInvalid
	})
	s.sync(id)
	c.advance(time.Minute)
	equal(t, s.get(id),
		map[string]any{"state": "invalid", "lastSyncStatus": "completed", "lastSyncDateTime": "2026-11-20T12:01:00.1Z"})
}

// A content token that has expired already makes the token expired.
func TestRenewalWithAnOldFile(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithSyncDuration(0))
	id := s.Add(synced(c))
	c.advance(2 * 365 * 24 * time.Hour)
	s.patch(id, `{"token":"`+nordwind(t)+`"}`)
	s.sync(id)
	equal(t, s.get(id), map[string]any{"expirationDateTime": "2027-11-20T18:13:52Z", "state": "expired"})
}

// Text that is no content token is accepted, as in Microsoft's own example, and changes nothing.
func TestUploadOfOtherText(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithSyncDuration(0))
	id := s.Add(synced(c))
	for _, text := range []string{
		"Token value", "e30=", "eyJ0b2tlbiI6IngiLCJleHBEYXRlIjoic29vbiJ9",
		"eyJleHBEYXRlIjoiMjAyNy0xMS0yMFQxODoxMzo1MiswMDAwIn0=",
	} {
		s.patch(id, `{"token":"`+text+`"}`)
		s.sync(id)
		equal(t, s.get(id), map[string]any{
			"expirationDateTime": "2026-11-21T12:00:00Z", "lastSyncStatus": "completed", "state": "valid",
		})
	}
}

func TestEditEndsASync(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c))
	id := s.Add(synced(c))
	s.NextSync(id, vpptokentest.SyncNeverEnds)
	s.sync(id)
	c.advance(time.Hour)
	s.Edit(id, func(token *vpptoken.VPPToken) {
		if token.LastSyncStatus != vpptoken.SyncStatusInProgress {
			t.Errorf("Edit shows status %q", token.LastSyncStatus)
		}
		token.DisplayName = "still running"
	})
	s.get(id)
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "inProgress", "displayName": "still running"})
	s.Edit(id, func(token *vpptoken.VPPToken) { token.LastSyncStatus = vpptoken.SyncStatusFailed })
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "failed", "lastSyncDateTime": "2026-11-20T11:00:00Z"})
	s.sync(id)
	c.advance(time.Hour)
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "completed", "lastSyncDateTime": "2026-11-20T13:00:00.1Z"})
}
