package vpptoken

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/vpptoken/vpptoken/internal/jsonscan"
)

// MarshalJSON returns exactly the bytes that [Client.Update] sends: what was set and what was cleared, in the order of
// Microsoft's table, with the real Apple token, and nothing else. A string that is not valid UTF-8 and a time outside of the
// years 0 to 9999 are errors.
func (p Patch) MarshalJSON() ([]byte, error) { return prefixed(p.body("")) }

// body returns the request body for a version, any when it is "".
func (p *Patch) body(version APIVersion) ([]byte, error) {
	return p.write(&body{}, version)
}

// write appends what p holds to a body.
func (p *Patch) write(b *body, version APIVersion) ([]byte, error) {
	putString(b, "organizationName", p.OrganizationName, p.nulls&nullOrganizationName)
	putString(b, "vppTokenAccountType", p.AccountType, 0)
	putString(b, "appleId", p.AppleID, p.nulls&nullAppleID)
	put(b, "expirationDateTime", p.ExpirationDateTime)
	put(b, "lastSyncDateTime", p.LastSyncDateTime)
	putSecret(b, "token", p.Token, p.nulls&nullToken)
	put(b, "lastModifiedDateTime", p.LastModifiedDateTime)
	putString(b, "state", p.State, 0)
	putResults(b, "tokenActionResults", p.TokenActionResults)
	putString(b, "lastSyncStatus", p.LastSyncStatus, 0)
	putBool(b, "automaticallyUpdateApps", p.AutomaticallyUpdateApps)
	putString(b, "countryOrRegion", p.CountryOrRegion, p.nulls&nullCountryOrRegion)
	putBool(b, "dataSharingConsentGranted", p.DataSharingConsentGranted)
	putString(b, "displayName", p.DisplayName, p.nulls&nullDisplayName)
	putString(b, "locationName", p.LocationName, p.nulls&nullLocationName)
	putBool(b, "claimTokenManagementFromExternalMdm", p.ClaimTokenManagementFromExternalMDM)
	putStrings(b, "roleScopeTagIds", p.RoleScopeTagIDs)
	putString(b, "appleDeviceAppDeliveryProtocolType", p.AppDeliveryProtocolType, 0)
	return b.end(version)
}

// LogValue shows the body with the Apple token redacted.
func (p Patch) LogValue() slog.Value {
	if p.Token != nil {
		p.Token = new(NewSecret(redacted))
	}
	return logBody(p)
}

// UnmarshalJSON reads what MarshalJSON writes, for programs that keep patches in files or queues: null clears a property that may be
// null. It replaces all of p. An unknown property, one that stands twice, null where it can't be, a token of REDACTED and a value
// of the wrong kind are errors: no property is passed over, because a patch that lost one would still look like one.
func (p *Patch) UnmarshalJSON(data []byte) error {
	var fresh Patch
	err := scan(data, func(s *jsonscan.Scanner) {
		object(s, func(name []byte) { fresh.property(s, name) })
	})
	if err != nil {
		return fmt.Errorf("vpptoken: a patch: %w", err)
	}
	*p = fresh
	return nil
}

func (p *Patch) property(s *jsonscan.Scanner, name []byte) {
	ok := false
	switch string(name) {
	case "organizationName":
		ok = setText(s, &p.OrganizationName, p, nullOrganizationName)
	case "vppTokenAccountType":
		ok = setText(s, &p.AccountType, p, 0)
	case "appleId":
		ok = setText(s, &p.AppleID, p, nullAppleID)
	case "expirationDateTime":
		ok = setMoment(s, &p.ExpirationDateTime)
	case "lastSyncDateTime":
		ok = setMoment(s, &p.LastSyncDateTime)
	case "token":
		var plain *string
		if ok = setText(s, &plain, p, nullToken); plain != nil {
			p.Token = new(NewSecret(*plain))
			ok = ok && *plain != redacted // from a log: it would replace the content token
		}
	case "lastModifiedDateTime":
		ok = setMoment(s, &p.LastModifiedDateTime)
	case "state":
		ok = setText(s, &p.State, p, 0)
	case "tokenActionResults":
		ok = setList(s, &p.TokenActionResults)
	case "lastSyncStatus":
		ok = setText(s, &p.LastSyncStatus, p, 0)
	case "automaticallyUpdateApps":
		ok = setFlag(s, &p.AutomaticallyUpdateApps)
	case "countryOrRegion":
		ok = setText(s, &p.CountryOrRegion, p, nullCountryOrRegion)
	case "dataSharingConsentGranted":
		ok = setFlag(s, &p.DataSharingConsentGranted)
	case "displayName":
		ok = setText(s, &p.DisplayName, p, nullDisplayName)
	case "locationName":
		ok = setText(s, &p.LocationName, p, nullLocationName)
	case "claimTokenManagementFromExternalMdm":
		ok = setFlag(s, &p.ClaimTokenManagementFromExternalMDM)
	case "roleScopeTagIds":
		ok = setList(s, &p.RoleScopeTagIDs)
	case "appleDeviceAppDeliveryProtocolType":
		ok = setText(s, &p.AppDeliveryProtocolType, p, 0)
	default:
		s.Fail(fmt.Errorf("it has no property %.40q", name))
	}
	check(s, name, ok)
}

// setText reads a string, or null when there is a mark for it.
func setText[T ~string](s *jsonscan.Scanner, into **T, p *Patch, null nullSet) bool {
	if s.IsNull() {
		s.Value()
		p.nulls |= null
		return null != 0
	}
	*into = new(T)
	return text(s, *into, "")
}

func setFlag(s *jsonscan.Scanner, into **bool) bool {
	*into = new(bool)
	return !s.IsNull() && flag(s, *into)
}

func setMoment(s *jsonscan.Scanner, into **time.Time) bool {
	*into = new(time.Time)
	return !s.IsNull() && moment(s, *into)
}

func setList[T any](s *jsonscan.Scanner, into **[]T) bool {
	var list []*T // pointers, because encoding/json takes null for the zero value
	if !s.IsArray() || json.Unmarshal(s.Value(), &list) != nil || slices.Contains(list, nil) {
		return false
	}
	*into = &[]T{}
	for _, v := range list {
		**into = append(**into, *v)
	}
	return true
}
