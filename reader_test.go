package vpptoken_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// Members are taken in any order, whatever stands between them.
func TestMembersComeInAnyOrder(t *testing.T) {
	t.Parallel()
	members := []string{`"@odata.type":"#microsoft.graph.vppToken"`, `"id":"1"`}
	for _, tc := range patchCases(t) {
		members = append(members, `"`+tc.name+`":`+tc.value)
	}
	want := decodeToken(t, "{"+strings.Join(members, ",")+"}")
	backwards := slices.Clone(members)
	slices.Reverse(backwards)
	var crowded []string
	for _, m := range backwards {
		crowded = append(crowded, `"@odata.a`+strconv.Itoa(len(crowded))+`":{"x":[1,{}]}`, m)
	}
	escaped := strings.ReplaceAll(strings.Join(members, " ,\r\n\t"), `"state":`, `"\u0073tate" : `)
	for name, text := range map[string]string{
		"backwards": strings.Join(backwards, ","), "among others": strings.Join(crowded, ","),
		"with white space and escapes": escaped,
	} {
		got := decodeToken(t, " {"+text+"}\n")
		if diff := cmp.Diff(want, got); diff != "" || got.Extra != nil {
			t.Errorf("%s (-in order +got):\n%s", name, diff)
		}
		for _, f := range facts(t) {
			if !got.Has(f.name) {
				t.Errorf("%s: %s is not read", name, f.name)
			}
		}
	}
}

// What is built from an answer is bounded by count, however small each part of it is.
func TestR07BoundsOnCounts(t *testing.T) {
	t.Parallel()
	list := func(n int, element string) string {
		return "[" + strings.TrimPrefix(strings.Repeat(","+element, n), ",") + "]"
	}
	names := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"p%d":1`, i)
		}
		return b.String()[1:]
	}
	const half = 1 << 15
	for name, tc := range map[string]struct {
		in string
		ok bool
	}{
		"scope tags":               {`{"roleScopeTagIds":` + list(10_000, `"1"`) + "}", true},
		"too many scope tags":      {`{"roleScopeTagIds":` + list(10_001, `"1"`) + "}", false},
		"results":                  {`{"tokenActionResults":` + list(10_000, "{}") + "}", true},
		"too many results":         {`{"tokenActionResults":` + list(10_001, "{}") + "}", false},
		"strangers":                {"{" + names(1<<16) + "}", true},
		"too many strangers":       {"{" + names(1<<16+1) + "}", false},
		"inside a stranger":        {`{"x":` + list(1<<16-2, "{}") + "}", true},
		"too many inside":          {`{"x":` + list(1<<16, "{}") + "}", false},
		"too many members inside":  {`{"x":{` + names(1<<16+64) + "}}", false},
		"too many in two":          {`{"x":` + list(half, "1") + `,"y":[` + list(half, "1") + "]}", false},
		"many small objects":       {`{"x":` + list(20_000, `{"a":1,"b":2,"c":3}`) + "}", true},
		"8 MiB of {}":              {`{"x":[` + strings.Repeat("{},", 8<<20/3) + "{}]}", false},
		"8 MiB of {} in an answer": {`{"@odata.context":[` + strings.Repeat("{},", 8<<20/3) + "{}]}", false},
	} {
		err := json.Unmarshal([]byte(tc.in), new(vpptoken.VPPToken))
		if tc.ok && err != nil || !tc.ok && (err == nil || !strings.Contains(err.Error(), "smaller pages")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n, ok := range map[int]bool{10_000: true, 10_001: false} {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Root, faulttest.Respond(200, `{"value":`+list(n, `{"id":"1"}`)+"}"))
		if tokens, err := faulttest.Collect(c.List(t.Context())); (err == nil) != ok || ok && len(tokens) == 0 {
			t.Errorf("a page of %d: %d tokens, %v", n, len(tokens), err)
		}
	}
	tags := `{"id":"1","roleScopeTagIds":` + list(9_000, `""`) + "}"
	for name, tc := range map[string]struct {
		in string
		ok bool
	}{
		"tags of 29 tokens":         {`{"value":` + list(29, tags) + "}", true},
		"too many tags of thirty":   {`{"value":` + list(30, tags) + "}", false},
		"as many strangers":         {`{"value":[{"id":"1",` + names(1<<16) + "}]}", true},
		"one stranger more":         {`{"value":[{"id":"1",` + names(1<<16+1) + "}]}", false},
		"strangers of a page":       {"{" + names(900) + `,"value":[]}`, true},
		"too many of a page":        {"{" + names(1_100) + `,"value":[]}`, false},
		"too many of a result":      {`{"value":[{"id":"1","tokenActionResults":[{` + names(1_100) + "}]}]}", false},
		"strangers of many results": {`{"value":[{"id":"1","tokenActionResults":` + list(60, "{"+names(900)+"}") + "}]}", true},
	} {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Root, faulttest.Respond(200, tc.in))
		_, err := faulttest.Collect(c.List(t.Context()))
		if (err == nil) != tc.ok || err != nil && !strings.Contains(err.Error(), "smaller pages") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Words repeat from token to token of a tenant, and are held once.
func TestTokensOfAPageShareWords(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Root,
		faulttest.Respond(200, `{"value":[{"id":"1","organizationName":"Nordwind","state":"valid"},`+
			`{"id":"2","organizationName":"Nordwind","state":"valid"},{"id":"3","organizationName":"S\u00f8r","state":"valid"}]}`))
	tokens, err := faulttest.Collect(c.List(t.Context()))
	if err != nil || len(tokens) != 3 || tokens[2].OrganizationName != "Sør" {
		t.Fatal(tokens, err)
	}
	if unsafe.StringData(tokens[0].OrganizationName) != unsafe.StringData(tokens[1].OrganizationName) ||
		unsafe.StringData(string(tokens[0].State)) != unsafe.StringData(string(tokens[2].State)) {
		t.Error("the same word is held twice")
	}
}
