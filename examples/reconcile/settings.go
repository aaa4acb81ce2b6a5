package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/vpptoken/vpptoken"
)

// What an administrator sets, in Microsoft's order. The rest of a token is kept by Intune.
const settable = `organizationName, vppTokenAccountType, appleId, automaticallyUpdateApps, countryOrRegion,
dataSharingConsentGranted, displayName, locationName, claimTokenManagementFromExternalMdm, roleScopeTagIds,
appleDeviceAppDeliveryProtocolType`

// set puts one setting of the file into p. An error names the setting and shows no value.
func set(p *vpptoken.Patch, name string, value json.RawMessage, version vpptoken.APIVersion) error {
	if version == vpptoken.VersionV1 && betaOnly(name) {
		return fmt.Errorf("%s: v1.0 does not have it", name)
	}
	var err error
	switch name {
	case "organizationName":
		err = text(value, p.SetOrganizationName, p.ClearOrganizationName)
	case "vppTokenAccountType":
		err = word(value, p.SetAccountType)
	case "appleId":
		err = text(value, p.SetAppleID, p.ClearAppleID)
	case "automaticallyUpdateApps":
		err = truth(value, p.SetAutomaticallyUpdateApps)
	case "countryOrRegion":
		err = text(value, p.SetCountryOrRegion, p.ClearCountryOrRegion)
	case "dataSharingConsentGranted":
		err = truth(value, p.SetDataSharingConsentGranted)
	case "displayName":
		err = text(value, p.SetDisplayName, p.ClearDisplayName)
	case "locationName":
		err = text(value, p.SetLocationName, p.ClearLocationName)
	case "claimTokenManagementFromExternalMdm":
		err = truth(value, p.SetClaimTokenManagementFromExternalMDM)
	case "roleScopeTagIds":
		err = texts(value, p.SetRoleScopeTagIDs)
	case "appleDeviceAppDeliveryProtocolType":
		err = word(value, p.SetAppDeliveryProtocolType)
	case "token":
		return errNoSecrets
	case "id", "expirationDateTime", "lastSyncDateTime", "lastModifiedDateTime", "state", "tokenActionResults", "lastSyncStatus":
		return fmt.Errorf("%s is kept by Intune: it can't be set", name)
	default:
		return fmt.Errorf("not known: %.40q; the settings are %s", name, strings.Join(strings.Fields(settable), " "))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func betaOnly(name string) bool {
	switch name {
	case "dataSharingConsentGranted", "displayName", "locationName", "claimTokenManagementFromExternalMdm", "roleScopeTagIds",
		"appleDeviceAppDeliveryProtocolType":
		return true
	}
	return false
}

// text takes a string, or null, which encoding/json would let pass as "".
func text(value json.RawMessage, set func(string) *vpptoken.Patch, clearIt func() *vpptoken.Patch) error {
	var s *string
	if json.Unmarshal(value, &s) != nil {
		return errors.New("it is a text, or null")
	}
	if s == nil {
		clearIt()
		return nil
	}
	set(*s)
	return nil
}

func truth(value json.RawMessage, set func(bool) *vpptoken.Patch) error {
	var b *bool
	if json.Unmarshal(value, &b) != nil || b == nil {
		return errors.New("it is true or false, and can't be null")
	}
	set(*b)
	return nil
}

// word takes any text that is not empty: the enums are open, and the service decides.
func word[T ~string](value json.RawMessage, set func(T) *vpptoken.Patch) error {
	var w T
	if json.Unmarshal(value, &w) != nil || w == "" {
		return errors.New("it is a word, and can't be null")
	}
	set(w)
	return nil
}

func texts(value json.RawMessage, set func(...string) *vpptoken.Patch) error {
	var list []*string
	if json.Unmarshal(value, &list) != nil || list == nil {
		return errors.New("it is a list of texts, and can't be null")
	}
	plain := make([]string, len(list))
	for i, s := range list {
		if s == nil || *s == "" {
			return errors.New("it is a list of texts, none of them empty or null")
		}
		plain[i] = *s
	}
	set(plain...)
	return nil
}
