package renew

import (
	"encoding/json"
	"errors"
	"fmt"
)

// stored is the JSON form of a plan.
type stored struct {
	plain
	Options  options  `json:"options"`
	SyncNote syncNote `json:"syncNote,omitzero"`
	Digest   string   `json:"digest,omitempty"`
}

type plain Plan // without the methods

// MarshalJSON writes all that another machine needs to continue, without the text of the file.
// Instead it has a salted digest, from which nobody can guess the text.
func (p Plan) MarshalJSON() ([]byte, error) {
	return json.Marshal(stored{plain: plain(p), Options: p.options, SyncNote: p.note, Digest: p.digest})
}

// UnmarshalJSON reads what MarshalJSON wrote, and replaces all of p but its OnStep. The first step
// that gets a plan that was changed in the meantime refuses it.
func (p *Plan) UnmarshalJSON(text []byte) error {
	if p == nil {
		return errors.New("renew: decoding into a nil plan")
	}
	var s stored
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("renew: the plan's JSON: %w", err)
	}
	fresh := Plan(s.plain)
	fresh.options, fresh.note, fresh.digest, fresh.onStep = s.Options, s.SyncNote, s.Digest, p.onStep
	*p = fresh
	return nil
}
