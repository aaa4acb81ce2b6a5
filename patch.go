package vpptoken

import (
	"slices"
	"time"
)

// Patch is a partial update. A nil field is left alone, a set field is sent even when it holds the zero value,
// and a cleared field is sent as null. The zero Patch changes nothing. It can be written as a literal or through
// its Set and Clear methods; the last write to a property counts.
//
// Microsoft's page (https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-update) lists every property as
// settable. Those marked "kept by Intune" are maintained by the service, which may ignore or refuse them. Never build a
// Patch by reading a token, changing a field and writing the whole back: the service hides the Apple token on reads,
// and what others changed in between would be lost. See [Patch.Diff].
//
// A Patch is a request body, so encoding/json writes the real Apple token, also where slog's JSON handler meets a
// Patch inside a slice, a map or a struct. On its own it logs without the token.
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

	nulls nullSet
}

// nullSet tells which properties are sent as null. It is a value, so that a copy of a Patch is independent.
type nullSet uint8

const (
	nullOrganizationName nullSet = 1 << iota
	nullAppleID
	nullToken
	nullCountryOrRegion
	nullDisplayName
	nullLocationName
)

// NewPatch returns an empty patch, to be filled by its Set and Clear methods.
func NewPatch() *Patch { return &Patch{} }

// SetOrganizationName sets the name of the organisation, which Apple supplies.
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

// SetExpirationDateTime sets a date that Intune keeps itself, from the content token: the service may ignore it.
// Never send back one that was read; a renewal is [Patch.SetToken].
func (p *Patch) SetExpirationDateTime(v time.Time) *Patch {
	p = p.orNew()
	p.ExpirationDateTime = &v
	return p
}

// SetLastSyncDateTime sets a time that Intune keeps itself: the service may ignore it. Never send back one that was
// read; a sync is started by [Client.StartSync].
func (p *Patch) SetLastSyncDateTime(v time.Time) *Patch {
	p = p.orNew()
	p.LastSyncDateTime = &v
	return p
}

// SetToken renews the content token: s is the text of Apple's .vpptoken file as it is.
func (p *Patch) SetToken(s Secret) *Patch {
	p = p.orNew()
	p.Token, p.nulls = &s, p.nulls&^nullToken
	return p
}

// SetLastModifiedDateTime sets a time that Intune keeps itself and moves with every sync: the service may ignore it. Never
// send back one that was read.
func (p *Patch) SetLastModifiedDateTime(v time.Time) *Patch {
	p = p.orNew()
	p.LastModifiedDateTime = &v
	return p
}

// SetState sets a verdict that Intune keeps itself: the service may ignore it. Never send back one that was read.
func (p *Patch) SetState(v State) *Patch {
	p = p.orNew()
	p.State = &v
	return p
}

// SetTokenActionResults replaces the list of action results, which Intune keeps itself; without an argument it sends the
// empty list. Never send back a list that was read. Beta.
func (p *Patch) SetTokenActionResults(rs ...ActionResult) *Patch {
	p = p.orNew()
	p.TokenActionResults = new(slices.Clone(rs))
	return p
}

// SetLastSyncStatus sets a status that Intune keeps itself: the service may ignore it. Never send back one that was read.
func (p *Patch) SetLastSyncStatus(v SyncStatus) *Patch {
	p = p.orNew()
	p.LastSyncStatus = &v
	return p
}

// SetAutomaticallyUpdateApps switches automatic updates of the token's apps on or off.
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

// SetDataSharingConsentGranted grants or withdraws the consent to share data with Apple. Beta.
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

// SetClaimTokenManagementFromExternalMDM gives the consent to take the token from the MDM that holds it now. Beta.
func (p *Patch) SetClaimTokenManagementFromExternalMDM(v bool) *Patch {
	p = p.orNew()
	p.ClaimTokenManagementFromExternalMDM = &v
	return p
}

// SetRoleScopeTagIDs replaces the list of scope tags; without an argument it sends the empty list. Beta.
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

// ClearOrganizationName sends null for the name of the organisation.
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

