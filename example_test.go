package vpptoken_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// What the service does not have reads as the zero value, so there is no pointer to look behind.
func ExampleClient_Get() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "Field iPads", State: vpptoken.StateDuplicateLocationID})

	t, err := client.Get(ctx, id)
	if errors.Is(err, vpptoken.ErrNotFound) {
		fmt.Println("there is no such token")
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.DisplayName, t.State, t.LastSyncDateTime.IsZero())
	// Output: Field iPads duplicateLocationId true
}

// An error comes last, so that what was read before it is never taken for all of it.
func ExampleClient_List() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	for _, name := range []string{"North", "South", "West"} {
		srv.Add(vpptoken.VPPToken{DisplayName: name, State: vpptoken.StateValid})
	}
	for t, err := range srv.Client().List(context.Background(), vpptoken.WithTop(2)) {
		if err != nil {
			fmt.Println("the list is not complete:", err)
			break
		}
		fmt.Println(t.DisplayName, t.State)
	}
	// Output:
	// North valid
	// South valid
	// West valid
}

func ExampleClient_Count() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	srv.Add(vpptoken.VPPToken{})

	n, err := client.Count(ctx)
	fmt.Println(n, err)
	// Output: 1 <nil>
}

// Only the first upload of a location is a create. The file is checked before it leaves the
// process.
func ExampleClient_Create() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()

	ct, err := contenttoken.ReadFile("testdata/sToken_for_Nordwind.vpptoken")
	if err != nil {
		fmt.Println(err) // and what to do about it: the usual mix-ups have an error each
		return
	}
	t, err := client.Create(ctx, ct.Secret(), vpptoken.NewPatch().
		SetAccountType(vpptoken.AccountTypeEducation).
		SetAppleID("apps@nordwind.example").
		SetDisplayName("Field iPads"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.DisplayName, t.AccountType, t.Token.IsZero())
	// Output: Field iPads education true
}

// Only what was set travels: a zero value when it was set, null when it was cleared.
func ExampleClient_Update() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "Old name", CountryOrRegion: "no", AutomaticallyUpdateApps: true})

	patch := vpptoken.NewPatch().
		SetDisplayName("Field iPads").
		SetAutomaticallyUpdateApps(false).
		ClearCountryOrRegion()
	t, err := srv.Client().Update(context.Background(), id, patch)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(srv.Requests()[0].Body)
	fmt.Printf("%q %v %q\n", t.DisplayName, t.AutomaticallyUpdateApps, t.CountryOrRegion)
	// Output:
	// {"automaticallyUpdateApps":false,"countryOrRegion":null,"displayName":"Field iPads"}
	// "Field iPads" false ""
}

// Set sends a value, Clear sends null, Set without an argument sends an empty list, and nothing
// else is sent.
func ExampleClient_Update_null() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "Old name", CountryOrRegion: "no", RoleScopeTagIDs: []string{"0"}})

	t, err := client.Update(ctx, id, vpptoken.NewPatch().
		SetDisplayName("Field iPads").
		SetAutomaticallyUpdateApps(false).
		ClearCountryOrRegion().
		SetRoleScopeTagIDs())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(srv.Requests()[0].Body)
	fmt.Printf("%q %q\n", t.DisplayName, t.CountryOrRegion)
	// Output:
	// {"automaticallyUpdateApps":false,"countryOrRegion":null,"displayName":"Field iPads","roleScopeTagIds":[]}
	// "Field iPads" ""
}

// A struct literal does the same as the Set methods.
func ExamplePatch() {
	body, err := vpptoken.Patch{DisplayName: new("Field iPads"), AutomaticallyUpdateApps: new(false)}.MarshalJSON()
	fmt.Println(string(body), err)
	// Output: {"automaticallyUpdateApps":false,"displayName":"Field iPads"} <nil>
}

