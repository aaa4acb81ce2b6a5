package vpptoken_test

import (
	"bytes"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

func TestEmptyPatch(t *testing.T) {
	t.Parallel()
	var none *vpptoken.Patch
	if got := encode(t, none.SetDisplayName("x").ClearAppleID()); got != `{"appleId":null,"displayName":"x"}` {
		t.Errorf("Set on a nil patch: %s", got)
	}
	if !none.IsEmpty() || !new(vpptoken.Patch).IsEmpty() || !vpptoken.NewPatch().IsEmpty() {
		t.Error("IsEmpty of an empty patch is false")
	}
	if got := encode(t, vpptoken.Patch{}); got != "{}" {
		t.Errorf("got %s", got)
	}
}

func TestPatchFieldSetByHandAfterClear(t *testing.T) {
	t.Parallel()
	p := vpptoken.NewPatch().ClearDisplayName()
	p.DisplayName = new("by hand")
	if got := encode(t, p); got != `{"displayName":"by hand"}` {
		t.Errorf("a field after Clear: %s", got)
	}
	p.DisplayName = nil
	if got := encode(t, p); got != `{"displayName":null}` {
		t.Errorf("a nil field after Clear: %s", got)
	}
	for _, tc := range patchCases(t) {
		if tc.clear == nil {
			continue
		}
		p := tc.set(tc.clear(vpptoken.NewPatch()))
		reflect.ValueOf(p).Elem().FieldByName(tc.field).SetZero()
		if !p.IsEmpty() {
			t.Errorf("Set did not undo Clear: %s", encode(t, p))
		}
	}
}

func TestPatchCopiesAreIndependent(t *testing.T) {
	t.Parallel()
	for _, tc := range patchCases(t) {
		original := tc.set(vpptoken.NewPatch())
		copied := *original
		tc.zero(&copied)
		if got, want := encode(t, original), `{"`+tc.name+`":`+tc.value+`}`; got != want {
			t.Errorf("Set on a copy changed the original: %s", got)
		}
		if tc.clear == nil {
			continue
		}
		copied = *original
		tc.clear(&copied)
		if got, want := encode(t, original), `{"`+tc.name+`":`+tc.value+`}`; got != want {
			t.Errorf("Clear on a copy changed the original: %s", got)
		}
		cleared := tc.clear(vpptoken.NewPatch())
		copied = *cleared
		tc.set(&copied)
		if got, want := encode(t, cleared), `{"`+tc.name+`":null}`; got != want {
			t.Errorf("Set on a copy of a cleared patch changed the original: %s", got)
		}
	}
}

func TestPatchOwnsItsLists(t *testing.T) {
	t.Parallel()
	ids, results := []string{"0", "7"}, []vpptoken.ActionResult{{ActionName: "sync"}}
	p := vpptoken.NewPatch().SetRoleScopeTagIDs(ids...).SetTokenActionResults(results...)
	want := encode(t, p)
	ids[0], results[0].ActionName = "changed", "changed"
	if got := encode(t, p); got != want {
		t.Errorf("the caller's slice is the patch's: %s", got)
	}
	p.Diff(nil).SetRoleScopeTagIDs("changed").SetTokenActionResults().SetDisplayName("changed").ClearAppleID()
	if got := encode(t, p); got != want {
		t.Errorf("a change to what Diff returned changed the patch: %s", got)
	}
}

func TestRequestBodiesLogWithoutTheToken(t *testing.T) {
	t.Parallel()
	p := vpptoken.NewPatch().SetToken(vpptoken.NewSecret("canary")).SetDisplayName("Field iPads").ClearLocationName()
	var b bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		b.Reset()
		slog.New(h).Info("update", "patch", p, "value", *p)
		if strings.Contains(b.String(), "canary") || strings.Count(b.String(), "Field iPads") != 2 ||
			strings.Count(b.String(), "REDACTED") != 2 {
			t.Errorf("logged %s", b.String())
		}
	}
	if got := encode(t, p); !strings.Contains(got, "canary") {
		t.Error("logging a patch changed it")
	}
}

