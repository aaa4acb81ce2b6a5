package vpptoken

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Patch is a partial update. A nil field is left alone, a set field is sent even when it holds the
// zero value, and a cleared field is sent as null. The zero Patch changes nothing. It can be
// written as a literal or through its Set and Clear methods; the last write to a property counts.
//
// Microsoft lists every property as settable. Those marked "kept by Intune" are maintained by the
// service, which may ignore or refuse them. Microsoft Graph reference:
// https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-update
//
// Never build a Patch by reading a token, changing a field and writing it all back: the service
// hides the Apple token on reads, and you would undo what others changed in between. See
// [Patch.Diff].
//
// A nil field never clears anything. If your desired state uses pointers and nil means "no value"
// (an attribute that was removed from a configuration), copying the pointer would leave the old
// value in place: use [SetOrClear].
//
// A Patch is a request body, so encoding/json writes the real Apple token, and so does slog's JSON
// handler for a Patch inside a slice, a map or a struct. Logged on its own, it is redacted.
type Patch struct {
	OrganizationName                    *string
	AccountType                         *AccountType
	AppleID                             *string
	ExpirationDateTime                  *time.Time      // kept by Intune, from the content token
	LastSyncDateTime                    *time.Time      // kept by Intune
	Token                               *Secret         // the text of Apple's .vpptoken file, see package contenttoken
	LastModifiedDateTime                *time.Time      // kept by Intune
	State                               *State          // kept by Intune
	TokenActionResults                  *[]ActionResult // beta; kept by Intune; replaced as a whole
	LastSyncStatus                      *SyncStatus     // kept by Intune
	AutomaticallyUpdateApps             *bool
	CountryOrRegion                     *string
	DataSharingConsentGranted           *bool             // beta
	DisplayName                         *string           // beta
	LocationName                        *string           // beta
	ClaimTokenManagementFromExternalMDM *bool             // beta
	RoleScopeTagIDs                     *[]string         // beta; replaced as a whole
	AppDeliveryProtocolType             *DeliveryProtocol // beta

	nulls mark // the properties sent as null; a value, so that copies of a Patch are independent
}

// NewPatch returns an empty patch, to be filled by its Set and Clear methods.
func NewPatch() *Patch { return &Patch{} }

// SetOrganizationName sets the name of the organization, which Apple supplies.
func (p *Patch) SetOrganizationName(v string) *Patch {
	p = p.orNew()
	p.OrganizationName, p.nulls = &v, p.nulls&^nullOrganizationName
	return p
}

// SetAccountType sets which of Apple's programs the token belongs to.
func (p *Patch) SetAccountType(v AccountType) *Patch {
	p = p.orNew()
	p.AccountType = &v
	return p
}

// SetAppleID sets the account that the content token was downloaded with.
func (p *Patch) SetAppleID(v string) *Patch {
	p = p.orNew()
	p.AppleID, p.nulls = &v, p.nulls&^nullAppleID
	return p
}

// SetExpirationDateTime sets a date that Intune itself keeps, from the content token: the service
// may ignore it. Never send back one that you read. To renew use [Patch.SetToken].
func (p *Patch) SetExpirationDateTime(v time.Time) *Patch {
	p = p.orNew()
	p.ExpirationDateTime = &v
	return p
}

// SetLastSyncDateTime sets a time that Intune itself keeps: the service may ignore it. Never send
// back one that you read. To start a sync use [Client.StartSync].
func (p *Patch) SetLastSyncDateTime(v time.Time) *Patch {
	p = p.orNew()
	p.LastSyncDateTime = &v
	return p
}

// SetToken renews the content token: s is the text of Apple's .vpptoken file, unchanged.
func (p *Patch) SetToken(s Secret) *Patch {
	p = p.orNew()
	p.Token, p.nulls = &s, p.nulls&^nullToken
	return p
}

// SetLastModifiedDateTime sets a time that Intune itself keeps and moves with every sync: the
// service may ignore it. Never send back one that you read.
func (p *Patch) SetLastModifiedDateTime(v time.Time) *Patch {
	p = p.orNew()
	p.LastModifiedDateTime = &v
	return p
}

// SetState sets a verdict that Intune itself keeps: the service may ignore it. Never send back one
// that you read.
func (p *Patch) SetState(v State) *Patch {
	p = p.orNew()
	p.State = &v
	return p
}

// SetTokenActionResults replaces the list of action results, which Intune itself keeps; without
// arguments it sends an empty list. Never send back a list that you read. Beta.
func (p *Patch) SetTokenActionResults(rs ...ActionResult) *Patch {
	p = p.orNew()
	p.TokenActionResults = new(slices.Clone(rs))
	return p
}

