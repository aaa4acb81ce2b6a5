package vpptokentest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// F1: the collection has no $count; its metadata says that it has.
func TestF01NoCountRoute(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Add(vpptoken.VPPToken{})
	for _, accept := range []string{"text/plain", "application/json"} {
		r := s.send("GET", "/beta"+collection+"/$count", "", "Accept: "+accept)
		if r.status != 400 || !strings.Contains(r.body, `"code":"No method match route template"`) ||
			!strings.Contains(r.body, "No OData route exists") {
			t.Errorf("%s: %d %s", accept, r.status, r.body)
		}
		checkError(t, r)
	}
	if n, err := s.Client().Count(t.Context()); n != 1 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
}

// F14: a sync that is asked for while one runs is refused, and joins only without the option.
func TestF14SyncRefusal(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 409, 400} {
		c := newClock(t)
		s := newService(t, withClock(c), vpptokentest.WithSyncDuration(time.Minute),
			vpptokentest.WithSyncRefusal(status))
		id := s.Add(synced(c))
		again := func() int { return s.send("POST", "/beta"+collection+"/"+id+"/syncLicenses", "").status }
		for i, want := range []int{200, status, status} {
			if got := again(); got != want {
				t.Errorf("sync %d: %d, want %d", i, got, want)
			}
		}
		c.advance(time.Minute)
		if got := again(); got != 200 {
			t.Errorf("after the first: %d", got)
		}
		c.advance(time.Minute)
		s.Edit(id, func(token *vpptoken.VPPToken) { token.LastSyncStatus = vpptoken.SyncStatusInProgress })
		if got := again(); got != status {
			t.Errorf("a sync that Edit wrote: %d, want %d", got, status)
		}
	}
}

// F34: a sync that was under way before the upload does not bring it, and neither does one that
// joins it.
func TestF34SyncUnderWay(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithSyncDuration(time.Minute))
	id := s.Add(synced(c))
	s.StartSync(id)
	equal(t, s.get(id), map[string]any{"lastSyncStatus": "inProgress", "lastSyncDateTime": "2026-11-20T11:00:00Z"})
	c.advance(30 * time.Second)
	s.StartSync(id)
	s.patch(id, `{"token":"`+nordwind(t)+`"}`)
	s.sync(id)
	c.advance(30 * time.Second)
	equal(t, s.get(id), map[string]any{
		"lastSyncStatus": "completed", "lastSyncDateTime": "2026-11-20T12:01:00Z",
		"expirationDateTime": "2026-11-21T12:00:00Z",
	})
	s.sync(id)
	c.advance(time.Minute)
	equal(t, s.get(id), map[string]any{
		"lastSyncStatus": "completed", "lastSyncDateTime": "2026-11-20T12:02:00Z",
		"expirationDateTime": "2027-11-20T18:13:52Z",
	})
}

// F35: a sync that fails may or may not move its date.
func TestF35FailedSyncs(t *testing.T) {
	t.Parallel()
	for outcome, moved := range map[vpptokentest.SyncOutcome]string{
		vpptokentest.SyncFails: "2026-11-20T12:00:00Z", vpptokentest.SyncFailsUnmoved: "2026-11-20T11:00:00Z",
	} {
		c := newClock(t)
		s := newService(t, withClock(c), vpptokentest.WithSyncDuration(0))
		id := s.Add(synced(c))
		s.NextSync(id, outcome)
		s.StartSync(id)
		equal(t, s.get(id), map[string]any{"lastSyncStatus": "failed", "lastSyncDateTime": moved})
	}
}

func TestF41Throttle(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithThrottle(3, 20*time.Second), vpptokentest.WithSyncDuration(0))
	id := s.Add(vpptoken.VPPToken{DisplayName: "Field"})
	path := "/beta" + collection + "/" + id
	write := func(want int, after string) {
		t.Helper()
		r := s.send("PATCH", path, `{"displayName":"x"}`)
		if r.status != want || r.header.Get("Retry-After") != after {
			t.Errorf("%d, Retry-After %q, want %d and %q", r.status, r.header.Get("Retry-After"), want, after)
		}
	}
	s.send("POST", path+"/syncLicenses", "")
	c.advance(5 * time.Second)
	write(200, "")
	s.send("DELETE", "/v1.0"+collection+"/none", "")
	s.Edit(id, func(token *vpptoken.VPPToken) { token.DisplayName = "Field" })
	c.advance(2872300 * time.Microsecond)
	// Three in the last 20 s; then the first goes, and this one is the third. 17.127 is too early.
	write(429, "17.128")
	if r := s.send("GET", path, ""); r.status != 200 || !strings.Contains(r.body, `"displayName":"Field"`) {
		t.Errorf("a refused write was carried out, or a read refused: %d %s", r.status, r.body)
	}
	r := s.send("PATCH", path, `{"displayName":"x"}`)
	outer := parse[struct {
		Error struct{ Code, Message string }
	}](t, r.body)
	inner := parse[struct{ Message string }](t, outer.Error.Message)
	if outer.Error.Code != "TooManyRequests" || inner.Message == "" {
		t.Errorf("body: %s", r.body)
	}
	checkError(t, r)
	if s.send("PATCH", path, "", "Authorization:").status != 401 {
		t.Error("a write without a bearer is refused for the throttle")
	}
	// The last three are of 5, 7.872 and 7.872: who waits as long as told to is served.
	seconds, err := strconv.ParseFloat(r.header.Get("Retry-After"), 64)
	if err != nil {
		t.Fatal(err)
	}
	c.advance(time.Duration(seconds * float64(time.Second)))
	write(200, "")
}

