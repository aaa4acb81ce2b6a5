package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken"
)

// Property is one property of a token, with Graph's name and a readable value: "-" for none.
type Property struct{ Name, Value string }

// Properties returns the readable properties of a token: all but the Apple token, always the same
// ones in Microsoft's order.
func Properties(t *vpptoken.VPPToken) []Property {
	results := make([]string, len(t.TokenActionResults))
	for i, r := range t.TokenActionResults {
		results[i] = r.ActionName + ": " + string(r.ActionState)
	}
	return []Property{
		{"id", orDash(t.ID)},
		{"organizationName", orDash(t.OrganizationName)},
		{"vppTokenAccountType", orDash(string(t.AccountType))},
		{"appleId", orDash(t.AppleID)},
		{"expirationDateTime", moment(t.ExpirationDateTime)},
		{"lastSyncDateTime", moment(t.LastSyncDateTime)},
		{"lastModifiedDateTime", moment(t.LastModifiedDateTime)},
		{"state", orDash(string(t.State))},
		{"tokenActionResults", orDash(strings.Join(results, ", "))},
		{"lastSyncStatus", orDash(string(t.LastSyncStatus))},
		{"automaticallyUpdateApps", strconv.FormatBool(t.AutomaticallyUpdateApps)},
		{"countryOrRegion", orDash(t.CountryOrRegion)},
		{"dataSharingConsentGranted", strconv.FormatBool(t.DataSharingConsentGranted)},
		{"displayName", orDash(t.DisplayName)},
		{"locationName", orDash(t.LocationName)},
		{"claimTokenManagementFromExternalMdm", strconv.FormatBool(t.ClaimTokenManagementFromExternalMDM)},
		{"roleScopeTagIds", orDash(strings.Join(t.RoleScopeTagIDs, ", "))},
		{"appleDeviceAppDeliveryProtocolType", orDash(string(t.AppDeliveryProtocolType))},
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339Nano)
}
