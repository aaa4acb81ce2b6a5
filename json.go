package vpptoken

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

var errNilReceiver = errors.New("vpptoken: decoding into a nil pointer")

// UnmarshalJSON reads a bare token and replaces all of t. Names are case-sensitive; properties that
// this package does not know go into Extra. A duplicate property, invalid UTF-8 and a value of the
// wrong kind are errors, which name the property and never show a value. [VPPToken.Has] reports
// what was read.
func (t *VPPToken) UnmarshalJSON(data []byte) error {
	if t == nil {
		return errNilReceiver
	}
	if string(data) == "null" {
		return nil // as encoding/json has it
	}
	fresh, err := readBare(data)
	if err != nil {
		return fmt.Errorf("vpptoken: %w", err)
	}
	*t = *fresh
	return nil
}

// UnmarshalJSON reads an action result as [VPPToken.UnmarshalJSON] reads a token, and ignores
// unknown properties.
func (r *ActionResult) UnmarshalJSON(data []byte) error {
	if r == nil {
		return errNilReceiver
	}
	if string(data) == "null" {
		return nil
	}
	var fresh ActionResult
	if err := read(data, func(in *reader) { in.result(&fresh) }); err != nil {
		return fmt.Errorf("vpptoken: %w", err)
	}
	*r = fresh
	return nil
}

// UnmarshalJSON reads what MarshalJSON writes, for programs that keep patches in files or queues:
// null clears a property that may be null. It replaces all of p. An unknown or duplicate property,
// null where it is not allowed or in place of the object, the token REDACTED and a value of the
// wrong kind are errors: skipping a property would silently change the patch.
func (p *Patch) UnmarshalJSON(data []byte) error {
	if p == nil {
		return errNilReceiver
	}
	var fresh Patch
	err := read(data, func(in *reader) {
		in.strict = true
		v := &visit{do: readPatch, in: in}
		v.members(&fresh, &noToken, func() { in.unknown(v.name()) })
		fresh.nulls = v.nulls
	})
	if err != nil {
		return fmt.Errorf("vpptoken: a patch: %w", err)
	}
	*p = fresh
	return nil
}

func readBare(data []byte) (*VPPToken, error) {
	t := new(VPPToken)
	return t, read(data, func(in *reader) { in.token(t) })
}

// decodeToken reads the entity, either bare or, as in Microsoft's examples, under "value".
func decodeToken(data []byte) (*VPPToken, error) {
	t, err := readBare(data)
	if inner := t.Extra["value"]; err == nil && t.ID == "" && bytes.HasPrefix(inner, []byte("{")) {
		t, err = readBare(inner)
	}
	if err == nil && t.ID == "" {
		err = errors.New("the answer holds no token: id is missing")
	}
	return t, err
}

// decodePage reads one page of a list of tokens. Unless $select was used each has an id, so that a
// zero token can't pass for one.
func decodePage(data []byte, whole bool) ([]*VPPToken, string, error) {
	return decodeList(data, func(in *reader) *VPPToken {
		t := new(VPPToken)
		in.token(t)
		if whole && t.ID == "" {
			in.fail(errors.New("a token of the list has no id"))
		}
		return t
	})
}

// decodeLicenses reads one page of license summaries.
func decodeLicenses(data []byte, _ bool) ([]*LicenseSummary, string, error) {
	return decodeList(data, func(in *reader) *LicenseSummary {
		l := new(LicenseSummary)
		in.summary(l)
		return l
	})
}

func decodeList[T any](data []byte, element func(*reader) *T) (list []*T, nextLink string, err error) {
	found := false
	err = read(data, func(in *reader) {
		in.words = make([]string, maxProperties)
		in.object(func(name []byte) bool {
			switch string(name) {
			case "@odata.nextLink":
				return in.null() || readText(in, &nextLink, nil)
			case "value":
				found = in.array(func() bool {
					list = append(list, element(in))
					return true
				})
				return found || in.skip() != nil
			}
			return in.skip() != nil
		})
	})
	if err == nil && !found {
		err = errors.New("the answer is not a page of a list: value is missing or is not an array")
	}
	return list, nextLink, err
}

