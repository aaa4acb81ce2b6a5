package renew

import (
	"strings"
	"time"
	"unicode"

	"github.com/vpptoken/vpptoken"
)

// Snapshot is what the service showed of a token at one moment. It is for display and records:
// names are on one line and cut at 256 characters, and a state or status that can't be Graph's is
// left out.
type Snapshot struct {
	State              vpptoken.State      `json:"state,omitempty"`
	ExpirationDateTime time.Time           `json:"expirationDateTime,omitzero"` // zero if the service has none
	LastSyncDateTime   time.Time           `json:"lastSyncDateTime,omitzero"`   // zero if never synced
	LastSyncStatus     vpptoken.SyncStatus `json:"lastSyncStatus,omitempty"`
	OrganizationName   string              `json:"organizationName,omitempty"`
	LocationName       string              `json:"locationName,omitempty"` // beta
	DisplayName        string              `json:"displayName,omitempty"`  // beta
}

func snapshot(t *vpptoken.VPPToken) Snapshot {
	return Snapshot{
		State: word(t.State), ExpirationDateTime: t.ExpirationDateTime,
		LastSyncDateTime: t.LastSyncDateTime, LastSyncStatus: word(t.LastSyncStatus),
		OrganizationName: clean(t.OrganizationName), LocationName: clean(t.LocationName),
		DisplayName: clean(t.DisplayName),
	}
}

// word keeps a value that Microsoft may add to an enum, and nothing else.
func word[T ~string](w T) T {
	notWord := func(r rune) bool { return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') }
	if len(w) > 64 || strings.ContainsFunc(string(w), notWord) {
		return ""
	}
	return w
}

// clean puts external text on one line and truncates it.
func clean(s string) string {
	const most = 256
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s))
	return string(runes[:min(len(runes), most)])
}

// on formats a time to the second, as precisely as it is compared.
func on(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