// ClearToken sends null for the content token. What Intune then does with the apps is not documented.
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

// orNew lets a nil *Patch be filled, as append does with a nil slice.
func (p *Patch) orNew() *Patch {
	if p == nil {
		return NewPatch()
	}
	return p
}

// IsEmpty reports whether p, which may be nil, would change nothing. [Client.Update] refuses such a patch.
func (p *Patch) IsEmpty() bool { return p == nil || *p == Patch{} }

// Diff returns the part of p that would change current: send it with [Client.Update] unless it is empty. Times are
// compared as instants and lists in order; an empty list is the same as none. A Clear is dropped when current holds the
// zero value, because a VPPToken does not tell null from empty. A set or cleared Token is always kept: reads never
// show it. With a nil current all of p is kept. The result is another patch: setting and clearing it does not
// change p. A nil p gives an empty patch.
func (p *Patch) Diff(current *VPPToken) *Patch {
	if p == nil {
		return NewPatch()
	}
	d := *p
	if d.TokenActionResults != nil {
		d.TokenActionResults = new(slices.Clone(*d.TokenActionResults))
	}
	if d.RoleScopeTagIDs != nil {
		d.RoleScopeTagIDs = new(slices.Clone(*d.RoleScopeTagIDs))
	}
	if current == nil {
		return &d
	}
	diffNullable(&d, &d.OrganizationName, nullOrganizationName, current.OrganizationName)
	diff(&d.AccountType, current.AccountType)
	diffNullable(&d, &d.AppleID, nullAppleID, current.AppleID)
	diffTime(&d.ExpirationDateTime, current.ExpirationDateTime)
	diffTime(&d.LastSyncDateTime, current.LastSyncDateTime)
	diffTime(&d.LastModifiedDateTime, current.LastModifiedDateTime)
	diff(&d.State, current.State)
	if d.TokenActionResults != nil && slices.EqualFunc(*d.TokenActionResults, current.TokenActionResults, sameResult) {
		d.TokenActionResults = nil
	}
	diff(&d.LastSyncStatus, current.LastSyncStatus)
	diff(&d.AutomaticallyUpdateApps, current.AutomaticallyUpdateApps)
	diffNullable(&d, &d.CountryOrRegion, nullCountryOrRegion, current.CountryOrRegion)
	diff(&d.DataSharingConsentGranted, current.DataSharingConsentGranted)
	diffNullable(&d, &d.DisplayName, nullDisplayName, current.DisplayName)
	diffNullable(&d, &d.LocationName, nullLocationName, current.LocationName)
	diff(&d.ClaimTokenManagementFromExternalMDM, current.ClaimTokenManagementFromExternalMDM)
	if d.RoleScopeTagIDs != nil && slices.Equal(*d.RoleScopeTagIDs, current.RoleScopeTagIDs) {
		d.RoleScopeTagIDs = nil
	}
	diff(&d.AppDeliveryProtocolType, current.AppDeliveryProtocolType)
	return &d
}

func diff[T comparable](want **T, current T) {
	if *want != nil && **want == current {
		*want = nil
	}
}

// diffNullable also drops the null that a property would become once its field is nil.
func diffNullable(d *Patch, want **string, null nullSet, current string) {
	if *want == nil && current == "" || *want != nil && **want == current {
		*want, d.nulls = nil, d.nulls&^null
	}
}

func diffTime(want **time.Time, current time.Time) {
	if *want != nil && (*want).Equal(current) {
		*want = nil
	}
}

func sameResult(a, b ActionResult) bool {
	times := a.StartDateTime.Equal(b.StartDateTime) && a.LastUpdatedDateTime.Equal(b.LastUpdatedDateTime)
	a.StartDateTime, a.LastUpdatedDateTime = b.StartDateTime, b.LastUpdatedDateTime
	return times && a == b
}

// secret returns the Apple token in p, which no error text may show.
func (p *Patch) secret() Secret {
	if p.Token == nil {
		return Secret{}
	}
	return *p.Token
}
