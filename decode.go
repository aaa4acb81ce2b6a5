package vpptoken

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken/internal/jsonscan"
)

// encoding/json checks the syntax of what is decoded here, and reads each value that is more than plain text. The members
// of an object are told apart by jsonscan, because encoding/json takes names in any case, lets the last of two win,
// and has no place for a property that it does not know.

// UnmarshalJSON reads a token, bare, and replaces all of t. Properties that this package does not know go into Extra;
// names count in their exact case. A property that stands twice, invalid UTF-8, nesting beyond 64 levels and a value
// of the wrong kind are errors, which name the property and never show a value.
func (t *VPPToken) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil // as encoding/json has it
	}
	var fresh VPPToken
	err := scan(data, func(s *jsonscan.Scanner) { fresh.scan(s, &VPPToken{}) })
	if err != nil {
		return fmt.Errorf("vpptoken: %w", err)
	}
	*t = fresh
	return nil
}

// UnmarshalJSON reads an action result, as [VPPToken.UnmarshalJSON] reads a token, and passes over what it does not know.
func (r *ActionResult) UnmarshalJSON(data []byte) error {
	var fresh ActionResult
	err := scan(data, fresh.scan)
	if err != nil {
		return fmt.Errorf("vpptoken: %w", err)
	}
	*r = fresh
	return nil
}

// decodeToken reads the entity, bare or, as in Microsoft's own examples, under "value".
func decodeToken(data []byte) (*VPPToken, error) {
	t, wrapped := new(VPPToken), false
	err := scan(data, func(s *jsonscan.Scanner) {
		s.Object(func(name []byte) {
			switch {
			case string(name) == "value" && s.IsObject():
				wrapped = true
				*t = VPPToken{}
				t.scan(s, t)
			case wrapped:
				s.Value()
			default:
				t.property(s, name, t)
			}
		})
	})
	if err == nil && t.ID == "" {
		err = errors.New("the answer holds no token: id is missing")
	}
	return t, err
}

// decodePage reads one page of a list of tokens. Whole ones have an id: without it a zero token would pass for one.
func decodePage(data []byte, whole bool) ([]*VPPToken, string, error) {
	last := new(VPPToken)
	return decodeList(data, func(s *jsonscan.Scanner) *VPPToken {
		t := new(VPPToken)
		t.scan(s, last)
		if whole && t.ID == "" {
			s.Fail(errors.New("a token of the list has no id"))
		}
		last = t
		return t
	})
}

// decodeLicenses reads one page of licence summaries.
func decodeLicenses(data []byte, _ bool) ([]*LicenseSummary, string, error) {
	return decodeList(data, func(s *jsonscan.Scanner) *LicenseSummary {
		l := new(LicenseSummary)
		l.scan(s)
		return l
	})
}

func decodeList[T any](data []byte, element func(*jsonscan.Scanner) *T) (list []*T, nextLink string, err error) {
	found := false
	err = scan(data, func(s *jsonscan.Scanner) {
		s.Object(func(name []byte) {
			switch string(name) {
			case "@odata.nextLink":
				check(s, name, text(s, &nextLink, ""))
			case "value":
				found = s.IsArray()
				elements(s, func() { list = append(list, element(s)) })
			default:
				s.Value()
			}
		})
	})
	if err == nil && !found {
		err = errors.New("the answer is no page of a list: value is missing or no list")
	}
	return list, nextLink, err
}

// scan lets read walk over data, once encoding/json has found it to be JSON. A byte order mark, which some of Microsoft's answers
// carry, is taken off.
func scan(data []byte, read func(*jsonscan.Scanner)) error {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	s := jsonscan.New(data)
	switch {
	case s.Err() != nil:
	case len(data) == 0:
		return errors.New("empty, where JSON should be")
	case !json.Valid(data):
		return errors.New("not JSON, or not all of it")
	}
	read(s)
	if errors.Is(s.Err(), jsonscan.ErrDuplicate) && knownProperty(string(s.LastName())) {
		return fmt.Errorf("property %s stands twice", s.LastName())
	}
	return s.Err()
}

