package renew_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/renew"
)

// F30: the file of another location of the same organization was uploaded and called verified.
func TestF30OtherLocation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		service, file string
		want          error
	}{
		{"Bergen", "Oslo", renew.ErrOtherLocation},
		{"Oslo Vest", "Oslo", renew.ErrOtherLocation},
		{"Skule-1", "Skule-2", renew.ErrOtherLocation},
		{"Oslo", "OSLO", nil},
		{"Oslo Vest", "Oslo_Vest", nil},
		{"Oslo", "Oslo (1)", nil},
		{"Oslo", "Oslo-1", nil},
		{"", "Oslo", nil},
		{"Oslo", "", nil},
	} {
		t.Run(tt.service+" and "+tt.file, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.Edit(s.id, func(t *vpptoken.VPPToken) { t.LocationName = tt.service })
			ct := file(t, org, expires)
			ct.Location = tt.file
			report, err := renew.Run(t.Context(), s.client, s.id, ct, options())
			if !errors.Is(err, tt.want) || (report == nil) != (tt.want != nil) {
				t.Fatalf("Run = %+v, %v", report, err)
			}
			if tt.want == nil {
				return
			}
			checkLine(t, err)
			if diff := cmp.Diff([]string{"GET /id"}, s.sent()); diff != "" {
				t.Error(diff)
			}
			o := options()
			o.AllowOtherLocation = true
			report, err = renew.Run(t.Context(), s.client, s.id, ct, o)
			ok(t, err)
			if !report.Verified || len(s.patches()) != 1 {
				t.Errorf("allowed: %+v", report)
			}
		})
	}
}

// F30: the text is the plan's, and the name that Apply got it under is that of another location.
func TestF30OtherNameAtApply(t *testing.T) {
	t.Parallel()
	for _, planned := range []string{"", "Nordwind"} {
		s := newService(t)
		ct := file(t, org, expires)
		ct.Location = planned
		p := s.plan(t, ct)
		ct.Location = "Oslo"
		if err := another(t, p).Apply(t.Context(), s.client, ct); !errors.Is(err, renew.ErrOtherLocation) {
			t.Errorf("planned as %q: %v", planned, err)
		}
		if len(s.patches()) != 0 {
			t.Errorf("planned as %q: sent %v", planned, s.sent())
		}
	}
}

// F30: the location that the service shows after the sync is another one: whose token was renewed?
func TestF30LocationChanged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, before, after string
		with                *vpptoken.Patch
		verified            bool
	}{
		{"other", "Nordwind", "Oslo", nil, false},
		{"written another way", "Nordwind", "nordwind ", nil, true},
		{"known now, and the file's", "", "nordwind", nil, true},
		{"known now, and not the file's", "", "Oslo", nil, false},
		{"not shown any more", "Nordwind", "", nil, true},
		{"asked for", "Nordwind", "Oslo", vpptoken.NewPatch().SetLocationName("Oslo"), true},
		{"another asked for", "Nordwind", "Oslo", vpptoken.NewPatch().SetLocationName("Bergen"), false},
		{"asked for, and Apple's stays", "Nordwind", "Nordwind", vpptoken.NewPatch().SetLocationName("Bergen"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.Edit(s.id, func(t *vpptoken.VPPToken) { t.LocationName = tt.before })
			o := options()
			o.With = tt.with
			ct := file(t, org, expires)
			p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, o)
			ok(t, err)
			ok(t, p.Apply(t.Context(), s.client, ct))
			ok(t, p.StartSync(t.Context(), s.client))
			s.Edit(s.id, func(t *vpptoken.VPPToken) { t.LocationName = tt.after })
			report, err := another(t, p).Verify(t.Context(), s.client)
			if !tt.verified {
				wantUnverified(t, report, err, nil)
				return
			}
			ok(t, err)
		})
	}
}

