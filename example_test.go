package vpptoken_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/health"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// Sign in as an application, and rename a token.
func Example() {
	ctx := context.Background()
	cfg, err := vpptoken.CloudGlobal.ClientCredentials("contoso.example", "client-id", os.Getenv("CLIENT_SECRET"))
	if err != nil {
		fmt.Println(err) // without a secret in the environment
		return
	}
	client, err := vpptoken.NewClient(cfg.TokenSource(ctx))
	if err != nil {
		fmt.Println(err)
		return
	}
	if t, err := client.Update(ctx, "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c", vpptoken.NewPatch().SetDisplayName("Field iPads")); err != nil {
		fmt.Println(err)
	} else {
		fmt.Println(t.DisplayName, t.State, t.ExpirationDateTime)
	}
	// Output: vpptoken: the client id or the client secret is empty
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

// A struct literal does the same as the Set methods.
func ExamplePatch() {
	body, err := vpptoken.Patch{DisplayName: new("Field iPads"), AutomaticallyUpdateApps: new(false)}.MarshalJSON()
	fmt.Println(string(body), err)
	// Output: {"automaticallyUpdateApps":false,"displayName":"Field iPads"} <nil>
}

// Bring a token to a desired state with the smallest PATCH, as infrastructure as code does: here one of the three differs.
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

// A word that Microsoft added after this package was written is kept, and is not a member that is known.
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

// Start a sync and wait for its result. Right after the request the service still shows the completed of the sync before.
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
	t, err := client.WaitSync(ctx, sync, vpptoken.PollEvery(5*time.Millisecond)) // 15 s without the option
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

// A 403 names the permission that the operation needs.
func ExampleError_forbidden() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{})
	srv.Fail(vpptokentest.Fault{Status: http.StatusForbidden})

	err := srv.Client().Delete(context.Background(), id)
	var e *vpptoken.Error
	if errors.As(err, &e) && errors.Is(err, vpptoken.ErrForbidden) {
		fmt.Println(e.StatusCode, e.Code)
		fmt.Println(vpptoken.Retryable(err))
	}
	// Output:
	// 403 Forbidden
	// false
}

// The service asks for more patience than a call has: the error says how long, and a job engine comes back then.
func ExampleRetryAfter() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Fail(vpptokentest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "300"})

	_, err := srv.Client().Count(context.Background())
	wait, asked := vpptoken.RetryAfter(err)
	fmt.Println(errors.Is(err, vpptoken.ErrThrottled), vpptoken.Retryable(err), wait, asked)
	// Output: true true 5m0s true
}

// A create that lost its answer is not repeated: it may have been carried out, and a second one makes a duplicate.
func ExampleError_ambiguous() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Fail(vpptokentest.Fault{Truncate: true, AfterEffect: true})

	ctx, client := context.Background(), srv.Client()
	_, err := client.Create(ctx, &vpptoken.NewToken{Token: vpptoken.NewSecret("the text of the .vpptoken file")})
	var e *vpptoken.Error
	if errors.As(err, &e) && e.Ambiguous {
		n, err := client.Count(ctx) // look before trying again
		fmt.Println("tokens at the service:", n, err)
	}
	fmt.Println("attempts:", e.Attempts)
	// Output:
	// tokens at the service: 1 <nil>
	// attempts: 1
}

// The log shows what an operator needs and nothing that was sent.
func ExampleWithLogger() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Add(vpptoken.VPPToken{})
	srv.Fail(vpptokentest.Fault{Status: http.StatusServiceUnavailable})

	keep := func(_ []string, a slog.Attr) slog.Attr { // what differs from run to run
		switch a.Key {
		case "time", "duration", "wait", "request_id":
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: keep}))
	client := srv.Client(vpptoken.WithLogger(logger), vpptoken.WithRetry(vpptoken.Retry{MinWait: time.Millisecond}))
	n, err := client.Count(context.Background())
	fmt.Println(n, err)
	// Output:
	// level=DEBUG msg="vpptoken: attempt" method=GET path=/deviceAppManagement/vppTokens/$count status=503 attempt=1
	// level=WARN msg="vpptoken: retry" method=GET path=/deviceAppManagement/vppTokens/$count status=503 attempt=1 reason="Service Unavailable"
	// level=DEBUG msg="vpptoken: attempt" method=GET path=/deviceAppManagement/vppTokens/$count status=200 attempt=2
	// 1 <nil>
}

// The Transport of the caller's http.Client carries the requests: a proxy, a recorder, a tracer.
func ExampleWithHTTPClient() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	counter := roundTripper(func(r *http.Request) (*http.Response, error) {
		fmt.Println(r.Method, r.URL.Path)
		return http.DefaultTransport.RoundTrip(r)
	})
	client := srv.Client(vpptoken.WithHTTPClient(&http.Client{Transport: counter}))
	n, err := client.Count(context.Background())
	fmt.Println(n, err)
	// Output:
	// GET /beta/deviceAppManagement/vppTokens/$count
	// 0 <nil>
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A secret shows nowhere but where it is asked for.
func ExampleSecret() {
	s := vpptoken.NewSecret("the text of the .vpptoken file")
	fmt.Println(s, len(s.Reveal()))
	// Output: REDACTED 30
}

// Metadata tells what the result does not, also of a call that failed.
func ExampleWithMetadata() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	var m vpptoken.Metadata
	_, err := srv.Client().Get(context.Background(), "no-such-token", vpptoken.WithMetadata(&m))
	fmt.Println(errors.Is(err, vpptoken.ErrNotFound), m.StatusCode, m.Attempts, m.RequestID != "")
	// Output: true 404 1 true
}

// The addresses and scope of a national cloud change together.
func ExampleCloud() {
	e, err := vpptoken.CloudUSGovernment.Endpoint("contoso.example")
	fmt.Println(e.TokenURL, err)
	fmt.Println(vpptoken.CloudUSGovernment.Scope())
	// Output:
	// https://login.microsoftonline.us/contoso.example/oauth2/v2.0/token <nil>
	// https://graph.microsoft.us/.default
}

// What is wrong with the tokens of a tenant, and what to do about it.
func Example_check() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	srv.Add(vpptoken.VPPToken{
		DisplayName: "Field iPads", State: vpptoken.StateInvalid,
		ExpirationDateTime: time.Now().AddDate(0, 6, 0), LastSyncDateTime: time.Now(), LastSyncStatus: vpptoken.SyncStatusCompleted,
	})
	ctx, client := context.Background(), srv.Client()

	for t, err := range client.List(ctx) {
		if err != nil {
			fmt.Println("not all tokens were read:", err)
			break
		}
		verdict := health.Assess(t, time.Now(), health.Policy{})
		for _, reason := range verdict.Reasons {
			fmt.Println(t.DisplayName, reason.Level, reason.Code)
		}
	}
	// Output: Field iPads critical invalid
}