// token reads one token into t, which must be zero.
func (in *reader) token(t *VPPToken) {
	v := visit{do: readToken, in: in, seen: presence{decoded: true}}
	v.members(&noPatch, t, func() { v.stranger(t) })
	t.seen = v.seen
}

// members visits the list for the members of an object, and calls other for those that it does not
// know. Responses have them in the order of the list, so that one visit usually reads them all.
func (v *visit) members(p *Patch, t *VPPToken, other func()) {
	if !v.in.open('{') {
		v.in.fail(errNoObject)
		return
	}
	for v.next(); v.more && v.in.err == nil; {
		v.found = false
		if each(v, p, t); v.found {
			continue
		}
		if name := plain(v.name()); len(name) != v.to-v.from {
			v.text, v.from, v.to = name, 0, len(name)
			each(v, p, t)
		}
		if !v.found {
			other()
		}
	}
}

// next advances to the next member.
func (v *visit) next() {
	if v.from == 0 { // its name had escapes
		v.text = v.in.data
	}
	v.from, v.to, v.more = v.in.name()
}

// stranger keeps an unknown property in Extra, unless it is an annotation or an advertised action.
func (v *visit) stranger(t *VPPToken) {
	name := v.name()
	switch _, twice := t.Extra[string(name)]; {
	case twice:
		v.in.twice(string(name))
	case string(name) == "@odata.type":
		usual := "#microsoft.graph.vppToken" // costs no memory
		if v.noted(name); !v.in.null() && !readText(v.in, &t.ODataType, &usual) {
			v.in.wrongKind("@odata.type")
		}
	case bytes.ContainsAny(name, "@#"):
		v.noted(name)
		v.in.skip()
	default:
		value := v.in.skip()
		if t.Extra == nil {
			t.Extra = make(map[string]json.RawMessage)
		}
		t.Extra[string(name)] = bytes.Clone(value)
	}
	v.next()
}

// noted refuses an annotation that was there before. Few tokens have more than two.
func (v *visit) noted(name []byte) {
	for i, before := range v.notes {
		if before == nil {
			v.notes[i] = name
			return
		}
		if bytes.Equal(before, name) {
			v.in.twice(string(name))
		}
	}
	if v.others[string(name)] {
		v.in.twice(string(name))
	}
	if v.others == nil {
		v.others = make(map[string]bool)
	}
	v.others[string(name)] = true
}

func (in *reader) result(r *ActionResult) {
	in.object(func(name []byte) bool {
		switch string(name) {
		case "@odata.type":
			return in.null() || readText(in, &r.ODataType, nil)
		case "actionName":
			return in.null() || readText(in, &r.ActionName, nil)
		case "actionState":
			return in.null() || readText(in, &r.ActionState, nil)
		case "startDateTime":
			return in.null() || readTime(in, &r.StartDateTime, nil)
		case "lastUpdatedDateTime":
			return in.null() || readTime(in, &r.LastUpdatedDateTime, nil)
		case "actionFailureReason":
			return in.null() || readText(in, &r.ActionFailureReason, nil)
		case "totalLicensesCount":
			return in.null() || readNumber(in, &r.TotalLicensesCount)
		case "failedLicensesCount":
			return in.null() || readNumber(in, &r.FailedLicensesCount)
		}
		if in.strict {
			in.unknown(name)
		}
		return in.skip() != nil
	})
}

func (in *reader) summary(l *LicenseSummary) {
	in.object(func(name []byte) bool {
		if in.null() {
			return true
		}
		switch string(name) {
		case "appleId":
			return readText(in, &l.AppleID, nil)
		case "organizationName":
			return readText(in, &l.OrganizationName, nil)
		case "vppTokenId":
			return readText(in, &l.VPPTokenID, nil)
		case "availableLicenseCount":
			return readNumber(in, &l.AvailableLicenseCount)
		case "usedLicenseCount":
			return readNumber(in, &l.UsedLicenseCount)
		}
		return in.skip() != nil
	})
}

