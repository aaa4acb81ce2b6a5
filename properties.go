package vpptoken

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// each is the single list of a token's properties, in the order of Microsoft's table: the name, the
// fields of [Patch] and [VPPToken], and the marks. Whatever the package does property by property
// is a visit of this list, so a new property needs one line here, besides its fields and its Set.
// testdata/properties.csv has the facts that the list must match.
func each(v *visit, p *Patch, t *VPPToken) {
	v.at = -1
	text[string](v, "id", nil, &t.ID, 0)
	text(v, "organizationName", &p.OrganizationName, &t.OrganizationName, nullOrganizationName)
	word(v, "vppTokenAccountType", &p.AccountType, &t.AccountType, 0)
	text(v, "appleId", &p.AppleID, &t.AppleID, nullAppleID)
	when(v, "expirationDateTime", &p.ExpirationDateTime, &t.ExpirationDateTime, 0)
	when(v, "lastSyncDateTime", &p.LastSyncDateTime, &t.LastSyncDateTime, 0)
	secret(v, "token", &p.Token, &t.Token, nullToken)
	when(v, "lastModifiedDateTime", &p.LastModifiedDateTime, &t.LastModifiedDateTime, 0)
	word(v, "state", &p.State, &t.State, 0)
	results(v, "tokenActionResults", &p.TokenActionResults, &t.TokenActionResults, beta)
	word(v, "lastSyncStatus", &p.LastSyncStatus, &t.LastSyncStatus, 0)
	flag(v, "automaticallyUpdateApps", &p.AutomaticallyUpdateApps, &t.AutomaticallyUpdateApps, 0)
	text(v, "countryOrRegion", &p.CountryOrRegion, &t.CountryOrRegion, nullCountryOrRegion|anyCase)
	flag(v, "dataSharingConsentGranted", &p.DataSharingConsentGranted, &t.DataSharingConsentGranted, beta)
	text(v, "displayName", &p.DisplayName, &t.DisplayName, nullDisplayName|beta)
	text(v, "locationName", &p.LocationName, &t.LocationName, nullLocationName|beta)
	flag(v, "claimTokenManagementFromExternalMdm",
		&p.ClaimTokenManagementFromExternalMDM, &t.ClaimTokenManagementFromExternalMDM, beta)
	texts(v, "roleScopeTagIds", &p.RoleScopeTagIDs, &t.RoleScopeTagIDs, beta)
	word(v, "appleDeviceAppDeliveryProtocolType", &p.AppDeliveryProtocolType, &t.AppDeliveryProtocolType, beta)
}

// Visits that concern only one of the two get these for the other. Nothing writes to them.
var (
	noPatch Patch
	noToken VPPToken
)

// maxProperties bounds the list: presence has a bit for each property.
const maxProperties = 32

// mark holds further facts about a property.
type mark uint16

const (
	beta    mark = 1 << iota // v1.0 does not have it
	anyCase                  // its value is compared ignoring case

	// One for each nullable property. A Patch keeps those of the properties that it clears.
	nullOrganizationName
	nullAppleID
	nullToken
	nullCountryOrRegion
	nullDisplayName
	nullLocationName

	nullable = ^(beta | anyCase)
)

// action is what a visit does at each property.
type action int

const (
	readToken action = iota // take the member named by the input into the token
	readPatch               // the same, into the patch
	find                    // describe the property with the name
	write                   // put what the patch holds into a body
	drop                    // remove from the patch what the token already has
	fill                    // set in the patch all that the token holds
	unread                  // name the booleans that are false because they were not read
	compare                 // report whether the token differs from the patch
	own                     // copy what the fields of the patch point to
)

// visit is a walk along the list. Fields that an action does not need are zero.
type visit struct {
	do       action
	at       int             // the index of the property
	text     []byte          // readToken, readPatch, find: the text that contains the name
	from, to int             // of the name in text: of the current member, or to look up
	more     bool            // readToken, readPatch: there is a current member
	found    bool            // the list has the name
	in       *reader         // readToken, readPatch
	notes    [2][]byte       // readToken: the first annotations that were there
	others   map[string]bool // readToken: the others
	nulls    mark            // readPatch, write, drop: the properties that the patch clears
	seen     presence        // readToken, drop, unread: what the token was read with
	body     *body           // write
	differs  bool            // compare
	names    []string        // unread
	bit      uint32          // find: of the property
	marks    mark            // find: of the property
	zero     bool            // find: the token holds its zero value
}

func (v *visit) name() []byte { return v.text[v.from:v.to] }

// skips advances to the next property and reports whether to skip it.
func (v *visit) skips(name string) bool {
	v.at++
	return v.do <= find && (v.to-v.from != len(name) || string(v.name()) != name)
}

// kind says how to read, write and compare the values of a type.
type kind[T any] struct {
	read  func(in *reader, into *T, last *string) bool      // false: the wrong kind of value
	write func(b []byte, v T) (text []byte, problem string) // problem: why it can't be encoded
	same  func(a, b T, exactly bool) bool                   // not exactly: as the service compares them
	check func(v T) (problem string)                        // why the service must not get it; nil: no check
}

func text[T ~string](v *visit, name string, p **T, t *T, m mark) {
	if v.skips(name) {
		return
	}
	same := func(a, b T, exactly bool) bool {
		return a == b || !exactly && m&anyCase != 0 && strings.EqualFold(string(a), string(b))
	}
	property(v, name, p, t, m, kind[T]{read: readText[T], write: writeText[T], same: same})
}

