package vpptoken

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken/internal/jsonscan"
)

// wireToken is VPPToken without its methods, so that encoding/json goes by the struct tags and passes over the text
// once, also for a page of them.
type wireToken VPPToken

// MarshalJSON writes t in the order of Microsoft's table, with the Apple token redacted. Zero times, empty strings and
// empty lists are left out; Extra follows, sorted by name.
func (t VPPToken) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(wireToken(t))
	if err != nil || len(t.Extra) == 0 {
		return b, err
	}
	for name := range t.Extra {
		if knownProperty([]byte(name)) {
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

// UnmarshalJSON reads a token, bare, and replaces all of t. Properties that this package does not know go into Extra;
// names count in their exact case. A property that stands twice, invalid UTF-8, nesting beyond 64 levels and a value
// of the wrong kind are errors, which name the property and never show a value.
func (t *VPPToken) UnmarshalJSON(data []byte) error {
	var fresh wireToken
	s := jsonscan.New(data)
	extra := scanToken(s)
	if err := decode(s, &fresh); err != nil {
		return fmt.Errorf("vpptoken: %w", err)
	}
	*t = *finish(&fresh, extra)
	return nil
}

// MarshalJSON writes the three results of a revocation when the type says that it is one, or when they are not zero.
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
	return json.Marshal(w)
}

// decodeToken reads the entity, bare or, as in Microsoft's own examples, under "value".
func decodeToken(data []byte) (*VPPToken, error) {
	w := new(wireToken)
	var into any = w
	var extra map[string]json.RawMessage
	s := newScanner(data)
	s.Object(func(name []byte) {
		if string(name) == "value" {
			into = &struct {
				Value *wireToken `json:"value"`
			}{w}
			extra = scanToken(s)
			return
		}
		extra = scanProperty(s, name, extra, "value")
	})
	if err := decode(s, into); err != nil {
		return nil, err
	}
	if w.ID == "" {
		return nil, errors.New("the answer holds no token: id is missing")
	}
	return finish(w, extra), nil
}

// decodePage reads one page of a list of tokens.
func decodePage(data []byte) (tokens []*VPPToken, nextLink string, err error) {
	var page struct {
		NextLink string       `json:"@odata.nextLink"`
		Value    []*wireToken `json:"value"`
	}
	var extra map[int]map[string]json.RawMessage
	s := newScanner(data)
	s.Object(func(name []byte) {
		if string(name) != "value" {
			scanProperty(s, name, nil, "value", "@odata.nextLink")
			return
		}
		s.Array(func(i int) {
			if e := scanToken(s); e != nil {
				if extra == nil {
					extra = make(map[int]map[string]json.RawMessage)
				}
				extra[i] = e
			}
		})
	})
	if err := decode(s, &page); err != nil {
		return nil, "", err
	}
	if page.Value == nil {
		return nil, "", errors.New("the answer is no page of a list: value is missing")
	}
	tokens = make([]*VPPToken, len(page.Value))
	for i, w := range page.Value {
		if w == nil {
			return nil, "", fmt.Errorf("element %d of value is null", i)
		}
		tokens[i] = finish(w, extra[i])
	}
	return tokens, page.NextLink, nil
}

// decodeLicenses reads one page of licence summaries.
func decodeLicenses(data []byte) (list []*LicenseSummary, nextLink string, err error) {
	var page struct {
		NextLink string            `json:"@odata.nextLink"`
		Value    []*LicenseSummary `json:"value"`
	}
	s := newScanner(data)
	s.Value()
	if err := decode(s, &page); err != nil {
		return nil, "", err
	}
	if page.Value == nil {
		return nil, "", errors.New("the answer is no list of licences: value is missing")
	}
	for i, l := range page.Value {
		if l == nil {
			return nil, "", fmt.Errorf("element %d of value is null", i)
		}
	}
	return page.Value, page.NextLink, nil
}

// newScanner takes off a byte order mark, which some of Microsoft's answers carry.
func newScanner(data []byte) *jsonscan.Scanner {
	return jsonscan.New(bytes.TrimPrefix(data, []byte("\uFEFF")))
}

// scanToken walks over one token and returns its unknown properties.
func scanToken(s *jsonscan.Scanner) (extra map[string]json.RawMessage) {
	s.Object(func(name []byte) { extra = scanProperty(s, name, extra) })
	return extra
}

// scanProperty walks over one property and adds it to extra when it is unknown. A name that differs from a known one, or
// from one of others, only by case is hidden from encoding/json, which would take the one for the other.
func scanProperty(s *jsonscan.Scanner, name []byte, extra map[string]json.RawMessage, others ...string) map[string]json.RawMessage {
	if knownProperty(name) {
		s.Value()
		return extra
	}
	text := string(name)
	if foldsInto(text, others) || foldsInto(text, properties) {
		s.HideName()
	}
	value := s.Value()
	if strings.ContainsAny(text, "@#") || value == nil {
		return extra // an annotation or an advertised action, not a property
	}
	if extra == nil {
		extra = make(map[string]json.RawMessage)
	}
	extra[text] = bytes.Clone(value)
	return extra
}

func foldsInto(name string, known []string) bool {
	for _, k := range known {
		if len(name) >= len(k) && name != k && strings.EqualFold(name, k) {
			return true
		}
	}
	return false
}

// decode lets encoding/json read what s has walked over. Its errors name the property but never show a value.
func decode(s *jsonscan.Scanner, into any) error {
	err := s.Err()
	if err == nil || errors.Is(err, jsonscan.ErrSyntax) {
		err = json.Unmarshal(s.Text(), into)
	}
	if err == nil {
		return nil
	}
	return explain(s, err)
}

// explain finds words of this package for an error of encoding/json, whose own quote the text.
func explain(s *jsonscan.Scanner, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not JSON, or not all of it: byte %d of %d", syntax.Offset, len(s.Text()))
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if kind.Field == "" {
			return errors.New("JSON of the wrong kind: no object")
		}
		return fmt.Errorf("property %s has a value of the wrong kind", kind.Field[strings.LastIndexByte(kind.Field, '.')+1:])
	}
	switch {
	case errors.Is(err, jsonscan.ErrDuplicate) && knownProperty(s.LastName()):
		return fmt.Errorf("property %s stands twice", s.LastName())
	case s.Err() != nil:
		return err
	}
	return fmt.Errorf("property %s is no time of RFC 3339", badTime(s.Text()))
}

