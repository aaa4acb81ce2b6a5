package vpptoken_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/renew"
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

// Only the first upload of a location is a create. The file is checked before it leaves the process.
func ExampleClient_Create() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()

	ct, err := contenttoken.ReadFile("testdata/sToken_for_Nordwind.vpptoken")
	if err != nil {
		fmt.Println(err) // and what to do about it: the usual mix-ups have an error each
		return
	}
	t, err := client.Create(ctx, &vpptoken.NewToken{
		Token:       ct.Secret(),
		AccountType: vpptoken.AccountTypeEducation,
		AppleID:     "apps@nordwind.example",
		DisplayName: "Field iPads",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.DisplayName, t.AccountType, t.Token.IsZero())
	// Output: Field iPads education true
}

// Set sends a value, Clear sends null, Set without an argument sends an empty list, and nothing else is sent.
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

func ExampleClient_Count() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	srv.Add(vpptoken.VPPToken{})

	n, err := client.Count(ctx)
	fmt.Println(n, err)
	// Output: 1 <nil>
}

// Licences can't be revoked once their token is gone.
func ExampleClient_RevokeLicenses() {
	srv := vpptokentest.NewServer()
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
	srv.AddLicenses("com.example.app", vpptoken.LicenseSummary{OrganizationName: "Nordwind", AvailableLicenseCount: 3, UsedLicenseCount: 39})

	for l, err := range client.LicensesForApp(ctx, "com.example.app") {
		if err != nil {
			fmt.Println("not all of them:", err)
			break
		}
		fmt.Println(l.OrganizationName, l.UsedLicenseCount, "of", l.UsedLicenseCount+l.AvailableLicenseCount)
	}
	// Output: Nordwind 39 of 42
}

// The page size and the properties wanted. Pages are read while the loop goes on.
func ExampleWithSelect() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	srv.Add(vpptoken.VPPToken{DisplayName: "North"})
	srv.Add(vpptoken.VPPToken{DisplayName: "South"})

	for t, err := range client.List(ctx, vpptoken.WithTop(100), vpptoken.WithSelect("id", "displayName")) {
		if err != nil {
			fmt.Println("the list is not complete:", err)
			break
		}
		fmt.Println(t.DisplayName)
	}
	fmt.Println(srv.Requests()[0].Query.Encode())
	// Output:
	// North
	// South
	// %24select=id%2CdisplayName&%24top=100
}

// Intune puts JSON into the message of Graph's error, sometimes twice. The error holds the sentence and the ids.
func ExampleError_intune() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	answer := roundTripper(func(r *http.Request) (*http.Response, error) {
		body, err := os.ReadFile("testdata/error-intune-nested-twice.json")
		return &http.Response{
			StatusCode: http.StatusUnauthorized, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(string(body))), Request: r,
		}, err
	})
	ctx, client := context.Background(), srv.Client(vpptoken.WithHTTPClient(&http.Client{Transport: answer}))

	_, err := client.Get(ctx, "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c")
	if e, ok := errors.AsType[*vpptoken.Error](err); ok {
		fmt.Println(e.StatusCode, e.Code)
		fmt.Println(e.Message)
		fmt.Println("for Microsoft's support:", e.RequestID, e.ActivityID)
	}
	fmt.Println(errors.Is(err, vpptoken.ErrForbidden)) // a 401 around Forbidden is no expired bearer
	// Output:
	// 401 Forbidden
	// An error has occurred - Operation ID (for customer support): 00000000-0000-0000-0000-000000000000 - Activity ID: 00000000-0000-4000-8000-000000000077
	// for Microsoft's support: 00000000-0000-4000-8000-000000000077 00000000-0000-4000-8000-000000000077
	// true
}

// What is repeated is fixed; how often and how patiently can be chosen. Zero fields keep their defaults.
func ExampleWithRetry() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Fail(vpptokentest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "0.02"})

	patient := vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 6, MaxRetryAfter: 5 * time.Minute}) // an option of NewClient
	client := srv.Client(patient)
	var m vpptoken.Metadata
	n, err := client.Count(context.Background(), vpptoken.WithMetadata(&m))
	fmt.Println(n, err, "after", m.Attempts, "attempts")
	// Output: 0 <nil> after 2 attempts
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

// Whether a job is worth another try, and when.
func ExampleRetryable() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	srv.Fail(vpptokentest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "300"})

	_, err := client.Count(ctx)
	if vpptoken.Retryable(err) {
		wait, asked := vpptoken.RetryAfter(err)
		fmt.Println("come back later:", wait, asked)
	}
	// Output: come back later: 5m0s true
}

// One cloud for signing in and for Graph: its scope, authority and root go together.
func ExampleCloud_ClientCredentials() {
	ctx := context.Background()
	tenant, clientID, clientSecret := "contoso.example", "client-id", "client-secret"

	cfg, err := vpptoken.CloudUSGovernment.ClientCredentials(tenant, clientID, clientSecret)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := vpptoken.NewClient(cfg.TokenSource(ctx), vpptoken.WithCloud(vpptoken.CloudUSGovernment))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client)
	// Output: vpptoken.Client(https://graph.microsoft.us/beta)
}

// A person signs in on another device.
func ExampleCloud_DeviceCode() {
	ctx := context.Background()
	tenant, clientID := "contoso.example", "client-id"

	cfg, err := vpptoken.CloudGlobal.DeviceCode(tenant, clientID)
	if err != nil {
		fmt.Println(err)
		return
	}
	code, err := cfg.DeviceAuth(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("open", code.VerificationURI, "and enter", code.UserCode)
	token, err := cfg.DeviceAccessToken(ctx, code)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := vpptoken.NewClient(cfg.TokenSource(ctx, token))
	fmt.Println(client, err)
}

// The code under test takes a client; the test gives it one of a server that it controls.
func Example_testing() {
	rename := func(ctx context.Context, c *vpptoken.Client, id string) error {
		_, err := c.Update(ctx, id, vpptoken.NewPatch().SetDisplayName("Field iPads"))
		return err
	}

	srv := vpptokentest.NewServer()
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "Old name"})
	srv.Fail(vpptokentest.Fault{Status: http.StatusServiceUnavailable}) // the first request

	err := rename(context.Background(), srv.Client(), id)
	for _, r := range srv.Requests() {
		fmt.Println(r.Method, r.Body)
	}
	fmt.Println(err)
	// Output:
	// PATCH {"displayName":"Field iPads"}
	// PATCH {"displayName":"Field iPads"}
	// <nil>
}

// The renewal from Apple's file: one PATCH with the one key token, a sync, and the proof.
func Example_renewal() {
	november := func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) } // so that the file never expires
	srv := vpptokentest.NewServer(vpptokentest.WithNow(november), vpptokentest.WithSyncDuration(0))
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{OrganizationName: "Nordwind School District", ExpirationDateTime: november().AddDate(0, 0, 7)})
	options := renew.Options{Now: november}

	ct, err := contenttoken.ReadFile("testdata/sToken_for_Nordwind.vpptoken")
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := renew.Run(ctx, client, id, ct, options)
	if errors.Is(err, renew.ErrNotVerified) {
		fmt.Println("sent, and not proved yet:", report.Reasons)
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Verified, report.After.State, report.After.ExpirationDateTime.Format(time.DateOnly))
	// Output: true valid 2027-11-20
}
