package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vpptoken/vpptoken"
)

// What an administrator sets, in Microsoft's order. The rest of a token is kept by Intune.
const (
	v1Settings   = "organizationName vppTokenAccountType appleId automaticallyUpdateApps countryOrRegion"
	betaSettings = `dataSharingConsentGranted displayName locationName claimTokenManagementFromExternalMdm
  roleScopeTagIds appleDeviceAppDeliveryProtocolType`
)

// readSettings returns a patch with the settings of an entry, which is empty if there are none. An
// error names the setting and shows no value.
func readSettings(text json.RawMessage, version vpptoken.APIVersion) (*vpptoken.Patch, error) {
	patch := vpptoken.NewPatch()
	if text == nil {
		return patch, nil
	}
	var settings map[string]json.RawMessage
	if json.Unmarshal(text, &settings) != nil || settings == nil {
		return nil, errors.New("settings is no object")
	}
	known := strings.Fields(v1Settings + " " + betaSettings)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		switch {
		case name == "token":
			return nil, errNoSecrets
		case !slices.Contains(known, name):
			return nil, fmt.Errorf("%.40q is no setting; these are: %s", name, strings.Join(known, ", "))
		}
	}
	if err := json.Unmarshal(text, patch); err != nil {
		return nil, err
	}
	// The enums are open, so the patch accepts any value; an empty one is a mistake.
	switch {
	case patch.AccountType != nil && *patch.AccountType == "":
		return nil, errors.New("vppTokenAccountType is empty")
	case patch.AppDeliveryProtocolType != nil && *patch.AppDeliveryProtocolType == "":
		return nil, errors.New("appleDeviceAppDeliveryProtocolType is empty")
	case patch.RoleScopeTagIDs != nil && slices.Contains(*patch.RoleScopeTagIDs, ""):
		return nil, errors.New("roleScopeTagIds has an empty text in it")
	case patch.IsEmpty():
		return patch, nil
	}
	return patch, patch.Check(version)
}
