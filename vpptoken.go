package vpptoken

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// VPPToken is Apple's VPP (Apps and Books) token as Intune holds it. Fields are in the order of
// Microsoft's table (https://learn.microsoft.com/graph/api/resources/intune-onboarding-vpptoken),
// named as there. A property that is null or absent reads as the field's zero value. Those marked
// beta are empty on [VersionV1].
//
// A VPPToken is what was read. To change a token send a [Patch] of what is to change, never the
// whole back.
type VPPToken struct {
	ODataType string `json:"@odata.type,omitempty"` // only when the service sent it; lists carry none

	ID               string      `json:"id,omitempty"`
	OrganizationName string      `json:"organizationName,omitempty"` // as registered with Apple
	AccountType      AccountType `json:"vppTokenAccountType,omitempty"`
	AppleID          string      `json:"appleId,omitempty"` // the account that the token was downloaded with
	// ExpirationDateTime is zero when the service has none. It may lag behind a renewal until after
	// a sync.
	ExpirationDateTime   time.Time `json:"expirationDateTime,omitzero"`
	LastSyncDateTime     time.Time `json:"lastSyncDateTime,omitzero"` // zero when never synced
	Token                Secret    `json:"token,omitzero"`            // the service hides it on every read
	LastModifiedDateTime time.Time `json:"lastModifiedDateTime,omitzero"`
	State                State     `json:"state,omitempty"`

	TokenActionResults []ActionResult `json:"tokenActionResults,omitempty"` // beta

	LastSyncStatus            SyncStatus `json:"lastSyncStatus,omitempty"`
	AutomaticallyUpdateApps   bool       `json:"automaticallyUpdateApps"`
	CountryOrRegion           string     `json:"countryOrRegion,omitempty"` // the store's country, as "no"
	DataSharingConsentGranted bool       `json:"dataSharingConsentGranted"` // beta
	DisplayName               string     `json:"displayName,omitempty"`     // beta: the administrator's name for it
	LocationName              string     `json:"locationName,omitempty"`    // beta: Apple's name of the location

	// ClaimTokenManagementFromExternalMDM is the consent to take the token from another MDM. Beta.
	ClaimTokenManagementFromExternalMDM bool             `json:"claimTokenManagementFromExternalMdm"`
	RoleScopeTagIDs                     []string         `json:"roleScopeTagIds,omitempty"`                    // beta
	AppDeliveryProtocolType             DeliveryProtocol `json:"appleDeviceAppDeliveryProtocolType,omitempty"` // beta

	// Extra holds the properties that this package does not know, as they came; nil when there are
	// none.
	Extra map[string]json.RawMessage `json:"-"`

	seen presence // see Has
}

// Has reports whether t was read with a property, by Graph's name, such as "displayName": $select,
// v1.0 and partial answers leave some out, and their fields are zero because nothing is known. A
// token that was built by hand has all of Graph's properties. Encoding leaves out what is empty, so
// a token that went through JSON may have fewer.
func (t *VPPToken) Has(property string) bool {
	if t == nil {
		return false
	}
	v := lookUp(property, t)
	if _, extra := t.Extra[property]; !v.found {
		return extra
	}
	return t.seen.includes(v.bit)
}

// IsNull reports whether t was read with null for a property, by Graph's name. Of a token that was
// built by hand it reports whether the field holds its zero value.
func (t *VPPToken) IsNull(property string) bool {
	if t == nil {
		return false
	}
	v := lookUp(property, t)
	if !v.found {
		return string(t.Extra[property]) == "null"
	}
	return v.zero && (!t.seen.decoded || t.seen.null&v.bit != 0)
}

// Equal reports whether both tokens hold the same values: times as instants, lists in order, a nil
// list as an empty one. What they were read with (see [VPPToken.Has]) does not count, so that a
// test can compare what was read with a literal. go-cmp calls it; reflect.DeepEqual sees the
// difference.
func (t VPPToken) Equal(other VPPToken) bool {
	var p Patch
	each(&visit{do: fill}, &p, &t)
	v := &visit{do: compare}
	each(v, &p, &other)
	return !v.differs && t.ODataType == other.ODataType && t.ID == other.ID &&
		maps.EqualFunc(t.Extra, other.Extra, slices.Equal[json.RawMessage])
}

// ActionResult is what became of an action on a token (vppTokenActionResult, and
// vppTokenRevokeLicensesActionResult, which adds the last three fields; they are zero on a plain
// result).
type ActionResult struct {
	ODataType           string
	ActionName          string
	ActionState         ActionState
	StartDateTime       time.Time
	LastUpdatedDateTime time.Time
	ActionFailureReason ActionFailureReason
	TotalLicensesCount  int // licences that were to be revoked
	FailedLicensesCount int // of them, those that were not
}

// LicenseSummary counts the licences of one app on one token (vppTokenLicenseSummary, beta).
type LicenseSummary struct {
	AppleID               string `json:"appleId,omitempty"`
	OrganizationName      string `json:"organizationName,omitempty"`
	VPPTokenID            string `json:"vppTokenId,omitempty"`
	AvailableLicenseCount int    `json:"availableLicenseCount"`
	UsedLicenseCount      int    `json:"usedLicenseCount"`
}