// Bring a token to a desired state with the smallest PATCH, as infrastructure as code does: here
// one of the three differs.
func ExamplePatch_Diff() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "Field iPads", CountryOrRegion: "no", RoleScopeTagIDs: []string{"0"}})

	desired := vpptoken.NewPatch().SetDisplayName("Field iPads").SetCountryOrRegion("se").SetRoleScopeTagIDs("0")
	current, err := client.Get(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	change := desired.Diff(current)
	if change.IsEmpty() {
		fmt.Println("nothing to do")
		return
	}
	if _, err := client.Update(ctx, id, change); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(srv.Requests()[1].Body)
	// Output: {"countryOrRegion":"se"}
}

// Licenses can't be revoked once their token is gone.
func ExampleClient_RevokeLicenses() {
	// Without the option the revocation takes a while.
	srv := vpptokentest.NewServer(vpptokentest.WithSyncDuration(0))
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "Field iPads"})

	err := client.RevokeLicenses(ctx, id, vpptoken.RevokeOptions{NotifyManagedDevices: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := client.Get(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range t.TokenActionResults {
		fmt.Println(r.ActionName, r.ActionState, r.FailedLicensesCount)
	}
	fmt.Println(client.Delete(ctx, id)) // when the revoking is done
	// Output:
	// revokeLicenses done 0
	// <nil>
}

func ExampleClient_LicensesForApp() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	srv.AddLicenses("com.example.app",
		vpptoken.LicenseSummary{OrganizationName: "Nordwind", AvailableLicenseCount: 3, UsedLicenseCount: 39})

	for l, err := range client.LicensesForApp(ctx, "com.example.app") {
		if err != nil {
			fmt.Println("not all of them:", err)
			break
		}
		fmt.Println(l.OrganizationName, l.UsedLicenseCount, "of", l.UsedLicenseCount+l.AvailableLicenseCount)
	}
	// Output: Nordwind 39 of 42
}

// A word that Microsoft added after this package was written is kept, and is not a member that is
// known.
func ExampleState_IsKnown() {
	var t vpptoken.VPPToken
	if err := t.UnmarshalJSON([]byte(`{"id":"1","state":"suspendedByApple","lastAppCount":12}`)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.State, t.State.IsKnown())
	fmt.Println("lastAppCount is", string(t.Extra["lastAppCount"]))
	// Output:
	// suspendedByApple false
	// lastAppCount is 12
}

// One process starts a sync, another waits for it.
func ExampleClient_StartSync() {
	srv := vpptokentest.NewServer(vpptokentest.WithSyncDuration(0))
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{LastSyncStatus: vpptoken.SyncStatusCompleted})

	sync, err := client.StartSync(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	stored, err := json.Marshal(sync)
	if err != nil {
		fmt.Println(err)
		return
	}

	var later vpptoken.Sync
	if err := json.Unmarshal(stored, &later); err != nil {
		fmt.Println(err)
		return
	}
	t, err := client.WaitSync(ctx, &later)
	if errors.Is(err, vpptoken.ErrSyncFailed) {
		fmt.Println("the sync failed, the token is", t.State)
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.LastSyncStatus)
	// Output: completed
}

// Start a sync and wait for its result. Right after the request the service still shows the
// completed of the sync before.
func ExampleClient_WaitSync() {
	srv := vpptokentest.NewServer(vpptokentest.WithSyncDuration(20 * time.Millisecond))
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{LastSyncStatus: vpptoken.SyncStatusCompleted})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	client := srv.Client()
	sync, err := client.StartSync(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	// Without the option it polls every 15 s.
	t, err := client.WaitSync(ctx, sync, vpptoken.PollEvery(5*time.Millisecond))
	if errors.Is(err, vpptoken.ErrSyncFailed) {
		fmt.Println("the sync failed, the token is", t.State)
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.LastSyncStatus, t.LastSyncDateTime.After(sync.PreviousSyncDateTime))
	// Output: completed true
}
