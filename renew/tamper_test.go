package renew_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/renew"
)

// A plan's JSON that was changed, mixed up or cut is refused before anything is sent, by name, by
// every step.
func TestTamperedPlan(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	o := options()
	o.With = vpptoken.NewPatch().SetAppleID("successor@nordwind.example")
	p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, o)
	ok(t, err)
	ok(t, p.Apply(t.Context(), s.client, ct))
	ok(t, p.StartSync(t.Context(), s.client))
	stored, err := json.Marshal(p)
	ok(t, err)
	other, err := json.Marshal(s.plan(t, ct))
	ok(t, err)
	sent := len(s.Requests())
	type object = map[string]any
	for name, tt := range map[string]struct {
		change func(plan, other object)
		word   string // in the error
	}{
		"another token's id": {
			func(p, _ object) { p["tokenId"] = "another" }, "the sync in the plan is of another token",
		},
		"another token's sync": {
			func(p, _ object) { p["sync"].(object)["tokenId"] = "another" }, "the sync in the plan is of another token",
		},
		"both": {
			func(p, _ object) { p["tokenId"] = "another"; p["sync"].(object)["tokenId"] = "another" },
			"id, file or options",
		},
		"no id":                 {func(p, _ object) { delete(p, "tokenId") }, "empty"},
		"no digest":             {func(p, _ object) { delete(p, "digest") }, "no digest"},
		"an empty digest":       {func(p, _ object) { p["digest"] = "" }, "no digest"},
		"half a digest":         {func(p, _ object) { p["digest"] = p["digest"].(string)[:50] }, "digest"},
		"no base64":             {func(p, _ object) { p["digest"] = "*" }, "digest"},
		"another plan's digest": {func(p, other object) { p["digest"] = other["digest"] }, "digest"},
		"no options":            {func(p, _ object) { delete(p, "options") }, "options"},
		"an option more": {
			func(p, _ object) { p["options"].(object)["allowEarlierExpiry"] = true }, "options",
		},
		"another With": {
			func(p, _ object) { p["options"].(object)["with"] = object{"appleId": "x"} }, "options",
		},
		"no With": {func(p, _ object) { delete(p["options"].(object), "with") }, "options"},
		"a token in With": {
			func(p, _ object) { p["options"].(object)["with"] = object{"token": "x"} }, "options",
		},
		"another organization":     {func(p, _ object) { p["organizationName"] = "Sudwind" }, "file"},
		"another expiry":           {func(p, _ object) { p["expirationDateTime"] = "2027-11-20T18:13:53Z" }, "file"},
		"no expiry":                {func(p, _ object) { delete(p, "expirationDateTime") }, "empty"},
		"another location":         {func(p, _ object) { p["location"] = "Oslo" }, "file"},
		"no upload needed":         {func(p, _ object) { p["needsApply"] = false }, "changed"},
		"the location before":      {func(p, _ object) { p["before"].(object)["locationName"] = "Oslo" }, "changed"},
		"another clock, by a year": {func(p, _ object) { p["options"].(object)["clockOffset"] = 1e15 }, "options"},
	} {
		var changed, another object
		ok(t, json.Unmarshal(stored, &changed))
		ok(t, json.Unmarshal(other, &another))
		tt.change(changed, another)
		text, err := json.Marshal(changed)
		ok(t, err)
		p := new(renew.Plan)
		ok(t, json.Unmarshal(text, p))
		report, verified := p.Verify(t.Context(), s.client)
		for step, err := range map[string]error{
			"Apply": p.Apply(t.Context(), s.client, ct), "StartSync": p.StartSync(t.Context(), s.client),
			"Verify": verified,
		} {
			if err == nil || report != nil || errors.Is(err, renew.ErrNotVerified) ||
				!strings.Contains(err.Error(), tt.word) {
				t.Errorf("%s, %s: %v", name, step, err)
				continue
			}
			checkLine(t, err)
		}
	}
	if len(s.Requests()) != sent {
		t.Errorf("sent %v", s.sent()[sent:])
	}
	var fields object // an engine may keep JSON in its own way: another order, other spaces
	ok(t, json.Unmarshal(stored, &fields))
	text, err := json.MarshalIndent(fields, "", "  ")
	ok(t, err)
	same := new(renew.Plan)
	ok(t, json.Unmarshal(text, same))
	report, err := same.Verify(t.Context(), s.client)
	ok(t, err)
	if !report.Verified {
		t.Errorf("report = %+v", report)
	}
}

// What is no plan's JSON at all.
func TestPlanJSONRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[]`, `"x"`, `{"tokenId":7}`, `{"options":[]}`, `{"options":{"with":{"unknown":1}}}`,
		`{"options":{"with":{"token":"REDACTED"}}}`, `{"digest":7}`,
	} {
		p := &renew.Plan{TokenID: "kept"}
		if err := json.Unmarshal([]byte(text), p); err == nil || p.TokenID != "kept" {
			t.Errorf("%s: %+v, %v", text, p, err)
		}
	}
}
