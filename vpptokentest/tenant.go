package vpptokentest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vpptoken/vpptoken"
)

// tenant is what Intune holds. The lock is held through a whole operation, so that each is carried out at one instant.
type tenant struct {
	mu       sync.Mutex
	entries  []*entry // in the order of their numbers
	byID     map[string]*entry
	last     int // the highest number given so far
	licenses map[string][]vpptoken.LicenseSummary
	schema   []property
	clock    func() time.Time
	syncFor  time.Duration
}

// entry is one token. Its number is what a skip token names: it stays when others go.
type entry struct {
	number   int
	token    vpptoken.VPPToken // as it is outside of a running sync
	uploaded *content          // what the next completed sync will learn from
	run      *run              // nil when no sync runs
	next     []SyncOutcome
}

func newTenant(c config) *tenant {
	return &tenant{
		byID:     make(map[string]*entry),
		licenses: make(map[string][]vpptoken.LicenseSummary),
		schema:   schema(),
		clock:    c.now,
		syncFor:  c.syncFor,
	}
}

// now has the precision of the service's times.
func (g *tenant) now() time.Time { return g.clock().UTC().Truncate(100 * time.Nanosecond) }

// Add puts t into the tenant as it is, Extra included, and returns its id. What the service would never leave empty is
// filled in: a fresh ID, AccountType business, State valid, LastSyncStatus completed when LastSyncDateTime is set and
// none otherwise, and AppDeliveryProtocolType default. A token with the same ID is replaced. It panics when t can't be
// written as JSON.
func (s *Server) Add(t vpptoken.VPPToken) string {
	if t.ID == "" {
		t.ID = newGUID()
	}
	t = s.tenant.checked("Add", t)
	s.tenant.mu.Lock()
	defer s.tenant.mu.Unlock()
	if e := s.tenant.byID[t.ID]; e != nil {
		*e = entry{number: e.number, token: t}
		return t.ID
	}
	s.tenant.append(t)
	return t.ID
}

// Edit changes the token with that id as the service, or another administrator, would: f gets what reads show now, with
// the Apple token, and what it leaves is kept, save for a change of ID. A status other than inProgress ends a
// running sync there. f must not call the server. Edit panics when there is no such token, or it can't be written as JSON.
func (s *Server) Edit(id string, f func(*vpptoken.VPPToken)) {
	s.tenant.mu.Lock()
	defer s.tenant.mu.Unlock()
	e := s.tenant.mustFind("Edit", id)
	e.settle(s.tenant.now())
	t := cloned(e.token)
	if e.run != nil {
		t.LastSyncStatus = vpptoken.SyncStatusInProgress
	}
	f(&t)
	t.ID = id
	after := s.tenant.checked("Edit", t)
	switch {
	case e.run == nil:
	case after.LastSyncStatus == vpptoken.SyncStatusInProgress:
		after.LastSyncStatus = e.token.LastSyncStatus // what it was before the sync, which still runs
	default:
		e.run = nil
	}
	e.token = after
}

// AddLicenses adds what getLicensesForApp answers for an app. Revoking the licences of the token that VPPTokenID names
// makes its used ones available.
func (s *Server) AddLicenses(bundleID string, l ...vpptoken.LicenseSummary) {
	s.tenant.mu.Lock()
	defer s.tenant.mu.Unlock()
	s.tenant.licenses[bundleID] = append(s.tenant.licenses[bundleID], l...)
}

func (g *tenant) append(t vpptoken.VPPToken) *entry {
	g.last++
	e := &entry{number: g.last, token: t}
	g.entries = append(g.entries, e)
	g.byID[t.ID] = e
	return e
}

// after returns the entries with higher numbers.
func (g *tenant) after(number int) []*entry {
	i, _ := slices.BinarySearchFunc(g.entries, number+1, func(e *entry, n int) int { return e.number - n })
	return g.entries[i:]
}

func (g *tenant) mustFind(who, id string) *entry {
	e := g.byID[id]
	if e == nil {
		panic(fmt.Sprintf("vpptokentest: %s: there is no token %q", who, id))
	}
	return e
}

// checked returns a copy that is complete and can be encoded, or panics.
func (g *tenant) checked(who string, t vpptoken.VPPToken) vpptoken.VPPToken {
	t = filled(cloned(t))
	for _, p := range g.schema {
		if _, twice := t.Extra[p.name]; twice {
			panic(fmt.Sprintf("vpptokentest: %s: Extra holds %s, which has a field of its own", who, p.name))
		}
	}
	if !json.Valid(g.encode(&t, view{beta: true})) {
		panic(fmt.Sprintf("vpptokentest: %s: token %q can't be written as JSON: a time or a value of Extra is none", who, t.ID))
	}
	return t
}

// filled gives the enums that are never empty a word.
func filled(t vpptoken.VPPToken) vpptoken.VPPToken {
	status := vpptoken.SyncStatusCompleted
	if t.LastSyncDateTime.IsZero() {
		status = vpptoken.SyncStatusNone
	}
	t.AccountType = cmp.Or(t.AccountType, vpptoken.AccountTypeBusiness)
	t.State = cmp.Or(t.State, vpptoken.StateValid)
	t.LastSyncStatus = cmp.Or(t.LastSyncStatus, status)
	t.AppDeliveryProtocolType = cmp.Or(t.AppDeliveryProtocolType, vpptoken.DeliveryProtocolDefault)
	return t
}

// cloned returns a copy that shares nothing that can be changed.
func cloned(t vpptoken.VPPToken) vpptoken.VPPToken {
	t.TokenActionResults = slices.Clone(t.TokenActionResults)
	t.RoleScopeTagIDs = slices.Clone(t.RoleScopeTagIDs)
	var extra map[string]json.RawMessage
	for name, value := range t.Extra {
		if extra == nil {
			extra = make(map[string]json.RawMessage, len(t.Extra))
		}
		extra[name] = slices.Clone(value)
	}
	t.Extra = extra
	return t
}
