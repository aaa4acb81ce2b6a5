package main

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// newGraph returns a Graph that holds three tokens.
func newGraph() *vpptokentest.Server {
	srv := vpptokentest.NewServer()
	day := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 9, 0, 0, 0, time.UTC)
	}
	srv.Add(vpptoken.VPPToken{DisplayName: "Field iPads", ExpirationDateTime: day(2027, time.November, 20)})
	srv.Add(vpptoken.VPPToken{
		DisplayName: "Schools", State: vpptoken.StateExpired, ExpirationDateTime: day(2025, time.March, 2),
	})
	srv.Add(vpptoken.VPPToken{DisplayName: "Warehouse", State: vpptoken.StateAssignedToExternalMDM})
	return srv
}

// canned stands in for a credential of azidentity: it has the access token that the Graph inside
// the program accepts.
type canned struct{ source oauth2.TokenSource }

func (c canned) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	t, err := c.source.Token()
	if err != nil {
		return azcore.AccessToken{}, err
	}
	return azcore.AccessToken{Token: t.AccessToken, ExpiresOn: time.Now().Add(time.Hour)}, nil
}
