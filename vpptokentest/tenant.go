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

// tenant is what Intune holds. The lock is held through a whole operation, so that each is carried
// out at one instant.
type tenant struct {
	mu       sync.Mutex
	entries  []*entry // in the order of their numbers
	byID     map[string]*entry
	last     int // the highest number given so far
	licenses map[string][]vpptoken.LicenseSummary
	schema   []property
	clock    func() time.Time
	syncFor  time.Duration
	writes   *throttle

	countRoute  bool
	refuseSyncs int // the status; 0: they join
}

// entry is one token. Its number is what a skip token names: it stays when others go.
type entry struct {
	number   int
	token    vpptoken.VPPToken // as it is outside of a running sync
	uploaded *content          // what the next completed sync will learn from
	run      *run              // nil when no sync runs
	next     []SyncOutcome
	revoking []revocation   // under way, in order
	ages     bool           // the expiry came from a content token, and the state follows it
	before   vpptoken.State // what a duplicate becomes when it is alone; "" when it is none, or was made one by hand
}

func newTenant(c config) *tenant {
	return &tenant{
		byID:     make(map[string]*entry),
		licenses: make(map[string][]vpptoken.LicenseSummary),
		schema:   schema(),
		clock:    c.now,
		syncFor:  c.syncFor,
		writes:   c.throttle,

		countRoute:  c.countRoute,
		refuseSyncs: c.refuseSyncs,
	}
}

// now has the precision of the service's times.
func (g *tenant) now() time.Time { return g.clock().UTC().Truncate(100 * time.Nanosecond) }

// Add adds t to the tenant as it is, including Extra, and returns its id. It fills in what the
// service would never leave empty: a fresh ID, AccountType business, State valid, LastSyncStatus
// completed when LastSyncDateTime is set and none otherwise, and AppDeliveryProtocolType default.
// Where Token is a content token, as [ContentToken] makes them, an empty OrganizationName and a
// zero ExpirationDateTime come from it, and then an empty State too. A token without State of a
// location that is here already makes both duplicates. A token with the same ID is replaced. Add
// panics when t can't be written as JSON.
func (s *Server) Add(t vpptoken.VPPToken) string {
	if t.ID == "" {
		t.ID = newGUID()
	}
	s.tenant.check("Add", t)
	now := s.tenant.enter()
	defer s.tenant.mu.Unlock()
	e := fresh(cloned(t), now)
	if old := s.tenant.byID[t.ID]; old != nil {
		e.number = old.number
		*old, e = *e, old
	} else {
		s.tenant.append(e)
	}
	if t.State != "" {
		e = nil
	}
	s.tenant.locate(e)
	return t.ID
}

// Token returns the token with that id as it is now, without a request: with its Apple token, and
// inProgress from the moment in which a sync began. It is false when there is none. What it returns
// is the caller's own.
func (s *Server) Token(id string) (vpptoken.VPPToken, bool) {
	s.tenant.enter()
	defer s.tenant.mu.Unlock()
	e := s.tenant.byID[id]
	if e == nil {
		return vpptoken.VPPToken{}, false
	}
	return e.truth(), true
}

// Tokens returns all tokens as [Server.Token] does, in the order of a list.
func (s *Server) Tokens() []vpptoken.VPPToken {
	s.tenant.enter()
	defer s.tenant.mu.Unlock()
	list := make([]vpptoken.VPPToken, len(s.tenant.entries))
	for i, e := range s.tenant.entries {
		list[i] = e.truth()
	}
	return list
}

// Edit changes the token with that id as the service, or another administrator, would: f gets what
// [Server.Token] returns, and what it leaves is kept, save for a change of ID. A status other than
// inProgress ends a running sync there, and other TokenActionResults end a running revocation. f
// must not call the server. Edit panics when there is no such token, or it can't be written as
// JSON.
func (s *Server) Edit(id string, f func(*vpptoken.VPPToken)) {
	s.tenant.enter()
	defer s.tenant.mu.Unlock()
	e := s.tenant.mustFind("Edit", id)
	before := e.truth()
	edited := cloned(before)
	f(&edited)
	edited.ID = id
	s.tenant.check("Edit", edited)
	after := filled(cloned(edited)) // f may have kept its own
	switch {
	case e.run == nil:
	case after.LastSyncStatus == vpptoken.SyncStatusInProgress:
		after.LastSyncStatus = e.token.LastSyncStatus // what it was before the sync, which still runs
	default:
		e.run = nil
	}
	if slices.Equal(after.TokenActionResults, before.TokenActionResults) {
		after.TokenActionResults = e.token.TokenActionResults
	} else {
		e.revoking = nil
	}
	s.tenant.put(e, after, after.State != before.State)
}

// put gives e a changed token. A state that was asked for is kept.
func (g *tenant) put(e *entry, t vpptoken.VPPToken, asked bool) {
	before := e.token
	e.token = t
	if asked {
		e.before = ""
	}
	e.ages = e.ages && !asked && t.ExpirationDateTime.Equal(before.ExpirationDateTime)
	moved := t.Token.Reveal() != before.Token.Reveal() ||
		t.LocationName != before.LocationName || t.OrganizationName != before.OrganizationName
	switch {
	case moved && !asked:
		g.locate(e)
	case moved:
		g.locate(nil)
	}
}

// AddLicenses adds what getLicensesForApp answers for an app. Revoking the licenses of the token
// that VPPTokenID names makes its used ones available.
func (s *Server) AddLicenses(bundleID string, l ...vpptoken.LicenseSummary) {
	s.tenant.enter()
	defer s.tenant.mu.Unlock()
	s.tenant.licenses[bundleID] = append(s.tenant.licenses[bundleID], l...)
}

func (g *tenant) append(e *entry) {
	g.last++
	e.number = g.last
	g.entries = append(g.entries, e)
	g.byID[e.token.ID] = e
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

// check panics when t can't be shown.
func (g *tenant) check(who string, t vpptoken.VPPToken) {
	for _, p := range g.schema {
		if _, twice := t.Extra[p.name]; twice {
			panic(fmt.Sprintf("vpptokentest: %s: Extra holds %s, which has a field of its own", who, p.name))
		}
	}
	if !json.Valid(g.encode(&t, view{beta: true})) {
		panic(fmt.Sprintf("vpptokentest: %s: token %q can't be written as JSON: a time or a value of Extra is none",
			who, t.ID))
	}
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
