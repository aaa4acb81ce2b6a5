package vpptokentest

import (
	"encoding/json"
	"strings"

	"github.com/vpptoken/vpptoken"
)

const (
	resultType       = "microsoft.graph.vppTokenActionResult"
	revokeResultType = "microsoft.graph.vppTokenRevokeLicensesActionResult"
)

// appendResult writes one action result; the three results of a revocation only on its own type.
func appendResult(b []byte, r *vpptoken.ActionResult) []byte {
	b = append(b, '{')
	if r.ODataType != "" {
		b = append(appendJSON(append(b, `"@odata.type":`...), r.ODataType), ',')
	}
	b = appendText(append(b, `"actionName":`...), r.ActionName)
	b = appendJSON(append(b, `,"actionState":`...), orNone(r.ActionState))
	b = appendJSON(append(b, `,"startDateTime":`...), r.StartDateTime)
	b = appendJSON(append(b, `,"lastUpdatedDateTime":`...), r.LastUpdatedDateTime)
	if strings.TrimPrefix(r.ODataType, "#") == revokeResultType {
		b = appendJSON(append(b, `,"actionFailureReason":`...), orNone(r.ActionFailureReason))
		b = appendJSON(append(b, `,"totalLicensesCount":`...), r.TotalLicensesCount)
		b = appendJSON(append(b, `,"failedLicensesCount":`...), r.FailedLicensesCount)
	}
	return append(b, '}')
}

func orNone[T ~string](word T) T {
	if word == "" {
		return "none"
	}
	return word
}

// decodeResult reads one action result out of a body. It is false for anything that the type does
// not have.
func decodeResult(text json.RawMessage, r *vpptoken.ActionResult) bool {
	list, err := object(text)
	if err != nil {
		return false
	}
	revoke := false
	for _, m := range list {
		if m.name == "@odata.type" {
			revoke = isType(m.value, revokeResultType)
			if !revoke && !isType(m.value, resultType) || json.Unmarshal(m.value, &r.ODataType) != nil {
				return false
			}
		}
	}
	for _, m := range list {
		if isNull(m.value) {
			if m.name != "actionName" {
				return false
			}
			continue
		}
		if !decodeResultMember(m, r, revoke) {
			return false
		}
	}
	return true
}

func decodeResultMember(m member, r *vpptoken.ActionResult, revoke bool) bool {
	switch m.name {
	case "@odata.type":
		return true
	case "actionName":
		return json.Unmarshal(m.value, &r.ActionName) == nil
	case "actionState":
		return json.Unmarshal(m.value, &r.ActionState) == nil && r.ActionState.IsKnown()
	case "startDateTime":
		return json.Unmarshal(m.value, &r.StartDateTime) == nil
	case "lastUpdatedDateTime":
		return json.Unmarshal(m.value, &r.LastUpdatedDateTime) == nil
	case "actionFailureReason":
		return revoke && json.Unmarshal(m.value, &r.ActionFailureReason) == nil && r.ActionFailureReason.IsKnown()
	case "totalLicensesCount":
		return revoke && decodeInt32(m.value, &r.TotalLicensesCount)
	case "failedLicensesCount":
		return revoke && decodeInt32(m.value, &r.FailedLicensesCount)
	}
	return false
}

func decodeInt32(value json.RawMessage, into *int) bool {
	var n int32
	ok := json.Unmarshal(value, &n) == nil
	*into = int(n)
	return ok
}