// F11: nil as "no value" clears, where a nil field would leave the old value.
func TestF11SetOrClear(t *testing.T) {
	t.Parallel()
	p := vpptoken.NewPatch()
	for _, name := range []*string{nil, new("x"), new(""), nil} {
		want := `{"displayName":null}`
		if name != nil {
			want = `{"displayName":"` + *name + `"}`
		}
		if got := vpptoken.SetOrClear(p.SetDisplayName, p.ClearDisplayName, name); got != p || encode(t, p) != want {
			t.Errorf("got %s, want %s", encode(t, got), want)
		}
	}
	p = vpptoken.SetOrClear(p.SetToken, p.ClearToken, new(vpptoken.NewSecret("t")))
	if got := encode(t, p); got != `{"token":"t","displayName":null}` {
		t.Errorf("got %s", got)
	}
	var none *vpptoken.Patch
	if got := encode(t, vpptoken.SetOrClear(none.SetAppleID, none.ClearAppleID, nil)); got != `{"appleId":null}` {
		t.Errorf("of a nil patch: %s", got)
	}
}

// F39: everything that Update would refuse is named before anything is sent, by Check and by Update
// alike.
func TestF39CheckNamesEveryProperty(t *testing.T) {
	t.Parallel()
	year10000 := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	ignored := vpptoken.DeliveryProtocolUnknownFutureValue
	for name, tc := range map[string]struct {
		p       *vpptoken.Patch
		version vpptoken.APIVersion
		want    []string
		newer   bool
	}{
		"zero token": {
			vpptoken.NewPatch().SetToken(vpptoken.Secret{}), vpptoken.VersionBeta, []string{"token"}, false,
		},
		"zero token field": {
			&vpptoken.Patch{Token: new(vpptoken.Secret{})}, vpptoken.VersionV1, []string{"token"}, false,
		},
		"empty token": {
			vpptoken.NewPatch().SetToken(vpptoken.NewSecret("")), vpptoken.VersionBeta, []string{"token"}, false,
		},
		"read token": {
			vpptoken.NewPatch().SetToken(decodeToken(t, `{"token":null}`).Token), vpptoken.VersionBeta,
			[]string{"token"},
			false,
		},
		"mark for a token": {
			vpptoken.NewPatch().SetToken(vpptoken.NewSecret("REDACTED")), vpptoken.VersionBeta,
			[]string{"token"},
			false,
		},
		"future protocol": {
			vpptoken.NewPatch().SetAppDeliveryProtocolType(ignored), vpptoken.VersionBeta,
			[]string{"appleDeviceAppDeliveryProtocolType"},
			false,
		},
		"future state": {
			vpptoken.NewPatch().SetState("unknownFutureValue"), vpptoken.VersionBeta, []string{"state"}, false,
		},
		"future action state": {
			vpptoken.NewPatch().SetTokenActionResults(vpptoken.ActionResult{},
				vpptoken.ActionResult{ActionState: "unknownFutureValue"}),
			vpptoken.VersionBeta,
			[]string{"tokenActionResults"},
			false,
		},
		"future reason": {
			vpptoken.NewPatch().SetTokenActionResults(vpptoken.ActionResult{ActionFailureReason: "unknownFutureValue"},
				vpptoken.ActionResult{}),
			vpptoken.VersionBeta,
			[]string{"tokenActionResults"},
			false,
		},
		"a name may be it": {
			vpptoken.NewPatch().SetDisplayName("unknownFutureValue"), vpptoken.VersionBeta, nil, false,
		},
		"not UTF-8": {vpptoken.NewPatch().SetAppleID("canary\xff"), vpptoken.VersionBeta, []string{"appleId"}, false},
		"no year": {
			vpptoken.NewPatch().SetLastSyncDateTime(year10000), vpptoken.VersionV1, []string{"lastSyncDateTime"}, false,
		},
		"on v1.0": {
			vpptoken.NewPatch().SetDisplayName("canary").ClearLocationName().SetAppleID("a"), vpptoken.VersionV1,
			[]string{"displayName", "locationName"},
			true,
		},
		"all at once": {
			vpptoken.NewPatch().SetOrganizationName("\xff").SetToken(vpptoken.Secret{}).
				SetExpirationDateTime(year10000).SetRoleScopeTagIDs("canary\xff").
				SetAppDeliveryProtocolType(ignored).
				SetTokenActionResults(vpptoken.ActionResult{StartDateTime: year10000}),
			vpptoken.VersionV1,
			[]string{
				"organizationName", "expirationDateTime", "token", "tokenActionResults", "roleScopeTagIds",
				"appleDeviceAppDeliveryProtocolType",
			},
			true,
		},
	} {
		c, mock := faulttest.Mock(t, vpptoken.WithAPIVersion(tc.version))
		mock.RegisterResponder("PATCH", "=~.*", faulttest.Respond(200, faulttest.BareToken))
		_, updated := c.Update(t.Context(), faulttest.ID, tc.p)
		for _, err := range []error{tc.p.Check(tc.version), updated} {
			if tc.want == nil {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			e, ok := errors.AsType[*vpptoken.PropertyError](err)
			if !ok {
				t.Errorf("%s: %v (%T)", name, err, err)
				continue
			}
			diff := cmp.Diff(tc.want, e.Properties)
			if diff != "" || errors.Is(err, vpptoken.ErrNotInVersion) != tc.newer {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
			text := err.Error()
			for _, property := range tc.want {
				if !strings.Contains(text, property) {
					t.Errorf("%s: the text does not name %s: %s", name, property, text)
				}
			}
			if strings.Contains(text, "canary") || strings.ContainsAny(text, "\r\n") ||
				!strings.HasPrefix(text, "vpptoken: ") ||
				tc.newer && !strings.Contains(text, vpptoken.ErrNotInVersion.Error()) {
				t.Errorf("%s: %s", name, text)
			}
		}
		if tc.want != nil && len(mock.Requests()) != 0 {
			t.Errorf("%s was sent", name)
		}
	}
}

func TestF39CheckOfOtherPatches(t *testing.T) {
	t.Parallel()
	var none *vpptoken.Patch
	for _, p := range []*vpptoken.Patch{none, {}, vpptoken.NewPatch()} {
		err := p.Check(vpptoken.VersionBeta)
		if !errors.Is(err, vpptoken.ErrEmptyPatch) || !strings.HasPrefix(err.Error(), "vpptoken: ") {
			t.Error(err)
		}
	}
	if err := vpptoken.NewPatch().ClearAppleID().Check("v2.0"); err == nil || errors.Is(err, vpptoken.ErrNotInVersion) {
		t.Errorf("a version that does not exist: %v", err)
	}
	for _, tc := range patchCases(t) {
		if err := tc.set(vpptoken.NewPatch()).Check(vpptoken.VersionBeta); err != nil {
			t.Error(err)
		}
	}
	e := &vpptoken.PropertyError{Properties: []string{"displayName", "token"}}
	if text := e.Error(); !strings.Contains(text, "displayName, token") || e.Unwrap() != nil {
		t.Errorf("one that was built by hand: %s, %v", text, e.Unwrap())
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	var none *vpptoken.Patch
	for want, p := range map[string]*vpptoken.Patch{
		`{}`: none,
		`{"token":"REDACTED","displayName":"d","locationName":null}`: vpptoken.NewPatch().
			SetToken(vpptoken.NewSecret("canary")).SetDisplayName("d").ClearLocationName(),
		`{"token":null}`: vpptoken.NewPatch().ClearToken(),
		`{"token":"REDACTED","automaticallyUpdateApps":true}`: vpptoken.NewPatch().SetToken(vpptoken.Secret{}).
			SetAutomaticallyUpdateApps(true),
		`vpptoken: displayName is not valid UTF-8`: vpptoken.NewPatch().SetToken(vpptoken.NewSecret("canary")).
			SetDisplayName("canary\xff"),
	} {
		if got := p.Redacted(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
