package vpptoken_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// F12: the answer to a create was lost, so the token may be there, and another create would make a
// duplicate. Look which token is new, and adopt it.
func ExampleClient_Create_adopt() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	srv.Add(vpptoken.VPPToken{OrganizationName: "Nordwind School District", DisplayName: "of another location"})
	srv.Fail(vpptokentest.Fault{Method: http.MethodPost, Reset: true, AfterEffect: true})

	ct, err := contenttoken.ReadFile("testdata/sToken_for_Nordwind.vpptoken")
	if err != nil {
		fmt.Println(err)
		return
	}
	known := make(map[string]bool) // what is there before
	for t, err := range client.List(ctx, vpptoken.WithSelect("id")) {
		if err != nil {
			fmt.Println(err)
			return
		}
		known[t.ID] = true
	}
	t, err := client.Create(ctx, ct.Secret(), vpptoken.NewPatch().SetDisplayName("Field iPads"))
	if e, ok := errors.AsType[*vpptoken.Error](err); ok && e.Ambiguous {
		t, err = newest(ctx, client, ct.OrganizationName, known)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	if t == nil {
		fmt.Println("it was not created: create it again")
		return
	}
	fmt.Println("adopted:", t.DisplayName)
	// Output: adopted: Field iPads
}

// newest returns the newest token of the organization that was not known before, nil when there is
// none.
func newest(
	ctx context.Context, c *vpptoken.Client, organization string, known map[string]bool,
) (*vpptoken.VPPToken, error) {
	var found *vpptoken.VPPToken
	for t, err := range c.List(ctx) {
		if err != nil {
			return nil, err // a part of the list proves nothing
		}
		// It may show no name before its first sync.
		if known[t.ID] || t.OrganizationName != "" && t.OrganizationName != organization {
			continue
		}
		if found == nil || t.LastModifiedDateTime.After(found.LastModifiedDateTime) {
			found = t
		}
	}
	return found, nil
}
