package vpptoken_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

func TestPatchSendsOnlyWhatWasSet(t *testing.T) {
	t.Parallel()
	for _, tc := range patchCases(t) {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			set, zero := `{"`+tc.name+`":`+tc.value+`}`, `{"`+tc.name+`":`+tc.zeroValue+`}`
			bodies := map[string]struct {
				patch *vpptoken.Patch
				want  string
			}{
				"set":            {tc.set(vpptoken.NewPatch()), set},
				"literal":        {tc.literal, set},
				"zero":           {tc.zero(vpptoken.NewPatch()), zero},
				"zero literal":   {tc.zeroLiteral, zero},
				"set after zero": {tc.set(tc.zero(vpptoken.NewPatch())), set},
				"zero after set": {tc.zero(tc.set(vpptoken.NewPatch())), zero},
			}
			if tc.clear != nil {
				null := `{"` + tc.name + `":null}`
				more := map[string]struct {
					patch *vpptoken.Patch
					want  string
				}{
					"clear":                 {tc.clear(vpptoken.NewPatch()), null},
					"clear after set":       {tc.clear(tc.set(vpptoken.NewPatch())), null},
					"clear after zero":      {tc.clear(tc.zero(vpptoken.NewPatch())), null},
					"set after clear":       {tc.set(tc.clear(vpptoken.NewPatch())), set},
					"zero after clear":      {tc.zero(tc.clear(vpptoken.NewPatch())), zero},
					"clear, set, clear":     {tc.clear(tc.set(tc.clear(vpptoken.NewPatch()))), null},
					"clear, set, zero, set": {tc.set(tc.zero(tc.clear(vpptoken.NewPatch()))), set},
				}
				maps.Copy(bodies, more)
			}
			for name, b := range bodies {
				if b.patch.IsEmpty() {
					t.Errorf("%s: IsEmpty", name)
				}
				if tc.name == "token" && strings.HasPrefix(name, "zero") {
					continue // Update refuses it
				}
				c, mock := faulttest.Mock(t)
				mock.RegisterResponder("PATCH", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
				if _, err := c.Update(t.Context(), faulttest.ID, b.patch); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if mock.Requests()[0].Body != b.want || encode(t, b.patch) != b.want || encode(t, *b.patch) != b.want {
					t.Errorf("%s:\nsent    %s\nencoded %s\nwant    %s",
						name, mock.Requests()[0].Body, encode(t, b.patch), b.want)
				}
			}
		})
	}
}

// Absent: every other property of a patch that sets all but one.
func TestPatchLeavesOneOut(t *testing.T) {
	t.Parallel()
	cases := patchCases(t)
	for _, absent := range cases {
		p := vpptoken.NewPatch()
		var want []string
		for _, tc := range cases {
			if tc.name != absent.name {
				tc.set(p)
				want = append(want, `"`+tc.name+`":`+tc.value)
			}
		}
		if got, want := encode(t, p), "{"+strings.Join(want, ",")+"}"; got != want {
			t.Errorf("without %s:\ngot  %s\nwant %s", absent.name, got, want)
		}
	}
}

