package leaktest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// A service that has stored a content token may quote it in the answer to any later call of the
// client: to the read after an update without a body, to a sync, to the next operation.
func TestLeakEchoedLater(t *testing.T) {
	t.Parallel()
	for name, text := range leaktest.Disguises(faulttest.AppleToken) {
		for _, status := range []int{200, 204} {
			sent := false
			service := &faulttest.Service{
				Answer: faulttest.AnswerFunc(func(_ int, r *http.Request) (*http.Response, error) {
					if r.Method == http.MethodPatch && !sent {
						sent = true
						return faulttest.Answer(status, ""), nil
					}
					return faulttest.Answer(400, `{"error":{"code":"x","message":`+leaktest.JSONText("stored: "+text)+`}}`), nil
				}),
			}
			client := faulttest.Client(t, service)
			patch := vpptoken.NewPatch().SetToken(vpptoken.NewSecret(faulttest.AppleToken))
			_, err := client.Update(t.Context(), faulttest.ID, patch)
			errs := []error{err}
			for _, op := range faulttest.Operations() {
				errs = append(errs, op.Run(t.Context(), client))
			}
			for i, err := range errs {
				if shown := leaktest.Leaks(fmt.Sprint(err)); err == nil || shown != "" {
					t.Errorf("%s, %d, call %d: a secret (%.12s...) shows in %.400v", name, status, i, shown, err)
				}
			}
			leaktest.ShowsNoSecret(t, *client)
		}
	}
}

// The steps of a renewal are several calls.
func TestLeakEchoedInARenewal(t *testing.T) {
	t.Parallel()
	expires := time.Now().AddDate(1, 0, 0)
	text := vpptokentest.ContentToken("Nordwind", expires)
	ct, err := contenttoken.Parse([]byte(text.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	echo := `{"error":{"code":"x","message":` + leaktest.JSONText("stored: "+text.Reveal()) + `}}`
	for name, fault := range map[string]vpptokentest.Fault{
		"upload": {Method: "PATCH"}, "sync": {Path: "/syncLicenses"}, "poll": {Method: "GET"},
	} {
		srv := vpptokentest.NewServer()
		id := srv.Add(vpptoken.VPPToken{OrganizationName: "Nordwind", State: vpptoken.StateExpired})
		fault.Status, fault.Body, fault.Times = 400, echo, 100
		o := renew.Options{PollEvery: 50 * time.Millisecond, OnStep: func(s renew.Step) {
			if s == renew.StepVerify || name != "poll" && s == renew.StepApply {
				srv.Fail(fault)
			}
		}}
		report, err := renew.Run(t.Context(), srv.Client(), id, ct, o)
		srv.Close()
		shown := fmt.Sprintf("%+v %v", report, err)
		for i := 0; i+12 <= len(text.Reveal()); i++ {
			if strings.Contains(shown, text.Reveal()[i:i+12]) {
				t.Errorf("%s: a piece of the content token shows in %s", name, shown)
				break
			}
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