// A client gets all of its writes through in the end.
func TestF41ThrottledClient(t *testing.T) {
	t.Parallel()
	s := newServer(t, vpptokentest.WithThrottle(4, 300*time.Millisecond))
	c := s.Client()
	id := s.Add(vpptoken.VPPToken{})
	for range 12 {
		if _, err := c.Update(t.Context(), id, vpptoken.NewPatch().SetDisplayName("x")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestF41Tokens(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c))
	if _, ok := s.Token("none"); ok || len(s.Tokens()) != 0 {
		t.Error("an empty server has tokens")
	}
	token := synced(c)
	token.ID, token.Token, token.RoleScopeTagIDs = "one", vpptoken.NewSecret("Token value"), []string{"0"}
	token.Extra = map[string]json.RawMessage{"lastAppCount": json.RawMessage("12")}
	s.Add(token)
	token.Extra["lastAppCount"][0] = '9'
	s.Add(vpptoken.VPPToken{ID: "two"})
	s.patch("one", `{"displayName":"Field"}`)
	s.sync("one")
	got, ok := s.Token("one")
	if !ok || got.DisplayName != "Field" || got.Token.Reveal() != "Token value" ||
		got.LastSyncStatus != vpptoken.SyncStatusInProgress {
		t.Errorf("Token = %v, %v", got, ok)
	}
	if all := s.Tokens(); len(all) != 2 || all[1].ID != "two" || cmp.Diff(got, all[0]) != "" {
		t.Errorf("Tokens = %v", all)
	}
	got.RoleScopeTagIDs[0], got.Extra["lastAppCount"][0] = "9", '9'
	if again, _ := s.Token("one"); again.RoleScopeTagIDs[0] != "0" || string(again.Extra["lastAppCount"]) != "12" {
		t.Error("what Add got or Token returned is the server's")
	}
	if n := len(s.Requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	equal(t, s.get("one"), map[string]any{"lastSyncStatus": "completed"}) // the first read is still to come
	c.advance(time.Minute)
	if got, _ := s.Token("one"); got.LastSyncStatus != vpptoken.SyncStatusCompleted ||
		!got.LastSyncDateTime.Equal(c.Now().Add(-time.Minute+100*time.Millisecond)) {
		t.Errorf("after the sync: %s at %v", got.LastSyncStatus, got.LastSyncDateTime)
	}
}

func TestF41ContentToken(t *testing.T) {
	t.Parallel()
	expires := time.Date(2027, 11, 20, 20, 13, 52, 999, time.FixedZone("", 2*60*60))
	a, b := vpptokentest.ContentToken(`Nord & "wind"`, expires), vpptokentest.ContentToken(`Nord & "wind"`, expires)
	if a.Reveal() == b.Reveal() {
		t.Error("two content tokens are one")
	}
	ct, err := contenttoken.Parse([]byte(a.Reveal()))
	if err != nil || ct.OrganizationName != `Nord & "wind"` ||
		!ct.ExpirationDateTime.Equal(expires.Truncate(time.Second)) {
		t.Errorf("parsed: %v, %v", ct, err)
	}
	text, err := base64.StdEncoding.DecodeString(a.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]string
	err = json.Unmarshal(text, &members)
	if err != nil || len(members) != 3 || members["token"] == "" || members["expDate"] != "2027-11-20T18:13:52+0000" {
		t.Errorf("inside: %s, %v", text, err)
	}
	defer func() {
		if got, _ := recover().(string); !strings.HasPrefix(got, "vpptokentest: ContentToken: ") {
			t.Errorf("panic %q", got)
		}
	}()
	vpptokentest.ContentToken("", expires)
}

// An expired content token makes an expired token: when it is created, after a renewal's sync, and
// when its time comes.
func TestF41ExpiredFile(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithSyncDuration(0))
	file := func(d time.Duration) string { return vpptokentest.ContentToken("Nordwind", c.Now().Add(d)).Reveal() }
	create := func(text string) string {
		id, _ := s.want(s.send("POST", "/beta"+collection, `{"token":"`+text+`"}`), 201)["id"].(string)
		return id
	}
	old := create(file(-time.Hour))
	equal(t, s.get(old), map[string]any{"state": "expired", "expirationDateTime": "2026-11-20T11:00:00Z"})
	s.patch(old, `{"token":"`+file(2*time.Hour)+`"}`)
	s.sync(old)
	equal(t, s.get(old), map[string]any{"state": "valid", "expirationDateTime": "2026-11-20T14:00:00Z"})

	young := create(file(time.Hour))
	added := s.Add(vpptoken.VPPToken{Token: vpptokentest.ContentToken("Nordwind", c.Now().Add(time.Hour))})
	equal(t, s.get(added),
		map[string]any{"state": "valid", "expirationDateTime": "2026-11-20T13:00:00Z", "organizationName": "Nordwind"})
	fixed := s.Add(vpptoken.VPPToken{State: vpptoken.StateValid, ExpirationDateTime: c.Now().Add(time.Hour)})
	written := create(file(time.Hour))
	s.patch(written, `{"state":"invalid"}`)
	c.advance(time.Hour)
	for id, want := range map[string]string{
		old: "valid", young: "expired", added: "expired", fixed: "valid", written: "invalid",
	} {
		equal(t, s.get(id), map[string]any{"state": want})
	}
	s.patch(young, `{"state":"valid"}`) // whoever writes a state gets it
	equal(t, s.get(young), map[string]any{"state": "valid"})
}

func TestF41Revocation(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c), vpptokentest.WithSyncDuration(time.Minute))
	id := s.Add(vpptoken.VPPToken{
		TokenActionResults: []vpptoken.ActionResult{{ActionName: "earlier", ActionState: vpptoken.ActionStateFailed}},
	})
	s.AddLicenses("com.example.app", vpptoken.LicenseSummary{VPPTokenID: id, UsedLicenseCount: 3})
	function := "/beta" + collection + "/getLicensesForApp(bundleId='com.example.app')"
	looks := func(states ...vpptoken.ActionState) vpptoken.ActionResult {
		t.Helper()
		token := parse[vpptoken.VPPToken](t, s.send("GET", "/beta"+collection+"/"+id, "").body)
		var got []vpptoken.ActionState
		for _, r := range token.TokenActionResults {
			got = append(got, r.ActionState)
		}
		if diff := cmp.Diff(states, got); diff != "" {
			t.Fatal(diff)
		}
		return token.TokenActionResults[len(states)-1]
	}
	revoke := func() {
		if r := s.send("POST", "/beta"+collection+"/"+id+"/revokeLicenses", `{}`); r.status != http.StatusNoContent {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	revoke()
	looks("failed", "pending")
	c.advance(30 * time.Second)
	revoke()
	looks("failed", "active", "pending")
	if r := s.send("GET", function, ""); !strings.Contains(r.body, `"usedLicenseCount":3`) {
		t.Errorf("while it runs: %s", r.body)
	}
	c.advance(30 * time.Second)
	if r := s.send("GET", function, ""); !strings.Contains(r.body, `"availableLicenseCount":3,"usedLicenseCount":0`) {
		t.Errorf("after it: %s", r.body)
	}
	looks("failed", "done", "active")
	s.patch(id, `{"displayName":"x"}`)
	c.advance(30 * time.Second)
	s.AddLicenses("com.example.later", vpptoken.LicenseSummary{VPPTokenID: id, UsedLicenseCount: 5})
	later := strings.Replace(function, "example.app", "example.later", 1)
	if r := s.send("GET", later, ""); !strings.Contains(r.body, `"usedLicenseCount":5`) {
		t.Errorf("licenses that came after it: %s", r.body)
	}
	if r := looks("failed", "done", "done"); !r.LastUpdatedDateTime.Equal(c.Now()) || r.StartDateTime.Equal(c.Now()) {
		t.Errorf("times: %v", r)
	}
	got, _ := s.Token(id)
	if got.TokenActionResults[1].TotalLicensesCount != 3 || got.TokenActionResults[2].TotalLicensesCount != 0 {
		t.Errorf("totals: %v", got.TokenActionResults)
	}

	revoke()
	s.Edit(id, func(token *vpptoken.VPPToken) { token.DisplayName = "y" })
	looks("failed", "done", "done", "pending")
	s.Edit(id, func(token *vpptoken.VPPToken) { token.TokenActionResults[3].ActionState = vpptoken.ActionStateFailed })
	c.advance(time.Hour)
	looks("failed", "done", "done", "failed")
	revoke()
	s.patch(id, `{"tokenActionResults":[]}`)
	c.advance(time.Hour)
	if got, _ := s.Token(id); len(got.TokenActionResults) != 0 {
		t.Errorf("after [] was written: %v", got.TokenActionResults)
	}
}

// What a result was added with is shown, whether its type was named or not.
func TestResultsAreShownAsAdded(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.Add(vpptoken.VPPToken{TokenActionResults: []vpptoken.ActionResult{{
		ActionName: "revokeLicenses", ActionState: vpptoken.ActionStateFailed,
		ActionFailureReason: vpptoken.ActionFailureReasonAppleFailure, FailedLicensesCount: 3,
	}}})
	got := parse[vpptoken.VPPToken](t, s.send("GET", "/beta"+collection+"/"+id, "").body)
	if r := got.TokenActionResults[0]; r.ActionFailureReason != "appleFailure" || r.FailedLicensesCount != 3 {
		t.Errorf("got %+v", r)
	}
}
