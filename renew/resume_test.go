package renew_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// F42: a renewal that goes on from a file, however often it is interrupted. Nothing is uploaded
// twice.
func Example_resumable() {
	srv := vpptokentest.NewServer(vpptokentest.WithNow(november), vpptokentest.WithSyncDuration(0))
	defer srv.Close()
	ctx, client, id := context.Background(), srv.Client(), srv.Add(field)
	dir, err := os.MkdirTemp("", "renewal")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// The first sync is not started.
	srv.Fail(vpptokentest.Fault{Method: http.MethodPost, Status: http.StatusInternalServerError})

	for range 2 { // a timer starts the program again
		report, err := resume(ctx, client, id, "../testdata/sToken_for_Nordwind.vpptoken",
			filepath.Join(dir, "plan.json"))
		if err != nil {
			fmt.Println("to be run again")
			continue
		}
		fmt.Println("verified:", report.Verified)
	}
	uploads := 0
	for _, r := range srv.Requests() {
		if r.Method == http.MethodPatch {
			uploads++
		}
	}
	fmt.Println("uploads:", uploads)
	// Output:
	// to be run again
	// verified: true
	// uploads: 1
}

// resume goes on from the plan in planFile, and begins with a new one when there is none, or when
// the token's file was replaced.
func resume(ctx context.Context, client *vpptoken.Client, id, tokenFile, planFile string) (*renew.Report, error) {
	ct, err := contenttoken.ReadFile(tokenFile)
	if err != nil {
		return nil, err
	}
	plan := new(renew.Plan)
	stored, err := os.ReadFile(planFile)
	if err == nil {
		err = json.Unmarshal(stored, plan)
	}
	// A plan is for one file: with a newer one, begin anew.
	if errors.Is(err, fs.ErrNotExist) || err == nil && !plan.ExpirationDateTime.Equal(ct.ExpirationDateTime) {
		plan, err = renew.MakePlan(ctx, client, id, ct, renew.Options{Now: november, PollEvery: time.Minute})
	}
	if err != nil {
		return nil, err
	}
	if !plan.Applied {
		if err := errors.Join(plan.Apply(ctx, client, ct), save(plan, planFile)); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(plan.StartSync(ctx, client), save(plan, planFile)); err != nil {
		return nil, err
	}
	report, err := plan.Verify(ctx, client)
	if err != nil {
		return report, errors.Join(err, save(plan, planFile)) // how the sync ended is in the plan
	}
	return report, os.Remove(planFile)
}

// save replaces the file as a whole: a crash leaves the old plan or the new one.
func save(plan *renew.Plan, planFile string) error {
	text, err := json.Marshal(plan)
	if err != nil {
		return err
	}
	if err := os.WriteFile(planFile+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(planFile+".new", planFile)
}
