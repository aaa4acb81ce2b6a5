package vpptoken

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// VPPToken is Apple's VPP (Apps and Books) token as Intune holds it. Fields have the names and the
// order of Microsoft's table. A property that is null or absent reads as the field's zero value.
// Those marked beta are zero on [VersionV1]. Microsoft Graph reference:
// https://learn.microsoft.com/graph/api/resources/intune-onboarding-vpptoken
//
// A VPPToken is for reading. To change a token send a [Patch] with only what should change, never
// the whole token.
type VPPToken struct {
	ODataType string `json:"@odata.type,omitempty"` // only if the service sent it; lists have none

	ID               string      `json:"id,omitempty"`
	OrganizationName string      `json:"organizationName,omitempty"` // as registered with Apple
	AccountType      AccountType `json:"vppTokenAccountType,omitempty"`
	AppleID          string      `json:"appleId,omitempty"` // the account that downloaded the token
	// ExpirationDateTime is zero if the service has none. After a renewal it may stay old until a
	// sync.
	ExpirationDateTime   time.Time `json:"expirationDateTime,omitzero"`
	LastSyncDateTime     time.Time `json:"lastSyncDateTime,omitzero"` // zero if never synced
	Token                Secret    `json:"token,omitzero"`            // the service hides it on every read
	LastModifiedDateTime time.Time `json:"lastModifiedDateTime,omitzero"`
	State                State     `json:"state,omitempty"`

	TokenActionResults []ActionResult `json:"tokenActionResults,omitempty"` // beta

	LastSyncStatus            SyncStatus `json:"lastSyncStatus,omitempty"`
	AutomaticallyUpdateApps   bool       `json:"automaticallyUpdateApps"`
	CountryOrRegion           string     `json:"countryOrRegion,omitempty"` // the store's country, such as "no"
	DataSharingConsentGranted bool       `json:"dataSharingConsentGranted"` // beta
	DisplayName               string     `json:"displayName,omitempty"`     // beta: the administrator's name for it
	LocationName              string     `json:"locationName,omitempty"`    // beta: Apple's name of the location

	// ClaimTokenManagementFromExternalMDM is consent to take the token from another MDM. Beta.
	ClaimTokenManagementFromExternalMDM bool             `json:"claimTokenManagementFromExternalMdm"`
	RoleScopeTagIDs                     []string         `json:"roleScopeTagIds,omitempty"`                    // beta
	AppDeliveryProtocolType             DeliveryProtocol `json:"appleDeviceAppDeliveryProtocolType,omitempty"` // beta

	// Extra holds the properties that this package does not know, unchanged; nil if there are none.
	Extra map[string]json.RawMessage `json:"-"`

	seen presence // see Has
}

// Has reports whether t was read with a property, by Graph's name, such as "displayName". $select,
// v1.0 and partial responses leave properties out: their fields are zero, but the real values are
// unknown. A token built by hand has all of Graph's properties. Encoding omits empty values, so a
// token that went through JSON may have fewer.
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

// IsNull reports whether t was read with null for a property, by Graph's name. For a token built by
// hand it reports whether the field is zero.
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

// Equal reports whether both tokens hold the same values: it compares times as instants and lists
// in order, and treats a nil list as empty. It ignores what they were read with (see
// [VPPToken.Has]), so that a test can compare a token that was read with a literal. go-cmp calls
// it; reflect.DeepEqual sees the difference.
func (t VPPToken) Equal(other VPPToken) bool {
	var p Patch
	each(&visit{do: fill}, &p, &t)
	v := &visit{do: compare}
	each(v, &p, &other)
	return !v.differs && t.ODataType == other.ODataType && t.ID == other.ID &&
		maps.EqualFunc(t.Extra, other.Extra, slices.Equal[json.RawMessage])
}

// ActionResult is the result of an action on a token (vppTokenActionResult). The last three fields
// belong to vppTokenRevokeLicensesActionResult and are zero on a plain result.
type ActionResult struct {
	ODataType           string
	ActionName          string
	ActionState         ActionState
	StartDateTime       time.Time
	LastUpdatedDateTime time.Time
	ActionFailureReason ActionFailureReason
	TotalLicensesCount  int // licenses to revoke
	FailedLicensesCount int // of these, not revoked
}

// LicenseSummary counts the licenses of one app on one token (vppTokenLicenseSummary, beta).
type LicenseSummary struct {
	AppleID               string `json:"appleId,omitempty"`
	OrganizationName      string `json:"organizationName,omitempty"`
	VPPTokenID            string `json:"vppTokenId,omitempty"`
	AvailableLicenseCount int    `json:"availableLicenseCount"`
	UsedLicenseCount      int    `json:"usedLicenseCount"`
}