// badTime finds the time that encoding/json refused: of all its errors only this one has no property's name.
func badTime(text []byte) (property string) {
	jsonscan.Members(text, func(name, value []byte) {
		if strings.HasSuffix(string(name), "DateTime") && property == "" && json.Unmarshal(value, new(time.Time)) != nil {
			property = string(name)
		}
	})
	return property
}

// finish turns what was decoded into what is handed out.
func finish(w *wireToken, extra map[string]json.RawMessage) *VPPToken {
	t := (*VPPToken)(w)
	t.Extra = extra
	zeroNever(&t.ExpirationDateTime)
	zeroNever(&t.LastSyncDateTime)
	zeroNever(&t.LastModifiedDateTime)
	for i := range t.TokenActionResults {
		zeroNever(&t.TokenActionResults[i].StartDateTime)
		zeroNever(&t.TokenActionResults[i].LastUpdatedDateTime)
	}
	return t
}

// zeroNever turns 0001-01-01 of any zone, which is how the service writes "never", into the zero time.
func zeroNever(t *time.Time) {
	if t.Year() == 1 && t.YearDay() == 1 {
		*t = time.Time{}
	}
}

// knownProperty is a switch because it is asked for every property read; a test keeps it in step with properties.
func knownProperty(name []byte) bool {
	switch string(name) {
	case "@odata.type", "id", "organizationName", "vppTokenAccountType", "appleId", "expirationDateTime",
		"lastSyncDateTime", "token", "lastModifiedDateTime", "state", "tokenActionResults", "lastSyncStatus",
		"automaticallyUpdateApps", "countryOrRegion", "dataSharingConsentGranted", "displayName", "locationName",
		"claimTokenManagementFromExternalMdm", "roleScopeTagIds", "appleDeviceAppDeliveryProtocolType":
		return true
	}
	return false
}

// properties are the JSON names of VPPToken's fields.
var properties = []string{
	"@odata.type", "id", "organizationName", "vppTokenAccountType", "appleId", "expirationDateTime",
	"lastSyncDateTime", "token", "lastModifiedDateTime", "state", "tokenActionResults", "lastSyncStatus",
	"automaticallyUpdateApps", "countryOrRegion", "dataSharingConsentGranted", "displayName", "locationName",
	"claimTokenManagementFromExternalMdm", "roleScopeTagIds", "appleDeviceAppDeliveryProtocolType",
}

// betaProperty tells the properties that v1.0 does not have.
func betaProperty(name string) bool {
	switch name {
	case "tokenActionResults", "dataSharingConsentGranted", "displayName", "locationName",
		"claimTokenManagementFromExternalMdm", "roleScopeTagIds", "appleDeviceAppDeliveryProtocolType":
		return true
	}
	return false
}
