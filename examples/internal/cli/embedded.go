package cli

import (
	"context"
	"slices"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// EmbeddedTenants returns two servers with tokens of every level, and an address where nothing
// answers. done closes them.
func EmbeddedTenants(version vpptoken.APIVersion, now time.Time) (tenants []Tenant, done func()) {
	const day = 24 * time.Hour
	synced := now.Add(-5 * time.Hour)
	token := func(name string, left time.Duration) vpptoken.VPPToken {
		return vpptoken.VPPToken{
			OrganizationName: "Nordwind School District", DisplayName: name, LocationName: name,
			ExpirationDateTime: now.Add(left + time.Hour), LastSyncDateTime: synced, CountryOrRegion: "no",
		}
	}
	with := func(t vpptoken.VPPToken, change func(*vpptoken.VPPToken)) vpptoken.VPPToken {
		change(&t)
		return t
	}
	north := []vpptoken.VPPToken{
		token("Bergen", 331*day),
		token("Oslo", 212*day),
		token("Stavanger", 23*day),
		token("Tromsø", 4*day),
		with(token("Bodø", 140*day), func(t *vpptoken.VPPToken) { t.State = vpptoken.StateInvalid }),
	}
	school := []vpptoken.VPPToken{
		token("Main school", 301*day),
		with(token("Library", 120*day), func(t *vpptoken.VPPToken) {
			t.LastSyncStatus, t.LastSyncDateTime = vpptoken.SyncStatusFailed, now.Add(-9*day)
		}),
		with(token("Old wing", -12*day), func(t *vpptoken.VPPToken) { t.State = vpptoken.StateExpired }),
		// A value that Graph may add.
		with(token("New wing", 190*day), func(t *vpptoken.VPPToken) { t.State = "underReview" }),
		with(token("Kindergarten", 260*day), func(t *vpptoken.VPPToken) {
			t.TokenActionResults = []vpptoken.ActionResult{
				{ActionName: "revokeLicenses", ActionState: vpptoken.ActionStateFailed, LastUpdatedDateTime: synced},
			}
		}),
	}
	var servers []*vpptokentest.Server
	serve := func(name string, tokens []vpptoken.VPPToken, opts ...vpptoken.Option) {
		srv := vpptokentest.NewServer()
		servers = append(servers, srv)
		for _, t := range tokens {
			srv.Add(t)
		}
		opts = append(opts, vpptoken.WithAPIVersion(version))
		tenants = append(tenants,
			Tenant{name, func(_ context.Context, more ...vpptoken.Option) (*vpptoken.Client, error) {
				return srv.Client(slices.Concat(opts, more)...), nil
			}})
	}
	serve("nordwind.example", north)
	serve("school.example", school)
	// Without retries, because some systems take seconds to refuse.
	serve("gone.example", nil, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
	servers[2].Close() // from now on its address refuses connections
	return tenants, func() {
		for _, s := range servers {
			s.Close()
		}
	}
}
