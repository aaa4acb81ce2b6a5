package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vpptoken/vpptoken/fleet"
)

// Many tenants are checked at once. One can't be reached, and one meets a bug: both are lines of
// their own, and the others are checked all the same.
func ExampleForEach() {
	tenants := []string{"nordwind", "südwind", "ostwind", "westwind"}
	check := func(_ context.Context, tenant string) (string, error) {
		switch tenant {
		case "südwind":
			return "", errors.New("no such host")
		case "ostwind":
			return []string{"ok"}[len(tenant)], nil
		}
		return "ok", nil
	}
	for r := range fleet.ForEach(context.Background(), slices.Values(tenants), 3, check) {
		switch {
		case r.Err == nil:
			fmt.Println(r.Key, r.Value)
		case errors.Unwrap(r.Err) != nil: // what panicked
			fmt.Println(r.Key, "unknown:", errors.Unwrap(r.Err))
		default:
			fmt.Println(r.Key, "unknown:", r.Err)
		}
	}
	// Unordered output:
	// nordwind ok
	// südwind unknown: no such host
	// ostwind unknown: runtime error: index out of range [7] with length 1
	// westwind ok
}

// When the time is up, every key still has its line: nothing that was not done passes for done.
func ExampleForEach_deadline() {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	renew := func(ctx context.Context, tenant string) (string, error) {
		if tenant == "nordwind" {
			return "renewed", nil
		}
		<-ctx.Done() // a service that does not answer
		return "", ctx.Err()
	}
	tenants := []string{"nordwind", "ostwind", "westwind"}
	for r := range fleet.ForEach(ctx, slices.Values(tenants), 1, renew) {
		fmt.Println(r.Key, r.Value, errors.Is(r.Err, context.DeadlineExceeded))
	}
	// Unordered output:
	// nordwind renewed false
	// ostwind  true
	// westwind  true
}

// Breaking out of the loop cancels what is still under way and waits for it.
func ExampleForEach_break() {
	find := func(ctx context.Context, tenant string) (bool, error) {
		if tenant == "ostwind" {
			return true, nil
		}
		<-ctx.Done()
		return false, ctx.Err()
	}
	tenants := []string{"nordwind", "ostwind", "westwind"}
	for r := range fleet.ForEach(context.Background(), slices.Values(tenants), 3, find) {
		if r.Value {
			fmt.Println("found in", r.Key)
			break
		}
	}
	// Output: found in ostwind
}