// SetLastSyncStatus sets a status that Intune itself keeps: the service may ignore it. Never send
// back one that you read.
func (p *Patch) SetLastSyncStatus(v SyncStatus) *Patch {
	p = p.orNew()
	p.LastSyncStatus = &v
	return p
}

// SetAutomaticallyUpdateApps turns automatic updates of the token's apps on or off.
func (p *Patch) SetAutomaticallyUpdateApps(v bool) *Patch {
	p = p.orNew()
	p.AutomaticallyUpdateApps = &v
	return p
}

// SetCountryOrRegion sets the country of the store, a two-letter code such as "no".
func (p *Patch) SetCountryOrRegion(v string) *Patch {
	p = p.orNew()
	p.CountryOrRegion, p.nulls = &v, p.nulls&^nullCountryOrRegion
	return p
}

// SetDataSharingConsentGranted grants or withdraws consent to share data with Apple. Beta.
func (p *Patch) SetDataSharingConsentGranted(v bool) *Patch {
	p = p.orNew()
	p.DataSharingConsentGranted = &v
	return p
}

// SetDisplayName sets the administrator's name for the token. Beta.
func (p *Patch) SetDisplayName(v string) *Patch {
	p = p.orNew()
	p.DisplayName, p.nulls = &v, p.nulls&^nullDisplayName
	return p
}

// SetLocationName sets the name of the location, which Apple supplies. Beta.
func (p *Patch) SetLocationName(v string) *Patch {
	p = p.orNew()
	p.LocationName, p.nulls = &v, p.nulls&^nullLocationName
	return p
}

// SetClaimTokenManagementFromExternalMDM gives or withdraws consent to take the token from another
// MDM. Beta.
func (p *Patch) SetClaimTokenManagementFromExternalMDM(v bool) *Patch {
	p = p.orNew()
	p.ClaimTokenManagementFromExternalMDM = &v
	return p
}

// SetRoleScopeTagIDs replaces the list of scope tags; without arguments it sends an empty list.
// Beta.
func (p *Patch) SetRoleScopeTagIDs(ids ...string) *Patch {
	p = p.orNew()
	p.RoleScopeTagIDs = new(slices.Clone(ids))
	return p
}

// SetAppDeliveryProtocolType sets how devices are told to install the apps. Beta.
func (p *Patch) SetAppDeliveryProtocolType(v DeliveryProtocol) *Patch {
	p = p.orNew()
	p.AppDeliveryProtocolType = &v
	return p
}

// ClearOrganizationName sends null for the name of the organization.
func (p *Patch) ClearOrganizationName() *Patch {
	p = p.orNew()
	p.OrganizationName, p.nulls = nil, p.nulls|nullOrganizationName
	return p
}

// ClearAppleID sends null for the account that the content token was downloaded with.
func (p *Patch) ClearAppleID() *Patch {
	p = p.orNew()
	p.AppleID, p.nulls = nil, p.nulls|nullAppleID
	return p
}

// ClearToken sends null for the content token. What Intune then does with the apps is not
// documented.
func (p *Patch) ClearToken() *Patch {
	p = p.orNew()
	p.Token, p.nulls = nil, p.nulls|nullToken
	return p
}

// ClearCountryOrRegion sends null for the country of the store.
func (p *Patch) ClearCountryOrRegion() *Patch {
	p = p.orNew()
	p.CountryOrRegion, p.nulls = nil, p.nulls|nullCountryOrRegion
	return p
}

// ClearDisplayName sends null for the administrator's name for the token. Beta.
func (p *Patch) ClearDisplayName() *Patch {
	p = p.orNew()
	p.DisplayName, p.nulls = nil, p.nulls|nullDisplayName
	return p
}

// ClearLocationName sends null for the name of the location. Beta.
func (p *Patch) ClearLocationName() *Patch {
	p = p.orNew()
	p.LocationName, p.nulls = nil, p.nulls|nullLocationName
	return p
}

// orNew lets Set and Clear work on a nil *Patch, as append works on a nil slice.
func (p *Patch) orNew() *Patch {
	if p == nil {
		return NewPatch()
	}
	return p
}

// IsEmpty reports whether p, which may be nil, would change nothing. [Client.Update] refuses such a
// patch.
func (p *Patch) IsEmpty() bool { return p == nil || *p == Patch{} }

