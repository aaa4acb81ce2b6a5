package vpptokentest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// rename is the code under test.
func rename(ctx context.Context, c *vpptoken.Client, id, name string) error {
	_, err := c.Update(ctx, id, vpptoken.NewPatch().SetDisplayName(name))
	return err
}

// The test of a function that renames a token: run it, and look at what went over the wire and what
// came of it.
func Example() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "Field"})

	err := rename(context.Background(), srv.Client(), id, "Field iPads")

	fmt.Println(err, srv.Requests()[0].Body)
	token, _ := srv.Token(id)
	fmt.Println(token.DisplayName)
	// Output:
	// <nil> {"displayName":"Field iPads"}
	// Field iPads
}

// A throttled request and a connection that breaks after the work was done: the client repeats the
// one, and must not repeat the other.
func ExampleServer_Fail() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Fail(
		vpptokentest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "0.01"},
		vpptokentest.Fault{Reset: true, AfterEffect: true},
	)

	_, err := srv.Client().Create(context.Background(), vpptoken.NewSecret("Token value"), nil)

	var e *vpptoken.Error
	fmt.Println(errors.As(err, &e), e.Attempts, e.Ambiguous)
	n, err := srv.Client().Count(context.Background())
	fmt.Println(n, err, srv.UnusedFaults())
	// Output:
	// true 2 true
	// 1 <nil> 0
}

// A sync that fails.
func ExampleServer_NextSync() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{})
	srv.NextSync(id, vpptokentest.SyncFails)

	ctx, c := context.Background(), srv.Client()
	s, err := c.StartSync(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := c.WaitSync(ctx, s, vpptoken.PollEvery(10*time.Millisecond))
	fmt.Println(t.LastSyncStatus, errors.Is(err, vpptoken.ErrSyncFailed))
	// Output: failed true
}

// Somebody changes the password of the Apple account between two looks at the token.
func ExampleServer_Edit() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{})
	srv.Edit(id, func(t *vpptoken.VPPToken) { t.State = vpptoken.StateInvalid })

	t, err := srv.Client().Get(context.Background(), id)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.State)
	// Output: invalid
}

// A program that signs in by itself, tested whole: only its cloud and its credentials are others.
func ExampleServer_Cloud() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	tenant, clientID, clientSecret := srv.Credentials()
	run := func(cloud vpptoken.Cloud, tenant, clientID, clientSecret string) error { // the program
		app, err := cloud.AppSource(tenant, clientID, clientSecret)
		if err != nil {
			return err
		}
		c, err := vpptoken.NewClient(app)
		if err != nil {
			return err
		}
		return c.SyncLicenseCounts(context.Background())
	}

	fmt.Println(run(srv.Cloud(), tenant, clientID, clientSecret))
	for _, r := range srv.Requests() {
		fmt.Println(r.Method, path.Base(r.Path))
	}
	// Output:
	// <nil>
	// POST token
	// POST syncLicenseCounts
}

// A content token is uploaded and shows after a sync.
func ExampleContentToken() {
	srv := vpptokentest.NewServer(vpptokentest.WithSyncDuration(0))
	defer srv.Close()
	ctx, c := context.Background(), srv.Client()
	id := srv.Add(vpptoken.VPPToken{})

	file := vpptokentest.ContentToken("Nordwind", time.Date(2099, 11, 20, 0, 0, 0, 0, time.UTC))
	_, err := c.Update(ctx, id, vpptoken.NewPatch().SetToken(file))
	fmt.Println(err)
	srv.StartSync(id)

	t, _ := srv.Token(id)
	fmt.Println(t.OrganizationName, t.ExpirationDateTime.Year(), t.State)
	// Output:
	// <nil>
	// Nordwind 2099 valid
}
