package vpptokentest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/vpptoken/vpptoken"
)

const (
	resultType       = "microsoft.graph.vppTokenActionResult"
	revokeResultType = "microsoft.graph.vppTokenRevokeLicensesActionResult"
)

// appendResult writes one action result; the three results of a revocation only if it is one.
func appendResult(b []byte, r *vpptoken.ActionResult) []byte {
	b = append(b, '{')
	if r.ODataType != "" {
		b = append(appendJSON(append(b, `"@odata.type":`...), r.ODataType), ',')
	}
	b = appendText(append(b, `"actionName":`...), r.ActionName)
	b = appendJSON(append(b, `,"actionState":`...), orNone(r.ActionState))
	b = appendJSON(append(b, `,"startDateTime":`...), r.StartDateTime)
	b = appendJSON(append(b, `,"lastUpdatedDateTime":`...), r.LastUpdatedDateTime)
	if strings.TrimPrefix(r.ODataType, "#") == revokeResultType ||
		r.ActionFailureReason != "" || r.TotalLicensesCount != 0 || r.FailedLicensesCount != 0 {
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

// isResult reports whether text is an action result that a body may hold: nothing that its type
// does not have.
func isResult(text json.RawMessage) bool {
	list, err := object(text)
	if err != nil {
		return false
	}
	revoke := false
	for _, m := range list {
		if m.name == "@odata.type" {
			revoke = isType(m.value, revokeResultType)
			if !revoke && !isType(m.value, resultType) {
				return false
			}
		}
	}
	return !slices.ContainsFunc(list, func(m member) bool { return !isResultMember(m, revoke) })
}

func isResultMember(m member, revoke bool) bool {
	if isNull(m.value) {
		return m.name == "actionName"
	}
	switch m.name {
	case "@odata.type", "actionName", "startDateTime", "lastUpdatedDateTime":
		return true // a Patch has read them
	case "actionState":
		return isMember(m.value, vpptoken.ActionState("").Values())
	case "actionFailureReason":
		return revoke && isMember(m.value, vpptoken.ActionFailureReason("").Values())
	case "totalLicensesCount", "failedLicensesCount":
		return revoke && json.Unmarshal(m.value, new(int32)) == nil
	}
	return false
}

func isMember[T ~string](value json.RawMessage, words []T) bool {
	var word T
	return json.Unmarshal(value, &word) == nil && slices.Contains(words, word)
}
