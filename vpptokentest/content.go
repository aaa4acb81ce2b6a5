package vpptokentest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
)

// ContentToken returns the text of a .vpptoken file that Apple never made: base64 of token, expDate
// and orgName, with another token in it each time. The expiry has whole seconds, as Apple's has. It
// panics when organization is empty or expires is not a date that such a file can hold.
func ContentToken(organization string, expires time.Time) vpptoken.Secret {
	text := base64.StdEncoding.EncodeToString(mustJSON(struct {
		Token   string `json:"token"`
		ExpDate string `json:"expDate"`
		OrgName string `json:"orgName"`
	}{
		base64.StdEncoding.EncodeToString([]byte(rand.Text() + rand.Text())),
		expires.UTC().Format("2006-01-02T15:04:05-0700"),
		organization,
	}))
	if _, err := contenttoken.Parse([]byte(text)); err != nil {
		panic(fmt.Sprintf("vpptokentest: ContentToken: %v", err))
	}
	return vpptoken.NewSecret(text)
}

// content is what a content token tells about itself.
type content struct {
	organizationName string
	expires          time.Time
}

// readContent returns nil for text that is no content token: Microsoft's own examples upload "Token
// value", so that is accepted and has no effect.
func readContent(text vpptoken.Secret) *content {
	ct, err := contenttoken.Parse([]byte(text.Reveal()))
	if err != nil {
		return nil
	}
	return &content{organizationName: ct.OrganizationName, expires: ct.ExpirationDateTime.UTC()}
}

// show lets a token follow its content token. It does not end another MDM's hold.
func (e *entry) show(c *content, now time.Time) {
	t := &e.token
	t.ExpirationDateTime, e.ages = c.expires, true
	if c.organizationName != "" {
		t.OrganizationName = c.organizationName
	}
	if t.State != vpptoken.StateAssignedToExternalMDM {
		t.State = byDate(c.expires, now)
	}
}

// fresh returns the entry of a token that is new here. What it leaves open it takes from its
// content token.
func fresh(t vpptoken.VPPToken, now time.Time) *entry {
	e := &entry{token: t}
	c := readContent(t.Token)
	if c != nil && t.OrganizationName == "" {
		e.token.OrganizationName = c.organizationName
	}
	if c != nil && t.ExpirationDateTime.IsZero() {
		e.token.ExpirationDateTime = c.expires
		e.ages = t.State == ""
	}
	if e.ages {
		e.token.State = byDate(c.expires, now)
	}
	e.token = filled(e.token)
	return e
}

func byDate(expires, now time.Time) vpptoken.State {
	if now.Before(expires) {
		return vpptoken.StateValid
	}
	return vpptoken.StateExpired
}

// sharesLocation reports whether both tokens are of one location, as far as can be seen from here:
// the same content token, or the same name of the location in one organization. Text that is no
// content token tells nothing.
func (e *entry) sharesLocation(other *entry) bool {
	a, b := &e.token, &other.token
	if a.LocationName != "" && strings.EqualFold(a.LocationName, b.LocationName) &&
		strings.EqualFold(a.OrganizationName, b.OrganizationName) {
		return true
	}
	text := strings.TrimSpace(a.Token.Reveal())
	return text != "" && text == strings.TrimSpace(b.Token.Reveal()) && readContent(a.Token) != nil
}

// locate makes duplicates of e and the others of its location, and then heals those that are alone
// again. A nil e makes none: one has gone, or the state that it has was asked for.
func (g *tenant) locate(e *entry) {
	if e != nil && e.token.LocationName == "" && readContent(e.token.Token) == nil {
		e = nil // nothing tells its location
	}
	for _, other := range g.entries {
		if e != nil && other != e && e.sharesLocation(other) {
			e.duplicate()
			other.duplicate()
		}
	}
	for i, one := range g.entries {
		if one.before != "" && !g.isShared(i) {
			one.heal()
		}
	}
}

func (g *tenant) isShared(i int) bool {
	for j, other := range g.entries {
		if j != i && g.entries[i].sharesLocation(other) {
			return true
		}
	}
	return false
}

func (e *entry) duplicate() {
	if e.token.State != vpptoken.StateDuplicateLocationID {
		e.before, e.token.State = e.token.State, vpptoken.StateDuplicateLocationID
	}
}

func (e *entry) heal() {
	if e.token.State == vpptoken.StateDuplicateLocationID {
		e.token.State = e.before
	}
	e.before = ""
}