// A file that was renamed tells no location: the reason says so, rather than showing "".
func TestF30LocationChangedUnnamed(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	ct.Location = ""
	p := s.plan(t, ct)
	ok(t, p.Apply(t.Context(), s.client, ct))
	ok(t, p.StartSync(t.Context(), s.client))
	s.Edit(s.id, func(t *vpptoken.VPPToken) { t.LocationName = "Sentrum" })
	report, err := p.Verify(t.Context(), s.client)
	wantUnverified(t, report, err, nil, `The service now shows the location "Sentrum"; `+
		`before it was "Nordwind", and the file's is unknown: check that this is the right file.`)
}

// F31: the successor's appleId goes along in the one PATCH.
func TestF31With(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	o := options()
	o.With = vpptoken.NewPatch().SetAppleID("successor@nordwind.example").ClearDisplayName()
	p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, o)
	ok(t, err)
	o.With.SetAppleID("somebody@else.example") // the plan has its own
	p = another(t, p)
	ok(t, p.Apply(t.Context(), s.client, ct))
	ok(t, another(t, p).Apply(t.Context(), s.client, ct))
	want := `{"appleId":"successor@nordwind.example","token":"` + ct.Secret().Reveal() + `","displayName":null}`
	if diff := cmp.Diff([]string{want, want}, s.patches()); diff != "" {
		t.Error(diff)
	}
	ok(t, p.StartSync(t.Context(), s.client))
	report, err := p.Verify(t.Context(), s.client)
	ok(t, err)
	if report.Token.AppleID != "successor@nordwind.example" {
		t.Errorf("token = %+v", report.Token)
	}
}

// F31: when the file is there already, what goes along decides whether there is anything to send.
func TestF31WithAndTheFileIsThere(t *testing.T) {
	t.Parallel()
	for with, patches := range map[*vpptoken.Patch]int{
		nil: 0, vpptoken.NewPatch(): 0,
		vpptoken.NewPatch().SetDisplayName("Field iPads"): 0,
		vpptoken.NewPatch().SetDisplayName("New iPads"):   1,
	} {
		s := newService(t)
		s.Edit(s.id, func(t *vpptoken.VPPToken) { t.ExpirationDateTime = expires })
		for range 2 {
			report, err := renew.Run(t.Context(), s.client, s.id, file(t, org, expires),
				renew.Options{Now: clock, With: with})
			ok(t, err)
			if !report.Verified || len(s.patches()) != patches {
				t.Errorf("%d patches, want %d: %+v", len(s.patches()), patches, report)
			}
		}
	}
}

func TestF31WithRefused(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for name, with := range map[string]*vpptoken.Patch{
		"token":              vpptoken.NewPatch().SetToken(vpptoken.NewSecret(canary)),
		"token, empty":       vpptoken.NewPatch().SetToken(vpptoken.Secret{}),
		"token, cleared":     vpptoken.NewPatch().SetAppleID("a@b.example").ClearToken(),
		"state":              vpptoken.NewPatch().SetState(vpptoken.StateValid),
		"expirationDateTime": vpptoken.NewPatch().SetExpirationDateTime(expires),
		"lastSyncDateTime":   vpptoken.NewPatch().SetLastSyncDateTime(today),
		"lastSyncStatus":     vpptoken.NewPatch().SetLastSyncStatus(vpptoken.SyncStatusCompleted),
		"displayName":        vpptoken.NewPatch().SetDisplayName("\xff"),
		"appleDeviceAppDeliveryProtocolType": vpptoken.NewPatch().SetAppleID("a@b.example").
			SetAppDeliveryProtocolType(vpptoken.DeliveryProtocolUnknownFutureValue),
	} {
		property, _, _ := strings.Cut(name, ",")
		p, err := renew.MakePlan(t.Context(), s.client, s.id, file(t, org, expires),
			renew.Options{Now: clock, With: with})
		if p != nil || err == nil || !strings.Contains(err.Error(), property) {
			t.Errorf("%s: %+v, %v", name, p, err)
			continue
		}
		checkLine(t, err)
	}
	if len(s.Requests()) != 0 {
		t.Errorf("sent %v", s.sent())
	}
}