// scan reads one token. Words that like holds as well are shared with it: they repeat from token to token of a tenant.
func (t *VPPToken) scan(s *jsonscan.Scanner, like *VPPToken) {
	object(s, func(name []byte) { t.property(s, name, like) })
}

func (t *VPPToken) property(s *jsonscan.Scanner, name []byte, like *VPPToken) {
	ok := true
	switch string(name) {
	case "@odata.type":
		ok = text(s, &t.ODataType, like.ODataType)
	case "id":
		ok = text(s, &t.ID, "")
	case "organizationName":
		ok = text(s, &t.OrganizationName, like.OrganizationName)
	case "vppTokenAccountType":
		ok = text(s, &t.AccountType, like.AccountType)
	case "appleId":
		ok = text(s, &t.AppleID, like.AppleID)
	case "expirationDateTime":
		ok = moment(s, &t.ExpirationDateTime)
	case "lastSyncDateTime":
		ok = moment(s, &t.LastSyncDateTime)
	case "token":
		var secret string
		ok = text(s, &secret, "")
		_ = t.Token.UnmarshalText([]byte(secret)) // never fails
	case "lastModifiedDateTime":
		ok = moment(s, &t.LastModifiedDateTime)
	case "state":
		ok = text(s, &t.State, like.State)
	case "tokenActionResults":
		ok = list(s, func() {
			var r ActionResult
			check(s, name, s.IsObject())
			r.scan(s)
			t.TokenActionResults = append(t.TokenActionResults, r)
		})
	case "lastSyncStatus":
		ok = text(s, &t.LastSyncStatus, like.LastSyncStatus)
	case "automaticallyUpdateApps":
		ok = flag(s, &t.AutomaticallyUpdateApps)
	case "countryOrRegion":
		ok = text(s, &t.CountryOrRegion, like.CountryOrRegion)
	case "dataSharingConsentGranted":
		ok = flag(s, &t.DataSharingConsentGranted)
	case "displayName":
		ok = text(s, &t.DisplayName, "")
	case "locationName":
		ok = text(s, &t.LocationName, like.LocationName)
	case "claimTokenManagementFromExternalMdm":
		ok = flag(s, &t.ClaimTokenManagementFromExternalMDM)
	case "roleScopeTagIds":
		ok = list(s, func() {
			var id string
			check(s, name, text(s, &id, ""))
			t.RoleScopeTagIDs = append(t.RoleScopeTagIDs, id)
		})
	case "appleDeviceAppDeliveryProtocolType":
		ok = text(s, &t.AppDeliveryProtocolType, like.AppDeliveryProtocolType)
	default:
		s.Count()
		t.keep(name, s.Value())
	}
	check(s, name, ok)
}

// keep puts an unknown property into Extra, unless it is an annotation or an advertised action.
func (t *VPPToken) keep(name, value []byte) {
	if value == nil || bytes.ContainsAny(name, "@#") {
		return
	}
	if t.Extra == nil {
		t.Extra = make(map[string]json.RawMessage)
	}
	t.Extra[string(name)] = bytes.Clone(value)
}

func (r *ActionResult) scan(s *jsonscan.Scanner) {
	object(s, func(name []byte) {
		ok := true
		switch string(name) {
		case "@odata.type":
			ok = text(s, &r.ODataType, "")
		case "actionName":
			ok = text(s, &r.ActionName, "")
		case "actionState":
			ok = text(s, &r.ActionState, "")
		case "startDateTime":
			ok = moment(s, &r.StartDateTime)
		case "lastUpdatedDateTime":
			ok = moment(s, &r.LastUpdatedDateTime)
		case "actionFailureReason":
			ok = text(s, &r.ActionFailureReason, "")
		case "totalLicensesCount":
			ok = number(s, &r.TotalLicensesCount)
		case "failedLicensesCount":
			ok = number(s, &r.FailedLicensesCount)
		default:
			s.Value()
		}
		check(s, name, ok)
	})
}

