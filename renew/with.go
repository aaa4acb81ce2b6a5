package renew

import (
	"encoding/json"
	"fmt"

	"github.com/vpptoken/vpptoken"
)

// notInWith lists the file itself, and what the proof depends on: a PATCH that sets these could
// forge it.
var notInWith = []string{"token", "state", "expirationDateTime", "lastSyncDateTime", "lastSyncStatus"}

// copyWith checks Options.With and returns the plan's own copy, or nil if there is nothing to send.
func copyWith(with *vpptoken.Patch) (*vpptoken.Patch, error) {
	if with.IsEmpty() {
		return nil, nil
	}
	body, err := with.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("renew: With: %w", err)
	}
	var names map[string]json.RawMessage
	if err := json.Unmarshal(body, &names); err != nil {
		return nil, fmt.Errorf("renew: With: %w", err)
	}
	for _, name := range notInWith {
		if _, found := names[name]; found {
			return nil, fmt.Errorf(
				"renew: With: %s can't go along: the file is ct, and the proof looks at what Intune makes of it", name)
		}
	}
	if err := with.Check(vpptoken.VersionBeta); err != nil { // now rather than at the upload
		return nil, fmt.Errorf("renew: With: %w", err)
	}
	own := vpptoken.NewPatch()
	if err := json.Unmarshal(body, own); err != nil {
		return nil, fmt.Errorf("renew: With: %w", err)
	}
	return own, nil
}

// withToken returns the one PATCH of a renewal.
func (p *Plan) withToken(s vpptoken.Secret) *vpptoken.Patch {
	var patch vpptoken.Patch
	if p.options.With != nil {
		patch = *p.options.With
	}
	return patch.SetToken(s)
}
