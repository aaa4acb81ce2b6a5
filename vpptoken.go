package vpptoken

import (
	"encoding/json"
	"time"
)

// VPPToken is Apple's VPP (Apps and Books) token as Intune holds it. Fields are in the order of Microsoft's table
// (https://learn.microsoft.com/graph/api/resources/intune-onboarding-vpptoken), named as there. A property that is null
// or absent reads as the field's zero value. Those marked beta are empty on [VersionV1].
//
// A VPPToken is what was read. To change a token send a [Patch] of what is to change, never the whole back.
type VPPToken struct {
	ODataType string `json:"@odata.type,omitempty"` // only when the service sent it; lists carry none

	ID               string      `json:"id,omitempty"`
	OrganizationName string      `json:"organizationName,omitempty"` // as registered with Apple
	AccountType      AccountType `json:"vppTokenAccountType,omitempty"`
	AppleID          string      `json:"appleId,omitempty"` // the account that the token was downloaded with
	// ExpirationDateTime is zero when the service has none. It may lag behind a renewal until after a sync.
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

	ClaimTokenManagementFromExternalMDM bool             `json:"claimTokenManagementFromExternalMdm"`          // beta: consent to take it from another MDM
	RoleScopeTagIDs                     []string         `json:"roleScopeTagIds,omitempty"`                    // beta
	AppDeliveryProtocolType             DeliveryProtocol `json:"appleDeviceAppDeliveryProtocolType,omitempty"` // beta

	// Extra holds the properties that this package does not know, as they came; nil when there are none.
	Extra map[string]json.RawMessage `json:"-"`
}

// ActionResult is what became of an action on a token (vppTokenActionResult, and vppTokenRevokeLicensesActionResult,
// which adds the last three fields; they are zero on a plain result).
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
