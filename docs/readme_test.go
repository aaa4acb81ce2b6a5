package docs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/fleet"
	"github.com/vpptoken/vpptoken/health"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// The renewal from Apple's file: one PATCH with the one key token, a sync, and the proof.
func Example_renewal() {
	// So that the file never expires.
	november := func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
	srv := vpptokentest.NewServer(vpptokentest.WithNow(november), vpptokentest.WithSyncDuration(0))
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{
		OrganizationName: "Nordwind School District", ExpirationDateTime: november().AddDate(0, 0, 7),
	})
	options, file := renew.Options{Now: november}, "../testdata/sToken_for_Nordwind.vpptoken"

	show(func() error {
		ct, err := contenttoken.ReadFile(file) // sToken_for_<location>.vpptoken, as Apple gave it
		if err != nil {
			return err
		}
		report, err := renew.Run(ctx, client, id, ct, options)
		if errors.Is(err, renew.ErrNotVerified) {
			fmt.Println("sent, not proved yet:", report.Reasons)
		}
		if err == nil {
			fmt.Println(report.Verified, report.After.State, report.After.ExpirationDateTime.Format(time.DateOnly))
		}
		return err
	})
	// Output: true valid 2027-11-20
}

// What is wrong with a token.
func Example_health() {
	token := &vpptoken.VPPToken{
		DisplayName: "Field iPads", State: vpptoken.StateInvalid,
		ExpirationDateTime: time.Now().AddDate(0, 6, 0), LastSyncDateTime: time.Now(),
		LastSyncStatus: vpptoken.SyncStatusCompleted,
	}

	verdict := health.Assess(token, time.Now(), health.Policy{})
	for _, reason := range verdict.Reasons {
		fmt.Println(token.DisplayName, reason.Level, reason.Code)
	}
	// Output: Field iPads critical invalid
}

// The smallest PATCH to a desired state, shown before it is sent.
func Example_diff() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "Field", CountryOrRegion: "no"})
	desired := vpptoken.NewPatch().SetDisplayName("Field iPads").SetCountryOrRegion("NO")
	current, err := client.Get(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}

	show(func() error {
		change := desired.Diff(current)
		if change.IsEmpty() {
			fmt.Println("nothing to do")
			return nil
		}
		fmt.Println("sending", change.Redacted())
		_, err := client.Update(ctx, current.ID, change)
		return err
	})
	// Output: sending {"displayName":"Field iPads"}
}

// What an operator does about each kind of failure.
func Example_errors() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx := context.Background()
	client := srv.Client(vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
	id := srv.Add(vpptoken.VPPToken{})
	srv.Fail(vpptokentest.Fault{Status: 503, RetryAfter: "7"})

	say := func(err error) {
		var e *vpptoken.Error
		switch wait, _ := vpptoken.RetryAfter(err); {
		case err == nil:
		case vpptoken.Retryable(err):
			fmt.Println("try again later:", wait) // 0 if the service named no time
		case errors.As(err, &e) && e.Ambiguous:
			fmt.Println("it may have been carried out: look before another try:", err)
		case errors.Is(err, vpptoken.ErrSignIn):
			fmt.Println("check tenant, client id and secret:", err)
		case errors.Is(err, vpptoken.ErrForbidden), errors.Is(err, vpptoken.ErrNoIntune):
			fmt.Println("grant the permission, role or license that it names:", err)
		case errors.Is(err, vpptoken.ErrNotFound):
			fmt.Println("gone: take it off the list")
		default:
			fmt.Println("wrong input, or report it with its request-id:", err)
		}
	}
	for _, id := range []string{id, "another", id} {
		_, err := client.Get(ctx, id)
		say(err)
	}
	// Output:
	// try again later: 7s
	// gone: take it off the list
}

// Many tokens at once, each with its own result.
func Example_many() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	var ids []string
	for range 40 {
		ids = append(ids, srv.Add(vpptoken.VPPToken{}))
	}
	patch := vpptoken.NewPatch().SetAutomaticallyUpdateApps(true)

	update := func(ctx context.Context, id string) (*vpptoken.VPPToken, error) { return client.Update(ctx, id, patch) }
	for r := range fleet.ForEach(ctx, slices.Values(ids), 16, update) {
		if r.Err != nil {
			fmt.Println(r.Key, r.Err) // each key has exactly one result; a failure stops no other
		}
	}
	fmt.Println(len(srv.Requests()))
	// Output: 40
}

// Start a sync and wait until it is over.
func Example_sync() {
	srv := vpptokentest.NewServer(vpptokentest.WithSyncDuration(0))
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{State: vpptoken.StateInvalid})
	srv.NextSync(id, vpptokentest.SyncFails)

	show(func() error {
		sync, err := client.StartSync(ctx, id)
		if err != nil {
			return err
		}
		token, err := client.WaitSync(ctx, sync)
		if errors.Is(err, vpptoken.ErrSyncFailed) {
			fmt.Println("the sync failed, the token is", token.State)
		}
		return nil
	})
	// Output: the sync failed, the token is invalid
}

// The code under test signs in and renames a token; the test swaps its cloud.
func Example_testing() {
	ctx := context.Background()
	rename := func(ctx context.Context, cloud vpptoken.Cloud, tenant, clientID, secret, id, name string) error {
		source, err := cloud.AppSource(tenant, clientID, secret)
		if err != nil {
			return err
		}
		client, err := vpptoken.NewClient(source)
		if err != nil {
			return err
		}
		_, err = client.Update(ctx, id, vpptoken.NewPatch().SetDisplayName(name))
		return err
	}

	srv := vpptokentest.NewServer()
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "Field"})
	srv.Fail(vpptokentest.Fault{Method: "PATCH", Status: 429, RetryAfter: "0.2"})

	tenant, clientID, secret := srv.Credentials()
	err := rename(ctx, srv.Cloud(), tenant, clientID, secret, id, "Field iPads") // the code under test

	token, _ := srv.Token(id)
	fmt.Println(token.DisplayName, err)
	// Output: Field iPads <nil>
}
