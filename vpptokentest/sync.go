package vpptokentest

import (
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
)

// SyncOutcome is how a sync that was asked for ends; see [Server.NextSync]. The zero value is SyncCompletes.
type SyncOutcome int

// How a sync ends. Each but SyncNeverEnds moves lastSyncDateTime.
const (
	SyncCompletes      SyncOutcome = iota // status completed; an uploaded content token now shows its expiry and organisation
	SyncFails                             // status failed; an uploaded content token goes on waiting
	SyncNeverEnds                         // stays inProgress, whatever the clock says, until Edit gives it another status
	SyncFindsDuplicate                    // as SyncCompletes, but the state becomes duplicateLocationId: syncs after that fail
)

// NextSync scripts how the next syncs of the token with that id end, in order; those after them complete. A sync asked for while
// another one runs joins it and counts for nothing. It panics when there is no such token.
func (s *Server) NextSync(id string, outcomes ...SyncOutcome) {
	s.tenant.mu.Lock()
	defer s.tenant.mu.Unlock()
	e := s.tenant.mustFind("NextSync", id)
	e.next = append(e.next, outcomes...)
}

// run is a sync under way. What it does shows only when somebody looks: nothing runs in the background.
type run struct {
	ends    time.Time
	outcome SyncOutcome
	lags    bool // nobody has read the token yet: the first one still sees the old status
}

// start begins a sync, or joins the one that runs; the caller has settled what is over.
func (e *entry) start(now time.Time, takes time.Duration) {
	if e.run != nil {
		return
	}
	r := &run{ends: now.Add(takes), lags: true}
	if len(e.next) > 0 {
		r.outcome, e.next = e.next[0], e.next[1:]
	}
	e.run = r
}

// read returns what a read shows, and is one.
func (e *entry) read(now time.Time) *vpptoken.VPPToken {
	t := e.peek(now)
	if e.run != nil {
		e.run.lags = false
	}
	return t
}

// peek returns what the answer to a write shows. It is not changed by its callers.
func (e *entry) peek(now time.Time) *vpptoken.VPPToken {
	e.settle(now)
	if e.run == nil || e.run.lags {
		return &e.token
	}
	t := e.token
	t.LastSyncStatus = vpptoken.SyncStatusInProgress
	return &t
}

// settle ends a sync whose time has come.
func (e *entry) settle(now time.Time) {
	if e.run == nil || e.run.outcome == SyncNeverEnds || now.Before(e.run.ends) {
		return
	}
	t, outcome, ends := &e.token, e.run.outcome, e.run.ends
	e.run = nil
	if !ends.After(t.LastSyncDateTime) {
		ends = t.LastSyncDateTime.Add(time.Millisecond) // a clock that stands still, or a token from the future
	}
	t.LastSyncDateTime, t.LastModifiedDateTime = ends, ends
	if outcome == SyncFails || t.State == vpptoken.StateDuplicateLocationID {
		t.LastSyncStatus = vpptoken.SyncStatusFailed
		return
	}
	t.LastSyncStatus = vpptoken.SyncStatusCompleted
	if e.uploaded != nil {
		e.uploaded.show(t, ends)
		e.uploaded = nil
	}
	if t.State == vpptoken.StateAssignedToExternalMDM && t.ClaimTokenManagementFromExternalMDM {
		t.State = byDate(t.ExpirationDateTime, ends) // claimed
	}
	if outcome == SyncFindsDuplicate {
		t.State = vpptoken.StateDuplicateLocationID
	}
}

// content is what a content token tells about itself.
type content struct {
	organizationName string
	expires          time.Time
}

// show lets t follow its content token. It does not end another MDM's hold.
func (c content) show(t *vpptoken.VPPToken, now time.Time) {
	t.ExpirationDateTime = c.expires
	if c.organizationName != "" {
		t.OrganizationName = c.organizationName
	}
	if t.State != vpptoken.StateAssignedToExternalMDM {
		t.State = byDate(c.expires, now)
	}
}

func byDate(expires, now time.Time) vpptoken.State {
	if now.Before(expires) {
		return vpptoken.StateValid
	}
	return vpptoken.StateExpired
}

// readContent returns nil for text that is no content token: Microsoft's own examples upload "Token value", so that is
// accepted and has no effect.
func readContent(text string) *content {
	ct, err := contenttoken.Parse([]byte(text))
	if err != nil {
		return nil
	}
	return &content{organizationName: ct.OrganizationName, expires: ct.ExpirationDateTime.UTC()}
}
