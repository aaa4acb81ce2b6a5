package cli

import (
	"cmp"
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
		{"id", cmp.Or(t.ID, "-")},
		{"organizationName", cmp.Or(t.OrganizationName, "-")},
		{"vppTokenAccountType", cmp.Or(string(t.AccountType), "-")},
		{"appleId", cmp.Or(t.AppleID, "-")},
		{"expirationDateTime", moment(t.ExpirationDateTime)},
		{"lastSyncDateTime", moment(t.LastSyncDateTime)},
		{"lastModifiedDateTime", moment(t.LastModifiedDateTime)},
		{"state", cmp.Or(string(t.State), "-")},
		{"tokenActionResults", cmp.Or(strings.Join(results, ", "), "-")},
		{"lastSyncStatus", cmp.Or(string(t.LastSyncStatus), "-")},
		{"automaticallyUpdateApps", strconv.FormatBool(t.AutomaticallyUpdateApps)},
		{"countryOrRegion", cmp.Or(t.CountryOrRegion, "-")},
		{"dataSharingConsentGranted", strconv.FormatBool(t.DataSharingConsentGranted)},
		{"displayName", cmp.Or(t.DisplayName, "-")},
		{"locationName", cmp.Or(t.LocationName, "-")},
		{"claimTokenManagementFromExternalMdm", strconv.FormatBool(t.ClaimTokenManagementFromExternalMDM)},
		{"roleScopeTagIds", cmp.Or(strings.Join(t.RoleScopeTagIDs, ", "), "-")},
		{"appleDeviceAppDeliveryProtocolType", cmp.Or(string(t.AppDeliveryProtocolType), "-")},
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339Nano)
}
