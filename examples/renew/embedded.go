package main

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
)

const organization = "Nordwind School District"

// embeddedToken is what the embedded Graph holds: it expires in twelve days.
func embeddedToken(now time.Time) vpptoken.VPPToken {
	return vpptoken.VPPToken{
		ID: "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c", OrganizationName: organization, DisplayName: "Field iPads",
		LocationName:       "Nordwind",
		ExpirationDateTime: now.AddDate(0, 0, 12).Truncate(time.Second), LastSyncDateTime: now.Add(-5 * time.Hour),
		CountryOrRegion: "no",
	}
}

// readContent reads the file, or makes the content of one for the embedded token when none is
// named.
func readContent(file string, now time.Time) (*contenttoken.ContentToken, error) {
	if file != "" {
		return contenttoken.ReadFile(file)
	}
	text := fmt.Sprintf(`{"token":"bm90IGEgcmVhbCBvbmU=","expDate":%q,"orgName":%q}`,
		now.AddDate(1, 0, 0).UTC().Format("2006-01-02T15:04:05-0700"), organization)
	content, err := contenttoken.Parse([]byte(base64.StdEncoding.EncodeToString([]byte(text))))
	if err != nil {
		return nil, err
	}
	content.Location = "Nordwind"
	return content, nil
}
