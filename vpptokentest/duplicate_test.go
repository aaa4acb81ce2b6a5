package vpptokentest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

const duplicate = vpptoken.StateDuplicateLocationID

func states(s *service) []vpptoken.State {
	var list []vpptoken.State
	for _, token := range s.Tokens() {
		list = append(list, token.State)
	}
	return list
}

func (s *service) wantStates(when string, want ...vpptoken.State) {
	s.t.Helper()
	if diff := cmp.Diff(want, states(s)); diff != "" {
		s.t.Errorf("%s: %s", when, diff)
	}
}

func (s *service) upload(id string, file vpptoken.Secret) {
	s.t.Helper()
	s.patch(id, `{"token":"`+file.Reveal()+`"}`)
}

// Two tokens of one location are duplicates of each other, stop syncing, and heal when one goes or
// gets another content token.
func TestF41DuplicatesByContent(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithSyncDuration(0))
	file := func() vpptoken.Secret { return vpptokentest.ContentToken("Nordwind", c.Now().Add(time.Hour)) }
	one, two := file(), file()
	ids := []string{
		s.Add(vpptoken.VPPToken{Token: one}), s.Add(vpptoken.VPPToken{Token: two, State: vpptoken.StateInvalid}),
	}
	s.wantStates("two locations", "valid", "invalid")

	s.upload(ids[1], one)
	s.wantStates("a PATCH makes a duplicate", duplicate, duplicate)
	s.sync(ids[0])
	s.sync(ids[1])
	for _, id := range ids {
		equal(t, s.get(id), map[string]any{"state": "duplicateLocationId", "lastSyncStatus": "failed"})
	}
	s.upload(ids[1], file())
	s.wantStates("another content token heals both", "valid", "invalid")
	s.sync(ids[0])
	s.sync(ids[1])
	equal(t, s.get(ids[0]), map[string]any{"state": "valid", "lastSyncStatus": "completed"})
	equal(t, s.get(ids[1]),
		map[string]any{"state": "valid", "lastSyncStatus": "completed", "expirationDateTime": "2026-11-20T13:00:00Z"})

	m := s.want(s.send("POST", "/beta"+collection, `{"token":" `+one.Reveal()+`\n"}`), 201)
	s.wantStates("so does a creation", duplicate, "valid", duplicate)
	equal(t, m, map[string]any{"state": "duplicateLocationId"})
	third, _ := m["id"].(string)
	s.upload(ids[1], one)
	s.wantStates("three", duplicate, duplicate, duplicate)
	s.send("DELETE", "/beta"+collection+"/"+third, "")
	s.wantStates("two are left", duplicate, duplicate)
	c.advance(2 * time.Hour)
	s.send("DELETE", "/beta"+collection+"/"+ids[1], "")
	s.wantStates("one is left, and has expired since", "expired")
}

func TestF41DuplicatesByName(t *testing.T) {
	t.Parallel()
	s := newService(t, vpptokentest.WithSyncDuration(0))
	oslo := vpptoken.VPPToken{OrganizationName: "Nordwind", LocationName: "Oslo"}
	a := s.Add(oslo)
	s.wantStates("alone", "valid")
	b := s.Add(oslo)
	s.wantStates("Add makes a duplicate", duplicate, duplicate)
	s.patch(b, `{"displayName":"x"}`)
	s.wantStates("another property changes nothing", duplicate, duplicate)
	s.patch(b, `{"locationName":"Bergen"}`)
	s.wantStates("another location", "valid", "valid")
	s.patch(b, `{"locationName":"OSLO"}`)
	s.wantStates("the same again", duplicate, duplicate)
	s.Edit(b, func(token *vpptoken.VPPToken) { token.OrganizationName = "Other" })
	s.wantStates("another organization", "valid", "valid")
	s.Edit(b, func(token *vpptoken.VPPToken) { token.OrganizationName = "Nordwind" })
	s.wantStates("Edit makes a duplicate", duplicate, duplicate)
	s.patch(b, `{"state":"invalid"}`)
	s.patch(b, `{"displayName":"y"}`)
	s.wantStates("a state that is written stays", duplicate, "invalid")
	s.Add(vpptoken.VPPToken{ID: b, LocationName: "Bergen"})
	s.wantStates("replaced", "valid", "valid")
	oslo.State = vpptoken.StateValid
	s.Add(oslo)
	s.wantStates("Add with a state leaves all as they are", "valid", "valid", "valid")
	s.patch(a, `{"locationName":null}`)
	s.wantStates("without a name", "valid", "valid", "valid")
	s.Add(vpptoken.VPPToken{Token: vpptoken.NewSecret("Token value")})
	s.Add(vpptoken.VPPToken{Token: vpptoken.NewSecret("Token value"), OrganizationName: "Nordwind"})
	s.wantStates("text that is no content token tells nothing", "valid", "valid", "valid", "valid", "valid")
}

// A duplicate that the service found in another tenant has nothing here that it could heal by.
func TestF41DuplicateElsewhere(t *testing.T) {
	t.Parallel()
	s := newService(t, vpptokentest.WithSyncDuration(0))
	a, b := s.Add(vpptoken.VPPToken{LocationName: "Oslo"}), s.Add(vpptoken.VPPToken{LocationName: "Bergen"})
	s.NextSync(a, vpptokentest.SyncFindsDuplicate)
	s.sync(a)
	s.wantStates("found", duplicate, "valid")
	s.patch(b, `{"locationName":"Oslo"}`)
	s.patch(b, `{"locationName":"Bergen"}`)
	s.wantStates("a second one comes and goes", duplicate, "valid")
}