// word is an enum.
func word[T interface {
	~string
	IsKnown() bool
}](v *visit, name string, p **T, t *T, m mark,
) {
	if v.skips(name) {
		return
	}
	property(v, name, p, t, m, kind[T]{readText[T], writeText[T], equal[T], checkWord[T]})
}

func checkWord[T ~string](w T) string {
	if w == "unknownFutureValue" {
		return "is unknownFutureValue, which Graph ignores in a request"
	}
	return ""
}

func flag(v *visit, name string, p **bool, t *bool, m mark) {
	if !v.skips(name) {
		property(v, name, p, t, m, kind[bool]{read: readFlag, write: writeFlag, same: equal[bool]})
	}
}

func when(v *visit, name string, p **time.Time, t *time.Time, m mark) {
	if !v.skips(name) {
		property(v, name, p, t, m, kind[time.Time]{read: readTime, write: writeTime, same: sameTime})
	}
}

// secret never equals what was read, because reads do not show it.
func secret(v *visit, name string, p **Secret, t *Secret, m mark) {
	if v.skips(name) || v.do == drop {
		return
	}
	check := func(s Secret) string {
		switch s.Reveal() {
		case "":
			return "is the zero Secret, as in a token that was read: there is nothing to send"
		case redacted:
			return "is REDACTED, the mark for logs, not a content token"
		}
		return ""
	}
	property(v, name, p, t, m, kind[Secret]{readSecret, writeSecret, sameSecret, check})
}

// texts is a set: the service returns it in any order.
func texts(v *visit, name string, p **[]string, t *[]string, m mark) {
	if v.skips(name) {
		return
	}
	same := func(a, b []string, exactly bool) bool {
		if !exactly {
			a, b = slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b)))
		}
		return slices.Equal(a, b)
	}
	property(v, name, p, t, m, kind[[]string]{read: readTexts, write: writeTexts, same: same})
}

func results(v *visit, name string, p **[]ActionResult, t *[]ActionResult, m mark) {
	if v.skips(name) {
		return
	}
	same := func(a, b []ActionResult, exactly bool) bool {
		return slices.EqualFunc(a, b, func(a, b ActionResult) bool { return sameResult(a, b, exactly) })
	}
	check := func(rs []ActionResult) (problem string) {
		for _, r := range rs {
			problem = cmp.Or(problem, checkWord(r.ActionState), checkWord(r.ActionFailureReason))
		}
		return problem
	}
	property(v, name, p, t, m, kind[[]ActionResult]{readResults, writeResults, same, check})
}

func equal[T comparable](a, b T, _ bool) bool { return a == b }

func sameSecret(a, b Secret, _ bool) bool { return a.Equal(b) }

// presence records what a token was read with, one bit for each property of the list. It is zero
// for a token built by hand.
type presence struct {
	decoded   bool
	has, null uint32
}

// includes reports whether the token's value for a property is the service's.
func (s presence) includes(bit uint32) bool { return !s.decoded || s.has&bit != 0 }

// property carries out the visit's action. p is nil for a property that no body may hold.
func property[T any](v *visit, name string, p **T, t *T, m mark, k kind[T]) {
	v.found = true
	bit := uint32(1) << v.at
	var zero T
	switch v.do {
	case readToken:
		if v.seen.has&bit != 0 {
			v.in.twice(name)
		}
		if v.in.null() {
			v.seen.null |= bit
		} else if !k.read(v.in, t, v.in.last(v.at)) {
			v.in.wrongKind(name)
		}
		v.seen.has |= bit
		v.next()
	case readPatch:
		switch {
		case p == nil:
			v.found = false
			return
		case v.seen.has&bit != 0:
			v.in.twice(name)
		case m&nullable != 0 && v.in.null():
			v.nulls |= m & nullable
		default:
			*p = new(T)
			if !k.read(v.in, *p, v.in.last(v.at)) {
				v.in.wrongKind(name)
			}
		}
		v.seen.has |= bit
		v.next()
	case find:
		v.bit, v.marks, v.zero = bit, m, k.same(*t, zero, true)
	case write:
		switch {
		case p == nil:
		case *p != nil:
			v.body.member(name, m)
			text, problem := k.write(v.body.text, **p)
			if problem == "" && k.check != nil && v.body.version != "" {
				problem = k.check(**p)
			}
			v.body.text = text
			v.body.refuse(name, problem)
		case v.nulls&m&nullable != 0:
			v.body.member(name, m)
			v.body.text = append(v.body.text, "null"...)
		}
	case drop:
		if p == nil || !v.seen.includes(bit) {
			return
		}
		isZero := k.same(*t, zero, true)
		isNull := m&nullable != 0 && isZero && v.seen.null&bit != 0
		isSet := *p != nil && !isNull && k.same(**p, *t, false)
		isCleared := *p == nil && isZero && (isNull || !v.seen.decoded)
		if isSet || isCleared {
			*p, v.nulls = nil, v.nulls&^(m&nullable)
		}
	case fill:
		if p != nil {
			*p = t
		}
	case unread:
		if known, isFlag := any(*t).(bool); isFlag && !known && !v.seen.includes(bit) {
			v.names = append(v.names, name)
		}
	case compare:
		v.differs = v.differs || p != nil && !k.same(**p, *t, true)
	case own:
		if p != nil && *p != nil {
			*p = new(**p)
		}
	}
}

// lookUp finds a property by its exact name. If there is none, found is false.
func lookUp(name string, t *VPPToken) *visit {
	v := &visit{do: find, text: []byte(name), to: len(name)}
	each(v, &noPatch, t)
	return v
}

// betaProperty reports whether v1.0 lacks a property.
func betaProperty(name string) bool { return lookUp(name, &noToken).marks&beta != 0 }
