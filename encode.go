package vpptoken

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// wireToken is VPPToken without its methods, so that encoding/json goes by the struct tags.
type wireToken VPPToken

// MarshalJSON writes t in the order of Microsoft's table, with the Apple token redacted. Zero times, empty strings and
// empty lists are left out; Extra follows, sorted by name.
func (t VPPToken) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(wireToken(t))
	if err != nil || len(t.Extra) == 0 {
		return b, err
	}
	for name := range t.Extra {
		if knownProperty(name) {
			return nil, fmt.Errorf("vpptoken: Extra holds %s, which has a field of its own", name)
		}
	}
	extra, err := json.Marshal(t.Extra)
	if err != nil {
		return nil, fmt.Errorf("vpptoken: Extra: %w", err)
	}
	b[len(b)-1] = ','
	return append(b, extra[1:]...), nil
}

// MarshalJSON writes the three results of a revocation when the type says that it is one, or when they are not zero.
func (r ActionResult) MarshalJSON() ([]byte, error) {
	w := struct {
		ODataType           string              `json:"@odata.type,omitempty"`
		ActionName          string              `json:"actionName,omitempty"`
		ActionState         ActionState         `json:"actionState,omitempty"`
		StartDateTime       time.Time           `json:"startDateTime,omitzero"`
		LastUpdatedDateTime time.Time           `json:"lastUpdatedDateTime,omitzero"`
		ActionFailureReason ActionFailureReason `json:"actionFailureReason,omitempty"`
		TotalLicensesCount  *int                `json:"totalLicensesCount,omitempty"`
		FailedLicensesCount *int                `json:"failedLicensesCount,omitempty"`
	}{
		ODataType: r.ODataType, ActionName: r.ActionName, ActionState: r.ActionState,
		StartDateTime: r.StartDateTime, LastUpdatedDateTime: r.LastUpdatedDateTime,
		ActionFailureReason: r.ActionFailureReason,
	}
	revoke := strings.TrimPrefix(r.ODataType, "#") == "microsoft.graph.vppTokenRevokeLicensesActionResult"
	if revoke || r.TotalLicensesCount != 0 {
		w.TotalLicensesCount = &r.TotalLicensesCount
	}
	if revoke || r.FailedLicensesCount != 0 {
		w.FailedLicensesCount = &r.FailedLicensesCount
	}
	return json.Marshal(w)
}

// betaProperty tells the properties that v1.0 does not have.
func betaProperty(name string) bool {
	switch name {
	case "tokenActionResults", "dataSharingConsentGranted", "displayName", "locationName",
		"claimTokenManagementFromExternalMdm", "roleScopeTagIds", "appleDeviceAppDeliveryProtocolType":
		return true
	}
	return false
}
