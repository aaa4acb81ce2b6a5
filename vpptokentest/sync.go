package vpptokentest

import (
	"slices"
	"time"

	"github.com/vpptoken/vpptoken"
)

// SyncOutcome is how a sync ends; see [Server.NextSync]. The zero value is SyncCompletes.
type SyncOutcome int

// How a sync ends. SyncCompletes, SyncFails and SyncFindsDuplicate move lastSyncDateTime.
const (
	SyncCompletes      SyncOutcome = iota // status completed; a content token uploaded before the sync began now shows
	SyncFails                             // status failed; an uploaded content token goes on waiting
	SyncNeverEnds                         // stays inProgress, whatever the clock says, until Edit ends it
	SyncFindsDuplicate                    // as SyncCompletes, but with duplicateLocationId: syncs after that fail
	SyncFailsUnmoved                      // as SyncFails, but lastSyncDateTime stays: the service may do either
)

// NextSync scripts how the next syncs of the token with that id end, in order; those after them
// complete. A sync requested while another one runs joins it or is refused (see [WithSyncRefusal]),
// and uses up nothing. It panics when there is no such token.
func (s *Server) NextSync(id string, outcomes ...SyncOutcome) {
	s.tenant.enter()
	defer s.tenant.mu.Unlock()
	e := s.tenant.mustFind("NextSync", id)
	e.next = append(e.next, outcomes...)
}

// StartSync starts a sync of the token with that id behind the client's back, as Intune does once
// or twice a day: the next read shows it inProgress. It ends as NextSync says. While one runs
// already, StartSync does nothing. It panics when there is no such token.
func (s *Server) StartSync(id string) {
	now := s.tenant.enter()
	defer s.tenant.mu.Unlock()
	e := s.tenant.mustFind("StartSync", id)
	e.start(now, s.tenant.syncFor)
	e.run.lags = false
}

// run is a sync under way. What it does shows only when somebody looks: nothing runs in the
// background.
type run struct {
	ends    time.Time
	outcome SyncOutcome
	lags    bool     // nobody has read the token yet: the first one still sees the old status
	brings  *content // was uploaded before the sync began; what comes later is the next one's
}

// start begins a sync, or joins the one that runs.
func (e *entry) start(now time.Time, takes time.Duration) {
	if e.run != nil {
		return
	}
	e.run = &run{ends: now.Add(takes), lags: true, brings: e.uploaded}
	if len(e.next) > 0 {
		e.run.outcome, e.next = e.next[0], e.next[1:]
	}
}

// syncs reports whether a sync is under way, one that Edit or Add wrote included.
func (e *entry) syncs() bool {
	return e.run != nil || e.token.LastSyncStatus == vpptoken.SyncStatusInProgress
}

// read returns what a read shows, and counts as one: what runs moves on.
func (e *entry) read() *vpptoken.VPPToken {
	t := e.peek()
	if e.run != nil {
		e.run.lags = false
	}
	for i := range e.revoking {
		e.revoking[i].ActionState = vpptoken.ActionStateActive
	}
	return t
}

// peek returns what the answer to a write shows. It is not changed by its callers.
func (e *entry) peek() *vpptoken.VPPToken {
	if (e.run == nil || e.run.lags) && len(e.revoking) == 0 {
		return &e.token
	}
	t := e.token
	if e.run != nil && !e.run.lags {
		t.LastSyncStatus = vpptoken.SyncStatusInProgress
	}
	t.TokenActionResults = e.results()
	return &t
}

// truth is the token as it is, whatever reads still show. It shares nothing with e.
func (e *entry) truth() vpptoken.VPPToken {
	t := cloned(e.token)
	if e.run != nil {
		t.LastSyncStatus = vpptoken.SyncStatusInProgress
	}
	t.TokenActionResults = e.results()
	return t
}

func (e *entry) results() []vpptoken.ActionResult {
	list := slices.Clone(e.token.TokenActionResults)
	for _, r := range e.revoking {
		list = append(list, r.ActionResult)
	}
	return list
}

// enter takes the lock and ends what is over by now.
func (g *tenant) enter() time.Time {
	g.mu.Lock()
	now := g.now()
	for _, e := range g.entries {
		g.settle(e, now)
	}
	return now
}

func (g *tenant) settle(e *entry, now time.Time) {
	for len(e.revoking) > 0 && !now.Before(e.revoking[0].ends) {
		g.endRevocation(e)
	}
	if e.run != nil && e.run.outcome != SyncNeverEnds && !now.Before(e.run.ends) {
		g.endSync(e)
	}
	if e.ages && e.token.State == vpptoken.StateValid {
		e.token.State = byDate(e.token.ExpirationDateTime, now)
	}
}

func (g *tenant) endSync(e *entry) {
	t, r := &e.token, *e.run
	e.run = nil
	if !r.ends.After(t.LastSyncDateTime) {
		r.ends = t.LastSyncDateTime.Add(time.Millisecond) // a clock that stands still, or a token from the future
	}
	t.LastModifiedDateTime = r.ends
	if r.outcome != SyncFailsUnmoved {
		t.LastSyncDateTime = r.ends
	}
	if r.outcome == SyncFails || r.outcome == SyncFailsUnmoved || t.State == vpptoken.StateDuplicateLocationID {
		t.LastSyncStatus = vpptoken.SyncStatusFailed
		return
	}
	t.LastSyncStatus = vpptoken.SyncStatusCompleted
	if r.brings != nil && r.brings == e.uploaded {
		e.show(e.uploaded, r.ends)
		e.uploaded = nil
		g.locate(e)
	}
	if t.State == vpptoken.StateAssignedToExternalMDM && t.ClaimTokenManagementFromExternalMDM {
		t.State = byDate(t.ExpirationDateTime, r.ends) // claimed
	}
	if r.outcome == SyncFindsDuplicate {
		t.State = vpptoken.StateDuplicateLocationID
	}
}

// revocation is an action result that is not final yet.
type revocation struct {
	vpptoken.ActionResult
	ends time.Time
}

// revoke begins a revocation: pending, active from the second look on, and done when its time has
// come.
func (e *entry) revoke(now time.Time, takes time.Duration) {
	e.revoking = append(e.revoking, revocation{ends: now.Add(takes), ActionResult: vpptoken.ActionResult{
		ODataType: "#" + revokeResultType, ActionName: "revokeLicenses", ActionState: vpptoken.ActionStatePending,
		StartDateTime: now, LastUpdatedDateTime: now,
	}})
}

// endRevocation makes the licenses available that the token's apps use.
func (g *tenant) endRevocation(e *entry) {
	r := e.revoking[0]
	e.revoking = e.revoking[1:]
	r.ActionState, r.LastUpdatedDateTime = vpptoken.ActionStateDone, r.ends
	for _, list := range g.licenses {
		for i := range list {
			if l := &list[i]; l.VPPTokenID == e.token.ID {
				r.TotalLicensesCount += l.UsedLicenseCount
				l.AvailableLicenseCount, l.UsedLicenseCount = l.AvailableLicenseCount+l.UsedLicenseCount, 0
			}
		}
	}
	e.token.TokenActionResults = append(slices.Clip(e.token.TokenActionResults), r.ActionResult)
}
