package main

import (
	"time"

	"github.com/vpptoken/vpptoken"
)

// twoProperties is a patch as people send them; v1.0 has no displayName.
func twoProperties(version vpptoken.APIVersion) *vpptoken.Patch {
	p := vpptoken.NewPatch().SetAutomaticallyUpdateApps(true)
	if version == vpptoken.VersionV1 {
		return p.SetCountryOrRegion("se")
	}
	return p.SetDisplayName("Field iPads")
}

// pagePatch is the request of Microsoft's example, value for value; on v1.0 without the properties
// that only beta has. The example also sets what Intune itself keeps, which a program has no reason
// to do. Microsoft Graph reference:
// https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-update
func pagePatch(version vpptoken.APIVersion) *vpptoken.Patch {
	p := vpptoken.NewPatch().
		SetOrganizationName("Organization Name value").
		SetAccountType(vpptoken.AccountTypeEducation).
		SetAppleID("Apple Id value").
		SetExpirationDateTime(pacific(2016, time.December, 31, 23, 57, 57, 248123400)).
		SetLastSyncDateTime(pacific(2017, time.January, 1, 0, 2, 49, 320597600)).
		SetToken(vpptoken.NewSecret("Token value")).
		SetLastModifiedDateTime(pacific(2017, time.January, 1, 0, 0, 35, 132946400)).
		SetState(vpptoken.StateValid).
		SetLastSyncStatus(vpptoken.SyncStatusInProgress).
		SetAutomaticallyUpdateApps(true).
		SetCountryOrRegion("Country Or Region value")
	if version == vpptoken.VersionV1 {
		return p
	}
	return p.
		SetTokenActionResults(vpptoken.ActionResult{
			ODataType:           "microsoft.graph.vppTokenActionResult",
			ActionName:          "Action Name value",
			ActionState:         vpptoken.ActionStatePending,
			StartDateTime:       pacific(2016, time.December, 31, 23, 58, 46, 715618900),
			LastUpdatedDateTime: pacific(2017, time.January, 1, 0, 0, 56, 832155600),
		}).
		SetDataSharingConsentGranted(true).
		SetDisplayName("Display Name value").
		SetLocationName("Location Name value").
		SetClaimTokenManagementFromExternalMDM(true)
}

func pacific(year int, month time.Month, day, hour, minute, second, nanosecond int) time.Time {
	return time.Date(year, month, day, hour, minute, second, nanosecond, time.FixedZone("", -8*60*60))
}

// embeddedToken is what the embedded Graph holds, with the id of Microsoft's example.
func embeddedToken() vpptoken.VPPToken {
	return vpptoken.VPPToken{
		ID:                   "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c",
		OrganizationName:     "Nordwind AS",
		AppleID:              "it@nordwind.example",
		ExpirationDateTime:   time.Date(2027, time.March, 1, 12, 0, 0, 0, time.UTC),
		LastSyncDateTime:     time.Date(2026, time.March, 2, 6, 30, 0, 0, time.UTC),
		LastModifiedDateTime: time.Date(2026, time.March, 2, 6, 30, 0, 0, time.UTC),
		CountryOrRegion:      "no",
		DisplayName:          "Field",
		LocationName:         "Oslo",
		RoleScopeTagIDs:      []string{"0"},
	}
}
