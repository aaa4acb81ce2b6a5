package vpptokentest_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// syncOnce runs a sync to its end.
func syncOnce(t *testing.T, c *vpptoken.Client, id string) *vpptoken.VPPToken {
	t.Helper()
	sync, err := c.StartSync(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	token, err := c.WaitSync(t.Context(), sync, vpptoken.PollEvery(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A token of another MDM is claimed by the consent and a sync; without the consent a sync changes
// nothing.
func TestClaim(t *testing.T) {
	t.Parallel()
	s := vpptokentest.NewServer(vpptokentest.WithSyncDuration(0))
	t.Cleanup(s.Close)
	c := s.Client()
	id := s.Add(vpptoken.VPPToken{
		State: vpptoken.StateAssignedToExternalMDM, ExpirationDateTime: time.Now().Add(time.Hour),
	})
	if token := syncOnce(t, c, id); token.State != vpptoken.StateAssignedToExternalMDM {
		t.Errorf("without the consent: %s", token.State)
	}
	_, err := c.Update(t.Context(), id, vpptoken.NewPatch().SetClaimTokenManagementFromExternalMDM(true))
	if err != nil {
		t.Fatal(err)
	}
	if token := syncOnce(t, c, id); token.State != vpptoken.StateValid {
		t.Errorf("with it: %s", token.State)
	}
}

// What contenttoken reads as Apple's file has its effect here.
func TestContentTokenAsContenttokenReadsIt(t *testing.T) {
	t.Parallel()
	s := vpptokentest.NewServer(vpptokentest.WithSyncDuration(0))
	t.Cleanup(s.Close)
	c := s.Client()
	for _, date := range []string{"2027-11-20T18:13:52+0000", "2027-11-20T18:13:52Z"} {
		text := base64.StdEncoding.EncodeToString([]byte(`{"token":"inner","expDate":"` + date +
			`","orgName":"Nordwind"}`))
		ct, err := contenttoken.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		id := s.Add(vpptoken.VPPToken{})
		if _, err := c.Update(t.Context(), id, vpptoken.NewPatch().SetToken(ct.Secret())); err != nil {
			t.Fatal(err)
		}
		token := syncOnce(t, c, id)
		if !token.ExpirationDateTime.Equal(ct.ExpirationDateTime) || token.OrganizationName != "Nordwind" {
			t.Errorf("%s: the token shows %v and %q", date, token.ExpirationDateTime, token.OrganizationName)
		}
	}
}
