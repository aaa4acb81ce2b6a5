package vpptokentest_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func newServer(t *testing.T, opts ...vpptokentest.Option) *vpptokentest.Server {
	t.Helper()
	srv := vpptokentest.NewServer(opts...)
	t.Cleanup(func() {
		if n := srv.UnusedFaults(); n != 0 {
			t.Errorf("%d faults were not met", n)
		}
		srv.Close()
	})
	return srv
}

// All ten operations of the client, in one life of a token.
func TestClient(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	srv := newServer(t, vpptokentest.WithSyncDuration(10*time.Millisecond))
	c := srv.Client()

	created, err := c.Create(ctx, vpptoken.NewSecret(nordwind(t)),
		vpptoken.NewPatch().SetAccountType(vpptoken.AccountTypeEducation).SetDisplayName("Field").
			SetRoleScopeTagIDs("0"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Get(ctx, created.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created, got); diff != "" || got.DisplayName != "Field" || !got.Token.IsZero() {
		t.Errorf("created and read differ: %s", diff)
	}
	updated, err := c.Update(ctx, created.ID,
		vpptoken.NewPatch().SetCountryOrRegion("no").ClearDisplayName().SetRoleScopeTagIDs())
	if err != nil || updated.CountryOrRegion != "no" || updated.DisplayName != "" || len(updated.RoleScopeTagIDs) != 0 {
		t.Errorf("updated: %v, %v", updated, err)
	}
	if n, err := c.Count(ctx); n != 1 || err != nil {
		t.Errorf("Count = %d, %v, want 1", n, err)
	}
	s, err := c.StartSync(ctx, created.ID)
	if err != nil {
		t.Fatal(err)
	}
	var seen []vpptoken.SyncStatus
	done, err := c.WaitSync(ctx, s, vpptoken.PollEvery(time.Millisecond),
		vpptoken.OnPoll(func(t *vpptoken.VPPToken) { seen = append(seen, t.LastSyncStatus) }))
	if err != nil || done.LastSyncStatus != vpptoken.SyncStatusCompleted ||
		!done.LastSyncDateTime.After(s.PreviousSyncDateTime) {
		t.Errorf("WaitSync: %v, %v, having seen %v", done, err, seen)
	}
	srv.AddLicenses("com.example.app", vpptoken.LicenseSummary{VPPTokenID: created.ID, UsedLicenseCount: 3})
	if err := c.SyncLicenseCounts(ctx); err != nil {
		t.Error(err)
	}
	for l, err := range c.LicensesForApp(ctx, "com.example.app") {
		if err != nil || l.UsedLicenseCount != 3 {
			t.Errorf("licenses: %v, %v", l, err)
		}
	}
	if err := c.RevokeLicenses(ctx, created.ID, vpptoken.RevokeOptions{NotifyManagedDevices: true}); err != nil {
		t.Error(err)
	}
	for start, state := time.Now(), vpptoken.ActionStatePending; state != vpptoken.ActionStateDone; {
		got, err := c.Get(ctx, created.ID)
		if err != nil || len(got.TokenActionResults) != 1 || time.Since(start) > 10*time.Second {
			t.Fatalf("after the revocation: %v, %v", got, err)
		}
		state = got.TokenActionResults[0].ActionState
	}
	if got, _ := srv.Token(created.ID); got.TokenActionResults[0].TotalLicensesCount != 3 {
		t.Errorf("after the revocation: %v", got)
	}
	if err := c.Delete(ctx, created.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.Get(ctx, created.ID); !errors.Is(err, vpptoken.ErrNotFound) {
		t.Errorf("Get after Delete: %v, want ErrNotFound", err)
	}
}

// Every property that a Patch can hold gets through the server's checks and comes back as it was.
func TestClientPatchesEverything(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	at := time.Date(2026, 11, 20, 12, 0, 0, 248123400, time.UTC)
	results := []vpptoken.ActionResult{
		{
			ODataType: "#microsoft.graph.vppTokenActionResult", ActionName: "a",
			ActionState: vpptoken.ActionStatePending, StartDateTime: at,
		},
		{
			ODataType: "#microsoft.graph.vppTokenRevokeLicensesActionResult", ActionName: "b",
			ActionState:         vpptoken.ActionStateFailed,
			ActionFailureReason: vpptoken.ActionFailureReasonExpiredVPPToken, TotalLicensesCount: 5,
			FailedLicensesCount: 4,
		},
	}
	want := vpptoken.VPPToken{
		OrganizationName: "a", AccountType: vpptoken.AccountTypeEducation, AppleID: "b", ExpirationDateTime: at,
		LastSyncDateTime:     at,
		LastModifiedDateTime: at, State: vpptoken.StateDuplicateLocationID, TokenActionResults: results,
		LastSyncStatus: vpptoken.SyncStatusFailed, AutomaticallyUpdateApps: true, CountryOrRegion: "no",
		DataSharingConsentGranted: true,
		DisplayName:               "<c & d>", LocationName: "e", ClaimTokenManagementFromExternalMDM: true,
		RoleScopeTagIDs:         []string{"0", "1"},
		AppDeliveryProtocolType: vpptoken.DeliveryProtocolMobileDeviceManagement,
	}
	id := srv.Add(vpptoken.VPPToken{})
	want.ID = id
	got, err := srv.Client().Update(t.Context(), id, vpptoken.NewPatch().
		SetOrganizationName("a").SetAccountType(want.AccountType).SetAppleID("b").SetExpirationDateTime(at).
		SetLastSyncDateTime(at).
		SetToken(vpptoken.NewSecret("Token value")).SetLastModifiedDateTime(at).SetState(want.State).
		SetTokenActionResults(results...).
		SetLastSyncStatus(want.LastSyncStatus).SetAutomaticallyUpdateApps(true).SetCountryOrRegion("no").
		SetDataSharingConsentGranted(true).
		SetDisplayName(want.DisplayName).SetLocationName("e").SetClaimTokenManagementFromExternalMDM(true).
		SetRoleScopeTagIDs("0", "1").
		SetAppDeliveryProtocolType(want.AppDeliveryProtocolType))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Error(diff)
	}
	srv.Edit(id, func(token *vpptoken.VPPToken) {
		if got := token.Token.Reveal(); got != "Token value" {
			t.Errorf("the server holds the token %q", got)
		}
	})
}

func TestClientLists(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	for i := range 250 {
		srv.Add(vpptoken.VPPToken{ID: strconv.Itoa(i)})
	}
	for _, v := range []vpptoken.APIVersion{vpptoken.VersionBeta, vpptoken.VersionV1} {
		n := 0
		for token, err := range srv.Client(vpptoken.WithAPIVersion(v)).List(t.Context(), vpptoken.WithTop(120)) {
			if err != nil {
				t.Fatal(err)
			}
			if token.ID != strconv.Itoa(n) {
				t.Errorf("%s: token %d has id %s", v, n, token.ID)
			}
			n++
		}
		if n != 250 {
			t.Errorf("%s: %d tokens, want 250", v, n)
		}
	}
	for _, err := range srv.Client().List(t.Context(), vpptoken.WithFilter("state eq 'valid'")) {
		var e *vpptoken.Error
		if !errors.As(err, &e) || e.StatusCode != http.StatusBadRequest {
			t.Errorf("a filter: %v, want a 400", err)
		}
	}
	all := srv.Requests()
	if got := all[len(all)-1].Query.Get("$filter"); got != "state eq 'valid'" {
		t.Errorf("$filter = %q", got)
	}
}

// The client's options come after the server's own.
func TestClientOptions(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	srv.Fail(vpptokentest.Fault{Status: 503})
	_, err := srv.Client(vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1})).Count(t.Context())
	if err == nil || len(srv.Requests()) != 1 {
		t.Errorf("one attempt: %v after %d requests", err, len(srv.Requests()))
	}
	srv.Fail(vpptokentest.Fault{Status: 503}, vpptokentest.Fault{Status: 503}, vpptokentest.Fault{Status: 503})
	start := time.Now()
	if n, err := srv.Client(vpptoken.WithUserAgent("mine/1")).Count(t.Context()); n != 0 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
	if took := time.Since(start); took > 3*time.Second { // another client waits at least half a second longer
		t.Errorf("three repeats took %v: the client of a test is not to wait", took)
	}
	if got := srv.Requests()[1].Header.Get("User-Agent"); !strings.HasPrefix(got, "mine/1") {
		t.Errorf("User-Agent = %q", got)
	}
	defer func() {
		if got, _ := recover().(string); !strings.HasPrefix(got, "vpptokentest: Client: ") {
			t.Errorf("a wrong option gives %q, want a panic that says so", got)
		}
	}()
	srv.Client(nil)
}

// A waiter that believes the first completed it sees is wrong here, every time.
func TestNaiveWaiterFails(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	srv := newServer(t, withClock(c))
	client, id := srv.Client(), srv.Add(synced(c))
	if _, err := client.Update(t.Context(), id,
		vpptoken.NewPatch().SetToken(vpptoken.NewSecret(nordwind(t)))); err != nil {
		t.Fatal(err)
	}
	if _, err := client.SyncLicenses(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	token, err := client.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if token.LastSyncStatus != vpptoken.SyncStatusCompleted || token.ExpirationDateTime.Year() != 2026 {
		t.Errorf("first look: %s, expiry %v; want the old completed and the old expiry",
			token.LastSyncStatus, token.ExpirationDateTime)
	}
}
