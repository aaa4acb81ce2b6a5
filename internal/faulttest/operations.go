package faulttest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/vpptoken/vpptoken"
)

// What the tests ask for.
const (
	ID   = "9ceb2f92-2f92-9ceb-922f-eb9c922feb9c"
	Root = "https://graph.microsoft.com/beta/deviceAppManagement/vppTokens"
	Item = Root + "/" + ID

	RootV1 = "https://graph.microsoft.com/v1.0/deviceAppManagement/vppTokens"

	BareToken    = `{"id":"` + ID + `","displayName":"Field iPads"}`
	WrappedToken = `{"value":` + BareToken + `}`
)

// What a retry of an operation does to the service.
const (
	Safe = iota
	Idempotent
	Unsafe
)

// Operation is one row of the service's table of operations.
type Operation struct {
	Name                       string // as errors call it
	Effect                     int
	Method, Path, Body, Accept string // of the request; Path follows Root
	Status                     int    // of a success
	Answer                     string
	BetaOnly, Item             bool // Item: the path has an id
	Call                       func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any,
		error)
	Want any // what Call returns for Answer
}

// Run calls the operation for the token ID. A missing token under a nil error is an error.
func (o Operation) Run(ctx context.Context, c *vpptoken.Client, opts ...vpptoken.CallOption) error {
	got, err := o.Call(ctx, c, ID, opts...)
	if t, ok := got.(*vpptoken.VPPToken); ok && err == nil && (t == nil || t.ID == "") {
		return errors.New("a zero token came with a nil error")
	}
	return err
}

// Operations returns all ten.
func Operations() []Operation {
	token := &vpptoken.VPPToken{ID: ID, DisplayName: "Field iPads"}
	const item = "/" + ID
	return []Operation{
		{
			Name: "list", Method: "GET", Status: 200, Answer: `{"value":[` + BareToken + `]}`,
			Call: func(ctx context.Context, c *vpptoken.Client, _ string, opts ...vpptoken.CallOption) (any, error) {
				var list []vpptoken.ListOption
				for _, o := range opts {
					list = append(list, o)
				}
				return Collect(c.List(ctx, list...))
			},
			Want: []*vpptoken.VPPToken{token},
		},
		{
			Name: "get", Method: "GET", Path: item, Status: 200, Answer: BareToken, Item: true,
			Call: func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any, error) {
				return c.Get(ctx, id, opts...)
			},
			Want: token,
		},
		{
			Name: "create", Effect: Unsafe, Method: "POST", Status: 201, Answer: BareToken,
			Body: `{"@odata.type":"#microsoft.graph.vppToken","organizationName":"Nordwind","vppTokenAccountType":"education",` +
				`"appleId":"apps@nordwind.example","token":"` + AppleToken +
				`","automaticallyUpdateApps":true,"countryOrRegion":"no"}`,
			Call: func(ctx context.Context, c *vpptoken.Client, _ string, opts ...vpptoken.CallOption) (any, error) {
				return c.Create(ctx, vpptoken.NewSecret(AppleToken), &vpptoken.Patch{
					AppleID: new("apps@nordwind.example"), OrganizationName: new("Nordwind"), CountryOrRegion: new("no"),
					AccountType: new(vpptoken.AccountTypeEducation), AutomaticallyUpdateApps: new(true),
				}, opts...)
			},
			Want: token,
		},
		{
			Name: "update", Effect: Idempotent, Method: "PATCH", Path: item, Status: 200, Answer: BareToken, Item: true,
			Body: `{"token":"` + AppleToken + `","automaticallyUpdateApps":false,"countryOrRegion":null}`,
			Call: func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any, error) {
				p := vpptoken.NewPatch().ClearCountryOrRegion().SetAutomaticallyUpdateApps(false).
					SetToken(vpptoken.NewSecret(AppleToken))
				return c.Update(ctx, id, p, opts...)
			},
			Want: token,
		},
		{
			Name: "delete", Effect: Idempotent, Method: "DELETE", Path: item, Status: 204, Item: true,
			Call: func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any, error) {
				return nil, c.Delete(ctx, id, opts...)
			},
		},
		{
			Name: "count", Method: "GET", Path: "/$count", Status: 200, Answer: "3000", Accept: "text/plain",
			Call: func(ctx context.Context, c *vpptoken.Client, _ string, opts ...vpptoken.CallOption) (any, error) {
				return c.Count(ctx, opts...)
			},
			Want: 3000,
		},
		{
			Name: "syncLicenses", Effect: Unsafe, Method: "POST", Path: item + "/syncLicenses", Status: 200,
			Answer: WrappedToken, Item: true,
			Call: func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any, error) {
				return c.SyncLicenses(ctx, id, opts...)
			},
			Want: token,
		},
		{
			Name: "revokeLicenses", Effect: Unsafe, Method: "POST", Path: item + "/revokeLicenses", Status: 204, BetaOnly: true,
			Item: true,
			Body: `{"notifyManagedDevices":true,"revokeUntrackedLicenses":false}`,
			Call: func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any, error) {
				return nil, c.RevokeLicenses(ctx, id, vpptoken.RevokeOptions{NotifyManagedDevices: true}, opts...)
			},
		},
		{
			Name: "syncLicenseCounts", Effect: Unsafe, Method: "POST", Path: "/syncLicenseCounts", Status: 204, BetaOnly: true,
			Call: func(ctx context.Context, c *vpptoken.Client, _ string, opts ...vpptoken.CallOption) (any, error) {
				return nil, c.SyncLicenseCounts(ctx, opts...)
			},
		},
		{
			Name: "getLicensesForApp", Method: "GET", Path: "/getLicensesForApp(bundleId='com.example.app')", Status: 200,
			BetaOnly: true,
			Answer: `{"value":[{"vppTokenId":"` + ID +
				`","appleId":null,"organizationName":"Nordwind","availableLicenseCount":5,"usedLicenseCount":7}]}`,
			Call: func(ctx context.Context, c *vpptoken.Client, _ string, opts ...vpptoken.CallOption) (any, error) {
				return Collect(c.LicensesForApp(ctx, "com.example.app", opts...))
			},
			Want: []*vpptoken.LicenseSummary{{
				VPPTokenID: ID, OrganizationName: "Nordwind", AvailableLicenseCount: 5,
				UsedLicenseCount: 7,
			}},
		},
	}
}

// Named returns one of them, by the name that errors call it.
func Named(tb testing.TB, name string) Operation {
	tb.Helper()
	for _, op := range Operations() {
		if op.Name == name {
			return op
		}
	}
	tb.Fatalf("there is no operation %q", name)
	return Operation{}
}

// Collect reads a list to its end and checks that an error, if any, is its last element and comes
// without a value.
func Collect[T any](seq func(func(*T, error) bool)) ([]*T, error) {
	var list []*T
	var failed error
	for v, err := range seq {
		switch {
		case failed != nil:
			return list, fmt.Errorf("the list went on after its error: %w", failed)
		case (v == nil) == (err == nil):
			return list, fmt.Errorf("the list gave %v with the error %w", v, err)
		case err != nil:
			failed = err
		default:
			list = append(list, v)
		}
	}
	return list, failed
}
