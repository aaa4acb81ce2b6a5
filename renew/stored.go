package renew

import (
	"encoding/json"
	"fmt"
)

// stored is a plan as it stands in JSON.
type stored struct {
	plain
	Options  options  `json:"options"`
	SyncNote syncNote `json:"syncNote,omitzero"`
	Digest   string   `json:"digest,omitempty"`
}

type plain Plan // without the methods

// MarshalJSON writes all that another machine needs to go on, without the text of the file. What is
// in it of the file is a salted digest, from which the text can't be guessed.
func (p Plan) MarshalJSON() ([]byte, error) {
	return json.Marshal(stored{plain: plain(p), Options: p.options, SyncNote: p.note, Digest: p.digest})
}

// UnmarshalJSON reads what MarshalJSON wrote, and replaces all of p but its OnStep. A plan that was
// changed on the way is refused by the first step that gets it.
func (p *Plan) UnmarshalJSON(text []byte) error {
	var s stored
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("renew: the plan's JSON: %w", err)
	}
	fresh := Plan(s.plain)
	fresh.options, fresh.note, fresh.digest, fresh.onStep = s.Options, s.SyncNote, s.Digest, p.onStep
	*p = fresh
	return nil
}