func TestPatchKeepsTheOrderOfTheTable(t *testing.T) {
	t.Parallel()
	cases := patchCases(t)
	p := vpptoken.NewPatch()
	var want []string
	for i := range cases { // set from the last to the first
		cases[len(cases)-1-i].set(p)
		want = append(want, `"`+cases[i].name+`":`+cases[i].value)
	}
	if got, want := encode(t, p), "{"+strings.Join(want, ",")+"}"; got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

func TestPatchRefusesWhatJSONWouldChange(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*vpptoken.Patch{
		"displayName":        vpptoken.NewPatch().SetDisplayName("a\xffb"),
		"token":              vpptoken.NewPatch().SetToken(vpptoken.NewSecret("canary\xff")),
		"state":              vpptoken.NewPatch().SetState("a\xff"),
		"roleScopeTagIds":    vpptoken.NewPatch().SetRoleScopeTagIDs("0", "a\xff"),
		"tokenActionResults": vpptoken.NewPatch().SetTokenActionResults(vpptoken.ActionResult{ActionName: "a\xff"}),
		"expirationDateTime": vpptoken.NewPatch().SetExpirationDateTime(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)),
	} {
		c, mock := faulttest.Mock(t)
		_, err := c.Update(t.Context(), faulttest.ID, p)
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "canary") ||
			len(mock.Requests()) != 0 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func seedPatches(t *testing.T) map[string]*vpptoken.Patch {
	t.Helper()
	at := func(s string) time.Time {
		d, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	expires, synced := at("2016-12-31T23:57:57.2481234-08:00"), at("2017-01-01T00:02:49.3205976-08:00")
	modified := at("2017-01-01T00:00:35.1329464-08:00")
	result := vpptoken.ActionResult{
		ODataType: "microsoft.graph.vppTokenActionResult", ActionName: "Action Name value",
		ActionState:         vpptoken.ActionStatePending,
		StartDateTime:       at("2016-12-31T23:58:46.7156189-08:00"),
		LastUpdatedDateTime: at("2017-01-01T00:00:56.8321556-08:00"),
	}
	return map[string]*vpptoken.Patch{
		"Set": vpptoken.NewPatch().
			SetOrganizationName("Organization Name value").SetAccountType(vpptoken.AccountTypeEducation).
			SetAppleID("Apple Id value").
			SetExpirationDateTime(expires).SetLastSyncDateTime(synced).SetToken(vpptoken.NewSecret("Token value")).
			SetLastModifiedDateTime(modified).SetState(vpptoken.StateValid).SetTokenActionResults(result).
			SetLastSyncStatus(vpptoken.SyncStatusInProgress).SetAutomaticallyUpdateApps(true).
			SetCountryOrRegion("Country Or Region value").
			SetDataSharingConsentGranted(true).SetDisplayName("Display Name value").
			SetLocationName("Location Name value").
			SetClaimTokenManagementFromExternalMDM(true),
		"literal": {
			OrganizationName: new("Organization Name value"), AccountType: new(vpptoken.AccountTypeEducation),
			AppleID:            new("Apple Id value"),
			ExpirationDateTime: &expires, LastSyncDateTime: &synced, Token: new(vpptoken.NewSecret("Token value")),
			LastModifiedDateTime: &modified,
			State:                new(vpptoken.StateValid), TokenActionResults: &[]vpptoken.ActionResult{result},
			LastSyncStatus: new(vpptoken.SyncStatusInProgress), AutomaticallyUpdateApps: new(true),
			CountryOrRegion: new("Country Or Region value"), DataSharingConsentGranted: new(true),
			DisplayName: new("Display Name value"), LocationName: new("Location Name value"),
			ClaimTokenManagementFromExternalMDM: new(true),
		},
	}
}

// The main job: the body of Microsoft's own example, byte for byte but for its white space, and its
// answer.
func TestSeedUpdate(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := json.Compact(&want, []byte(faulttest.Fixture(t, "seed-update-request.json"))); err != nil {
		t.Fatal(err)
	}
	for name, p := range seedPatches(t) {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("PATCH", faulttest.Item,
			faulttest.Respond(200, faulttest.Fixture(t, "seed-update-response.json")))
		got, err := c.Update(t.Context(), faulttest.ID, p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), mock.Requests()[0].Body); diff != "" {
			t.Errorf("%s: body (-want +got):\n%s", name, diff)
		}
		if got.ID != faulttest.ID || got.Token.Reveal() != "Token value" {
			t.Errorf("%s: got %v", name, got)
		}
		if left := p.Diff(got); encode(t, left) != `{"token":"Token value"}` {
			t.Errorf("%s: after the update there is still %s", name, encode(t, left.ClearToken()))
		}
	}
}

func encode(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}
