// Package docs_test holds the snippets of the README and of these pages as Examples.
package docs_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/fleet"
	"github.com/vpptoken/vpptoken/health"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// show prints what a job that is written as a function returns.
func show(job func() error) {
	if err := job(); err != nil {
		fmt.Println(err)
	}
}

func Example_automaticUpdates() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	for i := range 40 {
		srv.Add(vpptoken.VPPToken{AutomaticallyUpdateApps: i%2 == 0})
	}
	var tokens []*vpptoken.VPPToken
	for t, err := range client.List(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		tokens = append(tokens, t)
	}

	want := vpptoken.NewPatch().SetAutomaticallyUpdateApps(true)
	one := func(ctx context.Context, t *vpptoken.VPPToken) (*vpptoken.VPPToken, error) {
		change := want.Diff(t)
		if change.IsEmpty() {
			return t, nil
		}
		return client.Update(ctx, t.ID, change)
	}
	for r := range fleet.ForEach(ctx, slices.Values(tokens), 16, one) {
		if r.Err != nil {
			fmt.Println(r.Key.ID, r.Err)
		}
	}

	off := 0
	for _, t := range srv.Tokens() {
		if !t.AutomaticallyUpdateApps {
			off++
		}
	}
	fmt.Println(len(srv.Requests())-1, "updates,", off, "without")
	// Output: 20 updates, 0 without
}

func Example_scopeTag() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{RoleScopeTagIDs: []string{"0", "3"}})

	show(func() error {
		t, err := client.Get(ctx, id)
		if err != nil {
			return err
		}
		if !slices.Contains(t.RoleScopeTagIDs, "7") {
			_, err = client.Update(ctx, id, vpptoken.NewPatch().SetRoleScopeTagIDs(append(t.RoleScopeTagIDs, "7")...))
		}
		return err
	})
	t, _ := srv.Token(id)
	fmt.Println(t.RoleScopeTagIDs)
	// Output: [0 3 7]
}

func Example_pointers() {
	plan := struct{ DisplayName, Country *string }{DisplayName: new("Field iPads")}

	p := vpptoken.NewPatch()
	vpptoken.SetOrClear(p.SetDisplayName, p.ClearDisplayName, plan.DisplayName)
	vpptoken.SetOrClear(p.SetCountryOrRegion, p.ClearCountryOrRegion, plan.Country)

	fmt.Println(p.Redacted())
	// Output: {"countryOrRegion":null,"displayName":"Field iPads"}
}

func Example_expiring() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	srv.Add(vpptoken.VPPToken{
		DisplayName: "Bergen", ExpirationDateTime: time.Now().AddDate(0, 0, 40), LastSyncDateTime: time.Now(),
	})
	srv.Add(vpptoken.VPPToken{
		DisplayName: "Oslo", ExpirationDateTime: time.Now().AddDate(0, 6, 0), LastSyncDateTime: time.Now(),
	})

	show(func() error {
		for t, err := range client.List(ctx) {
			if err != nil {
				return err // what was read so far is not all
			}
			v := health.Assess(t, time.Now(), health.Policy{WarnBefore: 45 * 24 * time.Hour})
			if v.Level != health.LevelOK {
				fmt.Println(t.DisplayName, v.Level, v.Reasons[0].Code)
			}
		}
		return nil
	})
	// Output: Bergen warning expires-soon
}

func Example_syncAndWait() {
	srv := vpptokentest.NewServer(vpptokentest.WithSyncDuration(0))
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{})

	show(func() error {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
		defer cancel()
		sync, err := client.StartSync(ctx, id)
		if err != nil {
			return err
		}
		t, err := client.WaitSync(ctx, sync,
			vpptoken.OnPoll(func(t *vpptoken.VPPToken) { fmt.Println(t.LastSyncStatus) }))
		fmt.Println(t.State)
		return err
	})
	// Output:
	// completed
	// valid
}

func Example_otherCloud() {
	tenant, clientID, secret := "contoso.example", "client-id", "client-secret"
	show(func() error {
		cloud, err := vpptoken.ParseCloud("USGov") // GCC High; USGovDoD is DoD; GCC is Global
		if err != nil {
			return err
		}
		source, err := cloud.AppSource(tenant, clientID, secret)
		if err != nil {
			return err
		}
		client, err := vpptoken.NewClient(source) // the source tells it the cloud
		fmt.Println(client)
		return err
	})
	// Output: vpptoken.Client(https://graph.microsoft.us/beta)
}

func Example_faults() {
	ctx := context.Background()

	srv := vpptokentest.NewServer()
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "Field"})
	srv.Fail(
		vpptokentest.Fault{Method: "PATCH", Status: 429, RetryAfter: "0.2"},
		vpptokentest.Fault{Method: "PATCH", Reset: true, AfterEffect: true}, // carried out, and the answer is lost
	)
	_, err := srv.Client().Update(ctx, id, vpptoken.NewPatch().SetDisplayName("Field iPads"))
	fmt.Println(err, len(srv.Requests()), srv.UnusedFaults())
	// Output: <nil> 3 0
}

func Example_trace() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{})

	var m vpptoken.Metadata
	_, err := client.Get(ctx, id, vpptoken.WithClientRequestID("job-4711"), vpptoken.WithMetadata(&m))
	fmt.Println(m.ClientRequestID, m.RequestID != "", err)
	// Output: job-4711 true <nil>
}
