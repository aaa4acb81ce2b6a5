package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/health"
)

// row is the verdict on one token, or on a tenant if there is no token to assess. It keeps nothing
// else of the token.
type row struct {
	Level            health.Level   `json:"level"`
	Tenant           string         `json:"tenant"`
	ID               string         `json:"id,omitempty"`
	Name             string         `json:"name,omitempty"` // the first available name that people know it by
	OrganizationName string         `json:"organizationName,omitempty"`
	State            vpptoken.State `json:"state,omitempty"`
	// DaysLeft is in whole days, below 0 when it has expired; nil without a date.
	DaysLeft           *int                `json:"daysLeft,omitempty"`
	ExpirationDateTime time.Time           `json:"expirationDateTime,omitzero"`
	LastSyncDateTime   time.Time           `json:"lastSyncDateTime,omitzero"`
	LastSyncStatus     vpptoken.SyncStatus `json:"lastSyncStatus,omitempty"`
	Reasons            []reason            `json:"reasons,omitempty"`
}

// reason is a health.Reason, with names for JSON.
type reason struct {
	Level health.Level `json:"level"`
	Code  string       `json:"code"`
	Text  string       `json:"text"`
}

func newRow(tenant string, t *vpptoken.VPPToken, v health.Verdict) row {
	r := row{
		Level: v.Level, Tenant: tenant, ID: t.ID,
		Name:             cmp.Or(t.DisplayName, t.LocationName, t.AppleID, t.OrganizationName, t.ID),
		OrganizationName: t.OrganizationName, State: t.State, ExpirationDateTime: t.ExpirationDateTime,
		LastSyncDateTime: t.LastSyncDateTime, LastSyncStatus: t.LastSyncStatus,
	}
	if !t.ExpirationDateTime.IsZero() {
		const day = 24 * time.Hour
		left := int(v.ExpiresIn / day)
		if v.ExpiresIn < 0 && v.ExpiresIn%day != 0 {
			left-- // rounded down, so that no more time is promised than there is
		}
		r.DaysLeft = &left
	}
	for _, one := range v.Reasons {
		r.Reasons = append(r.Reasons, reason(one))
	}
	return r
}

// tenantRow is the line of a tenant without a token to show.
func tenantRow(tenant, code, text string) row {
	return row{Level: health.LevelUnknown, Tenant: tenant, Reasons: []reason{{health.LevelUnknown, code, text}}}
}

func (r row) codes() string {
	var codes []string
	for _, one := range r.Reasons {
		codes = append(codes, one.Code)
	}
	return strings.Join(codes, " ")
}

// worstFirst sorts by level, then by the days left; tokens without a date come first within their
// level.
func worstFirst(rows []row) {
	left := func(r row) int {
		if r.DaysLeft == nil {
			return -1 << 31
		}
		return *r.DaysLeft
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(b.Level.Compare(a.Level), cmp.Compare(left(a), left(b)),
			cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}