// Diff returns the part of p that would change current: send it with [Client.Update] unless it is
// empty. It compares times as instants, RoleScopeTagIDs as sets, CountryOrRegion ignoring case and
// TokenActionResults in order; an empty list equals none.
//
// Diff keeps what it can't compare: all of p if current is nil, properties that current was not
// read with (see [VPPToken.Has]), and a set or cleared Token, which reads never show. For a token
// that was read null and "" differ; for one built by hand they do not. Nil fields of p stay nil,
// even if current has a value: see [SetOrClear].
//
// The result is a new patch: changing it does not change p. For a nil p it is empty.
func (p *Patch) Diff(current *VPPToken) *Patch {
	d := *p.orNew()
	each(&visit{do: own}, &d, &noToken)
	if d.TokenActionResults != nil {
		d.TokenActionResults = new(slices.Clone(*d.TokenActionResults))
	}
	if d.RoleScopeTagIDs != nil {
		d.RoleScopeTagIDs = new(slices.Clone(*d.RoleScopeTagIDs))
	}
	if current != nil {
		v := &visit{do: drop, nulls: d.nulls, seen: current.seen}
		each(v, &d, current)
		d.nulls = v.nulls
	}
	return &d
}

// sameResult compares times as instants, and ignores the # that the service writes before some
// types.
func sameResult(a, b ActionResult, exactly bool) bool {
	times := sameTime(a.StartDateTime, b.StartDateTime, exactly) &&
		sameTime(a.LastUpdatedDateTime, b.LastUpdatedDateTime, exactly)
	a.StartDateTime, a.LastUpdatedDateTime = b.StartDateTime, b.LastUpdatedDateTime
	if !exactly {
		a.ODataType, b.ODataType = strings.TrimPrefix(a.ODataType, "#"), strings.TrimPrefix(b.ODataType, "#")
	}
	return times && a == b
}

func sameTime(a, b time.Time, exactly bool) bool {
	return a.Equal(b) || !exactly && never(a) && never(b)
}

// never reports whether t is how the service writes that something did not happen.
func never(t time.Time) bool { return t.Year() == 1 && t.YearDay() == 1 }

// Check returns everything for which [Client.Update] would refuse to send p to that version of the
// API: [ErrEmptyPatch], or a [PropertyError] with every property that the version lacks, that can't
// be encoded, or whose value is never valid (the zero Secret as Token, unknownFutureValue). p may
// be nil. A patch for [Client.Create] may be empty.
func (p *Patch) Check(v APIVersion) error {
	if v != VersionBeta && v != VersionV1 {
		return fmt.Errorf("vpptoken: %q is neither version %q nor %q", v, VersionBeta, VersionV1)
	}
	if _, err := p.updateBody(v); err != nil {
		return fmt.Errorf("vpptoken: %w", err)
	}
	return nil
}

// updateBody checks a patch and encodes it.
func (p *Patch) updateBody(v APIVersion) ([]byte, error) {
	if p.IsEmpty() {
		return nil, ErrEmptyPatch
	}
	return (&body{version: v}).of(p)
}

// createBody returns the body of a new token, with whatever else p sets or clears. p may be nil.
func (p *Patch) createBody(token Secret, v APIVersion) ([]byte, error) {
	b := &body{version: v, text: []byte(`{"@odata.type":"#microsoft.graph.vppToken"`)}
	whole := *p.orNew()
	if whole.Token != nil || whole.nulls&nullToken != 0 {
		b.refuse("token", "is a parameter of its own: the patch must not set or clear it")
	}
	whole.Token = &token
	return b.of(&whole)
}

// PropertyError reports what is wrong with a patch before it is sent. Create, Update and
// [Patch.Check] return it wrapped, for errors.AsType. Its text gives the reason for each property,
// and shows no value.
type PropertyError struct {
	Properties []string // Graph's names, all of them, in the order of Microsoft's table

	reasons []string
	cause   error
}

// Error lists what is wrong, property by property.
func (e *PropertyError) Error() string {
	if len(e.reasons) == 0 {
		return "the patch can't be sent because of " + strings.Join(e.Properties, ", ")
	}
	return strings.Join(e.reasons, "; ")
}

// Unwrap returns [ErrNotInVersion] if the version of the API lacks one of the properties, and nil
// otherwise.
func (e *PropertyError) Unwrap() error { return e.cause }

func (e *PropertyError) add(name string) {
	if !slices.Contains(e.Properties, name) {
		e.Properties = append(e.Properties, name)
	}
}

// SetOrClear calls set with *v, or clear if v is nil, and returns the patch. It is for desired
// state with pointers, where nil means that the property should have no value:
//
//	p = vpptoken.SetOrClear(p.SetDisplayName, p.ClearDisplayName, plan.DisplayName)
//
// Copying a nil pointer into a field of [Patch] would instead leave the property alone.
func SetOrClear[T any](set func(T) *Patch, clear func() *Patch, v *T) *Patch {
	if v == nil {
		return clear()
	}
	return set(*v)
}

// secret returns the Apple token in p, which no error text may show.
func (p *Patch) secret() Secret {
	if p.Token == nil {
		return Secret{}
	}
	return *p.Token
}