func (l *LicenseSummary) scan(s *jsonscan.Scanner) {
	object(s, func(name []byte) {
		ok := true
		switch string(name) {
		case "appleId":
			ok = text(s, &l.AppleID, "")
		case "organizationName":
			ok = text(s, &l.OrganizationName, "")
		case "vppTokenId":
			ok = text(s, &l.VPPTokenID, "")
		case "availableLicenseCount":
			ok = number(s, &l.AvailableLicenseCount)
		case "usedLicenseCount":
			ok = number(s, &l.UsedLicenseCount)
		default:
			s.Value()
		}
		check(s, name, ok)
	})
}

// object calls member for each member of an object, and refuses anything else.
func object(s *jsonscan.Scanner, member func(name []byte)) {
	if !s.IsObject() {
		s.Fail(errors.New("JSON of the wrong kind where an object should be"))
		return
	}
	s.Object(member)
}

func check(s *jsonscan.Scanner, name []byte, ok bool) {
	if !ok {
		s.Fail(fmt.Errorf("property %s has a value of the wrong kind", name))
	}
}

// text reads a string, or null as "". When it is the same as like, it shares like's memory.
func text[T ~string](s *jsonscan.Scanner, into *T, like T) bool {
	raw := s.Value()
	if len(raw) < 2 || raw[0] != '"' {
		return string(raw) == "null"
	}
	plain := raw[1 : len(raw)-1]
	switch {
	case string(plain) == string(like):
		*into = like
	case bytes.IndexByte(plain, '\\') < 0:
		*into = T(plain)
	default:
		var decoded string
		err := json.Unmarshal(raw, &decoded)
		*into = T(decoded)
		return err == nil
	}
	return true
}

// moment reads a time, with its precision and offset. 0001-01-01 of any zone, which is how the service writes "never", and
// null are the zero time.
func moment(s *jsonscan.Scanner, into *time.Time) bool {
	raw := s.Value()
	if bytes.IndexByte(raw, '\\') >= 0 { // Microsoft's encoder writes + as \u002B, and the time package does not read that
		var plain string
		if json.Unmarshal(raw, &plain) != nil {
			return false
		}
		raw = strconv.AppendQuote(nil, plain)
	}
	if into.UnmarshalJSON(raw) != nil {
		return false
	}
	if _, offset := into.Zone(); offset <= -24*3600 || offset >= 24*3600 {
		return false // the time package reads it and can't write it
	}
	if into.Year() == 1 && into.YearDay() == 1 {
		*into = time.Time{}
	}
	return true
}

// flag reads a boolean, or null as false.
func flag(s *jsonscan.Scanner, into *bool) bool {
	raw := s.Value()
	*into = string(raw) == "true"
	return *into || string(raw) == "false" || string(raw) == "null"
}

// number reads a whole number, or null as 0.
func number(s *jsonscan.Scanner, into *int) bool { return json.Unmarshal(s.Value(), into) == nil }

// list reads a list inside a token, or null as none; element reads each of its elements.
func list(s *jsonscan.Scanner, element func()) bool {
	if !s.IsArray() {
		return string(s.Value()) == "null"
	}
	elements(s, element)
	return true
}

// elements reads a list, of a length that no service of this kind has.
func elements(s *jsonscan.Scanner, element func()) {
	s.Array(func(i int) {
		if i == 10_000 {
			s.Fail(jsonscan.ErrCrowded)
			return
		}
		element()
	})
}

// knownProperty asks property itself, so that its switch stays the only list of names.
func knownProperty(name string) bool {
	if strings.ContainsAny(name, "@#") {
		return name == "@odata.type"
	}
	object, err := json.Marshal(map[string]any{name: nil})
	if err != nil {
		return false
	}
	var t VPPToken
	t.scan(jsonscan.New(object), &t)
	return t.Extra == nil
}