// F32: the service moved on between plan and apply.
func TestF32ApplyLooksAgain(t *testing.T) {
	t.Parallel()
	all := renew.Options{AllowOtherOrganization: true, AllowOtherLocation: true, AllowEarlierExpiry: true}
	for _, tt := range []struct {
		name   string
		change func(*vpptoken.VPPToken)
		want   error
	}{
		{
			"newer file", func(t *vpptoken.VPPToken) { t.ExpirationDateTime = expires.Add(time.Second) },
			renew.ErrEarlierExpiry,
		},
		{
			"other organization", func(t *vpptoken.VPPToken) { t.OrganizationName = "Sudwind" },
			renew.ErrOtherOrganization,
		},
		{"other location", func(t *vpptoken.VPPToken) { t.LocationName = "Oslo" }, renew.ErrOtherLocation},
		{"the file is there", func(t *vpptoken.VPPToken) { t.ExpirationDateTime = expires }, nil},
		{"nothing that matters", func(t *vpptoken.VPPToken) { t.DisplayName = "New iPads" }, nil},
	} {
		for allowed, o := range map[bool]renew.Options{false: {}, true: all} {
			s := newService(t)
			ct := file(t, org, expires)
			o.Now = clock
			p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, o)
			ok(t, err)
			s.Edit(s.id, tt.change)
			p = another(t, p)
			err = p.Apply(t.Context(), s.client, ct)
			want := []string{"GET /id", "GET /id", "PATCH /id"}
			if tt.want != nil && !allowed {
				want = want[:2]
				if !errors.Is(err, tt.want) || p.Applied {
					t.Errorf("%s: %v", tt.name, err)
				}
			} else if err != nil {
				t.Errorf("%s, allowed %v: %v", tt.name, allowed, err)
			}
			if diff := cmp.Diff(want, s.sent()); diff != "" {
				t.Errorf("%s: %s", tt.name, diff)
			}
		}
	}
}

// F32: a plan that lies about can expire, and the clock that it was made with goes along.
func TestF32TheFileExpiresMeanwhile(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ct := file(t, org, expires)
	now := today
	o := renew.Options{Now: func() time.Time { return now }}
	p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, o)
	ok(t, err)
	now = expires
	if err := p.Apply(t.Context(), s.client, ct); !errors.Is(err, renew.ErrExpired) {
		t.Errorf("err = %v", err)
	}
	now = expires.Add(-time.Hour)
	late, err := renew.MakePlan(t.Context(), s.client, s.id, ct, o)
	ok(t, err)
	ok(t, another(t, late).Apply(t.Context(), s.client, ct)) // an hour is left
	now = expires.Add(-time.Millisecond)
	late, err = renew.MakePlan(t.Context(), s.client, s.id, ct, o)
	ok(t, err)
	time.Sleep(5 * time.Millisecond)
	if err := another(t, late).Apply(t.Context(), s.client, ct); !errors.Is(err, renew.ErrExpired) {
		t.Errorf("err = %v", err)
	}
	if len(s.patches()) != 1 {
		t.Errorf("sent %v", s.sent())
	}
}

// F33: each plan has a salt of its own, so that nothing can be told from two digests.
func TestF33DigestIsSalted(t *testing.T) {
	t.Parallel()
	s := newService(t)
	digest := func() string {
		text, err := json.Marshal(s.plan(t, file(t, org, expires)))
		ok(t, err)
		var members struct {
			Digest string `json:"digest"`
		}
		ok(t, json.Unmarshal(text, &members))
		return members.Digest
	}
	one, two := digest(), digest()
	if len(one) < 100 || len(one) != len(two) {
		t.Fatalf("%q and %q", one, two)
	}
	for i := 0; i+8 <= len(one); i += 8 {
		if strings.Contains(two, one[i:i+8]) {
			t.Errorf("%q and %q share a part", one, two)
		}
	}
}
