package graph_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/internal/graph"
)

func TestChallenge(t *testing.T) {
	t.Parallel()
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1604106651>>>???"}}}`
	std, raw := base64.StdEncoding, base64.RawStdEncoding
	with := func(encoded string) []string {
		return []string{`Bearer error="insufficient_claims", claims="` + encoded + `"`}
	}
	for name, tc := range map[string]struct {
		values []string
		want   string
	}{
		"padded":       {with(std.EncodeToString([]byte(claims))), claims},
		"unpadded":     {with(raw.EncodeToString([]byte(claims))), claims},
		"URL":          {with(base64.URLEncoding.EncodeToString([]byte(claims))), claims},
		"URL unpadded": {with(base64.RawURLEncoding.EncodeToString([]byte(claims))), claims},
		"first":        {[]string{`Bearer claims="e30=",error="insufficient_claims"`}, "{}"},
		"spaces":       {[]string{`bearer  ERROR = "Insufficient_Claims" ,  Claims = "e30"`}, "{}"},
		"second value": {[]string{"Negotiate", `Bearer error="insufficient_claims", claims="e30"`}, "{}"},
		"other error":  {[]string{`Bearer error="invalid_token", claims="e30"`}, ""},
		"no claims":    {[]string{`Bearer error="insufficient_claims"`}, ""},
		"no header":    {nil, ""},
		"other name":   {[]string{`Bearer error="insufficient_claims", xclaims="e30"`}, ""},
		"unquoted":     {[]string{`Bearer error="insufficient_claims", claims=e30`}, ""},
		"unclosed":     {[]string{`Bearer error="insufficient_claims", claims="e30`}, ""},
		"not base64":   {with("e30!"), ""},
		"not JSON":     {with(raw.EncodeToString([]byte("hello"))), ""},
		"array":        {with(raw.EncodeToString([]byte("[]"))), ""},
		"null":         {with(raw.EncodeToString([]byte("null"))), ""},
		"not UTF-8":    {with(raw.EncodeToString([]byte("{\"a\":\"\xff\"}"))), ""},
		"too long":     {with(strings.Repeat("IA", 5000) + "e30"), ""},
		"second wins":  {append(with("!!!!"), with("e30")...), "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := graph.Challenge(http.Header{"Www-Authenticate": tc.values}); got != tc.want {
				t.Errorf("Challenge(%.200q) = %q, want %q", tc.values, got, tc.want)
			}
		})
	}
}

func FuzzChallenge(f *testing.F) {
	for _, s := range []string{
		`Bearer error="insufficient_claims", claims="e30="`, `Bearer claims="", error=insufficient_claims`, "",
		`Bearer error="insufficient_claims", claims="eyJhIjoiXHUwMDAwIn0"`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		claims := graph.Challenge(http.Header{"Www-Authenticate": {value}})
		var object map[string]any
		if claims != "" && (json.Unmarshal([]byte(claims), &object) != nil || object == nil || len(claims) > 8<<10) {
			t.Errorf("Challenge(%q) = %q", value, claims)
		}
	})
}
