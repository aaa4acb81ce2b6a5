package main

import (
	"fmt"
	"time"

	"github.com/vpptoken/vpptoken"
)

// embeddedTokens are the tokens of the sample file: one to change, one to change in part, one that
// is already right, and more to change.
func embeddedTokens(now time.Time, more int) []vpptoken.VPPToken {
	token := vpptoken.VPPToken{
		OrganizationName: "Nordwind AS", AppleID: "it@nordwind.example", CountryOrRegion: "no",
		RoleScopeTagIDs:    []string{"0"},
		ExpirationDateTime: now.AddDate(0, 7, 0).Truncate(time.Second), LastSyncDateTime: now.Add(-5 * time.Hour),
	}
	field, library, office := token, token, token
	field.ID, field.DisplayName = "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c", "Field"
	library.ID, library.DisplayName = "5d0f5c3a-8d3e-4b62-8a0c-6c2f5b1d7e21", "Library"
	library.LocationName = "Old wing"
	office.ID, office.DisplayName = "0b7a6c1e-0c55-4f0e-9f57-3f4d3a1f2a10", "Office"
	office.AutomaticallyUpdateApps = true
	tokens := []vpptoken.VPPToken{field, library, office}
	for i := range more {
		token.DisplayName = fmt.Sprint("School ", i+1)
		tokens = append(tokens, token)
	}
	return tokens
}