// wireToken is VPPToken without its methods, so that encoding/json uses the struct tags.
type wireToken VPPToken

// MarshalJSON writes t in the order of Microsoft's table, with the Apple token redacted. It omits
// zero times, empty strings and empty lists, and writes Extra last, sorted by name. If t has an ID,
// it also omits booleans that t was not read with: written as false, they would pass for read.
func (t VPPToken) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(wireToken(t))
	if err != nil {
		return nil, fmt.Errorf("vpptoken: %w", err)
	}
	if t.ID != "" { // without one there is nothing to send a Patch to
		v := &visit{do: unread, seen: t.seen}
		each(v, &noPatch, &t)
		for _, name := range v.names { // quotes inside strings are escaped, so this is the member
			b = bytes.Replace(b, []byte(`,"`+name+`":false`), nil, 1)
		}
	}
	if len(t.Extra) == 0 {
		return b, nil
	}
	for name := range t.Extra {
		if known(name) {
			return nil, fmt.Errorf("vpptoken: Extra holds %s, which has a field of its own", name)
		}
	}
	extra, err := json.Marshal(t.Extra)
	if err != nil {
		return nil, fmt.Errorf("vpptoken: Extra: %w", err)
	}
	b[len(b)-1] = ','
	return append(b, extra[1:]...), nil
}

// known reports whether VPPToken has a field for a name.
func known(name string) bool { return name == "@odata.type" || lookUp(name, &noToken).found }

// MarshalJSON writes what is not zero, and of a revocation, by its type, the two counts in any case.
func (r ActionResult) MarshalJSON() ([]byte, error) {
	w := struct {
		ODataType           string              `json:"@odata.type,omitempty"`
		ActionName          string              `json:"actionName,omitempty"`
		ActionState         ActionState         `json:"actionState,omitempty"`
		StartDateTime       time.Time           `json:"startDateTime,omitzero"`
		LastUpdatedDateTime time.Time           `json:"lastUpdatedDateTime,omitzero"`
		ActionFailureReason ActionFailureReason `json:"actionFailureReason,omitempty"`
		TotalLicensesCount  *int                `json:"totalLicensesCount,omitempty"`
		FailedLicensesCount *int                `json:"failedLicensesCount,omitempty"`
	}{
		ODataType: r.ODataType, ActionName: r.ActionName, ActionState: r.ActionState,
		StartDateTime: r.StartDateTime, LastUpdatedDateTime: r.LastUpdatedDateTime,
		ActionFailureReason: r.ActionFailureReason,
	}
	revoke := strings.TrimPrefix(r.ODataType, "#") == "microsoft.graph.vppTokenRevokeLicensesActionResult"
	if revoke || r.TotalLicensesCount != 0 {
		w.TotalLicensesCount = &r.TotalLicensesCount
	}
	if revoke || r.FailedLicensesCount != 0 {
		w.FailedLicensesCount = &r.FailedLicensesCount
	}
	b, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("vpptoken: %w", err)
	}
	return b, nil
}

// MarshalJSON returns exactly the bytes that [Client.Update] sends: what was set and what was
// cleared, in the order of Microsoft's table, with the real Apple token, and nothing else. A string
// that is not valid UTF-8 and a time outside the years 0 to 9999 are errors.
func (p Patch) MarshalJSON() ([]byte, error) {
	text, err := new(body).of(&p)
	if err != nil {
		return nil, fmt.Errorf("vpptoken: %w", err)
	}
	return text, nil
}

// Redacted returns the body that [Client.Update] would send, for logs and dry runs, with a set
// token as REDACTED. If the patch can't be encoded it returns the error's text. p may be nil.
func (p *Patch) Redacted() string {
	shown := *p.orNew()
	if shown.Token != nil {
		shown.Token = new(NewSecret(redacted))
	}
	text, err := shown.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// LogValue shows the body with the Apple token redacted.
func (p Patch) LogValue() slog.Value { return slog.StringValue(p.Redacted()) }
