package vpptoken

import (
	"encoding/json"
	"errors"
	"log/slog"
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

// NewToken is what [Client.Create] sends: what Intune needs and nothing it computes. Empty strings and lists and the
// false booleans of beta are left out of the body.
//
// It is a request body, so encoding/json writes the real Apple token, also where slog's JSON handler meets a NewToken
// inside a slice, a map or a struct. On its own it logs without the token.
type NewToken struct {
	// Token is required: the text of Apple's .vpptoken file, see package contenttoken.
	Token                   Secret
	AppleID                 string
	OrganizationName        string
	CountryOrRegion         string
	AccountType             AccountType
	AutomaticallyUpdateApps bool

	DisplayName                         string   // beta
	ClaimTokenManagementFromExternalMDM bool     // beta: consent to take the token from another MDM
	DataSharingConsentGranted           bool     // beta
	RoleScopeTagIDs                     []string // beta
}

// MarshalJSON returns exactly the bytes that [Client.Create] sends.
func (t NewToken) MarshalJSON() ([]byte, error) { return prefixed(t.body("")) }

// body returns the request body for a version, any when it is "".
func (t *NewToken) body(version APIVersion) ([]byte, error) {
	var b body
	put(&b, "@odata.type", new("#microsoft.graph.vppToken"))
	putString(&b, "organizationName", set(t.OrganizationName), 0)
	putString(&b, "vppTokenAccountType", set(t.AccountType), 0)
	putString(&b, "appleId", set(t.AppleID), 0)
	putSecret(&b, "token", &t.Token, 0)
	putBool(&b, "automaticallyUpdateApps", &t.AutomaticallyUpdateApps)
	putString(&b, "countryOrRegion", set(t.CountryOrRegion), 0)
	putBool(&b, "dataSharingConsentGranted", set(t.DataSharingConsentGranted))
	putString(&b, "displayName", set(t.DisplayName), 0)
	putBool(&b, "claimTokenManagementFromExternalMdm", set(t.ClaimTokenManagementFromExternalMDM))
	if len(t.RoleScopeTagIDs) > 0 {
		putStrings(&b, "roleScopeTagIds", &t.RoleScopeTagIDs)
	}
	return b.end(version)
}

// UnmarshalJSON refuses: what encoding/json would take by the names of the fields is not the body that MarshalJSON writes.
func (t *NewToken) UnmarshalJSON([]byte) error {
	return errors.New("vpptoken: a NewToken is not read from JSON, because that would lose properties: build it")
}

// LogValue shows the body with the Apple token redacted.
func (t NewToken) LogValue() slog.Value {
	t.Token = NewSecret(redacted)
	return logBody(t)
}

// set returns nil for the zero value: what a NewToken does not hold is not sent.
func set[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
