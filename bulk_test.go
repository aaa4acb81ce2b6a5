package vpptoken_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/fleet"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// Automatic updates are turned on for every token of a tenant: first a dry run, then all at once.
// The client waits when the service throttles it, so none is lost, and each failure is that of its
// token alone. examples/reconcile is the finished program.
func ExampleClient_Update_bulk() {
	srv := vpptokentest.NewServer(vpptokentest.WithThrottle(50, 200*time.Millisecond))
	defer srv.Close()
	for i := range 150 {
		srv.Add(vpptoken.VPPToken{AutomaticallyUpdateApps: i%10 == 0})
	}
	client, ctx := srv.Client(), context.Background()

	wanted := vpptoken.NewPatch().SetAutomaticallyUpdateApps(true)
	var due []string
	for token, err := range client.List(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if !wanted.Diff(token).IsEmpty() {
			due = append(due, token.ID)
		}
	}
	fmt.Println("to be sent to", len(due), "tokens:", wanted.Redacted())

	update := func(ctx context.Context, id string) (*vpptoken.VPPToken, error) {
		return client.Update(ctx, id, wanted)
	}
	changed := 0
	for r := range fleet.ForEach(ctx, slices.Values(due), 8, update) {
		if r.Err != nil {
			fmt.Println(r.Key, r.Err)
			continue
		}
		changed++
	}
	fmt.Println("changed:", changed)
	// Output:
	// to be sent to 135 tokens: {"automaticallyUpdateApps":true}
	// changed: 135
}
