package graph

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"
)

var claimsParam = lazy(`(?i)(?:^|[\s,])claims\s*=\s*"([^"\\]+)"`)

// challenge returns the decoded claims that a 401 asks for (continuous access evaluation), or "".
func challenge(h http.Header) string {
	for _, value := range h.Values("Www-Authenticate") {
		if !strings.Contains(strings.ToLower(value), "insufficient_claims") {
			continue
		}
		m := claimsParam().FindStringSubmatch(value)
		if m == nil || len(m[1]) > 8<<10 {
			continue
		}
		text := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(m[1], "="))
		claims, err := base64.RawStdEncoding.DecodeString(text)
		var object map[string]json.RawMessage
		if err == nil && utf8.Valid(claims) && json.Unmarshal(claims, &object) == nil && object != nil {
			return string(claims)
		}
	}
	return ""
}
