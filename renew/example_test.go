package renew_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// november is the time of the examples, so that their file never expires; a program leaves Now
// alone.
func november() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// field is a token that expires in a week.
var field = vpptoken.VPPToken{
	DisplayName: "Field iPads", OrganizationName: "Nordwind School District",
	ExpirationDateTime: november().AddDate(0, 0, 7), LastSyncDateTime: november().Add(-time.Hour),
}

func day(t time.Time) string { return t.Format(time.DateOnly) }

// The whole renewal. Against the real service, client is one that signs in and id is the token's.
func Example() {
	srv := vpptokentest.NewServer(vpptokentest.WithNow(november), vpptokentest.WithSyncDuration(0))
	defer srv.Close()
	client, id := srv.Client(), srv.Add(field)

	ct, err := contenttoken.ReadFile("../testdata/sToken_for_Nordwind.vpptoken")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	report, err := renew.Run(ctx, client, id, ct, renew.Options{
		Now:    november,
		OnStep: func(s renew.Step) { fmt.Println("step:", s) },
	})
	switch {
	case errors.Is(err, renew.ErrNotVerified):
		fmt.Println("not yet:", report.Reasons)
	case err != nil:
		fmt.Println("refused:", err)
	default:
		fmt.Println("verified:", day(report.Before.ExpirationDateTime), "is now", day(report.After.ExpirationDateTime))
	}
	// Output:
	// step: plan
	// step: apply
	// step: sync
	// step: verify
	// verified: 2026-12-01 is now 2027-11-20
}

// The steps as jobs of an engine: each takes the plan from JSON and leaves it as JSON. The file is
// not in it.
func ExampleMakePlan() {
	srv := vpptokentest.NewServer(vpptokentest.WithNow(november), vpptokentest.WithSyncDuration(0))
	defer srv.Close()
	ctx, client, id := context.Background(), srv.Client(), srv.Add(field)

	ct, err := contenttoken.ReadFile("../testdata/sToken_for_Nordwind.vpptoken")
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := renew.MakePlan(ctx, client, id, ct, renew.Options{Now: november})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan.Before.DisplayName, "expires", day(plan.Before.ExpirationDateTime))
	fmt.Println(plan.Location, "expires", day(plan.ExpirationDateTime))
	stored, _ := json.Marshal(plan)

	jobs := []func(*renew.Plan) error{
		func(p *renew.Plan) error { return p.Apply(ctx, client, ct) }, // reads the file itself
		func(p *renew.Plan) error { return p.StartSync(ctx, client) },
		func(p *renew.Plan) error {
			report, err := p.Verify(ctx, client)
			if report != nil {
				fmt.Println("verified:", report.Verified)
			}
			return err
		},
	}
	for _, job := range jobs { // each on a machine of its own
		var p renew.Plan
		if err := json.Unmarshal(stored, &p); err != nil {
			fmt.Println(err)
			return
		}
		if err := job(&p); err != nil {
			fmt.Println(err)
			return
		}
		stored, _ = json.Marshal(p)
	}
	// Output:
	// Field iPads expires 2026-12-01
	// Nordwind expires 2027-11-20
	// verified: true
}

// A sync that finds a problem: the report says what is missing, and the error what to match.
func ExamplePlan_Verify() {
	srv := vpptokentest.NewServer(vpptokentest.WithNow(november), vpptokentest.WithSyncDuration(0))
	defer srv.Close()
	ctx, client, id := context.Background(), srv.Client(), srv.Add(field)
	srv.NextSync(id, vpptokentest.SyncFails)

	ct, err := contenttoken.ReadFile("../testdata/sToken_for_Nordwind.vpptoken")
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := renew.MakePlan(ctx, client, id, ct, renew.Options{Now: november})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := errors.Join(plan.Apply(ctx, client, ct), plan.StartSync(ctx, client)); err != nil {
		fmt.Println(err)
		return
	}
	report, err := plan.Verify(ctx, client)
	fmt.Println(report.Verified, errors.Is(err, renew.ErrNotVerified), errors.Is(err, vpptoken.ErrSyncFailed))
	fmt.Println(report.Reasons[0])

	// StartSync sees that the sync has failed, and asks for another one.
	if err := plan.StartSync(ctx, client); err != nil {
		fmt.Println(err)
		return
	}
	report, err = plan.Verify(ctx, client)
	fmt.Println(report.Verified, err)
	// Output:
	// false true true
	// Intune could not sync the token with Apple: start another sync later.
	// true <nil>
}
