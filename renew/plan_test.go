package renew_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func TestMakePlan(t *testing.T) {
	t.Parallel()
	s := newService(t)
	east := expires.In(time.FixedZone("", 9*3600))
	p := s.plan(t, file(t, org, east))
	want := &renew.Plan{
		TokenID: s.id,
		Before: renew.Snapshot{
			State: vpptoken.StateValid, ExpirationDateTime: today.AddDate(0, 0, 1),
			LastSyncDateTime: today.Add(-time.Hour),
			LastSyncStatus:   vpptoken.SyncStatusCompleted, OrganizationName: org, LocationName: "Nordwind",
			DisplayName: "Field iPads",
		},
		OrganizationName: org, ExpirationDateTime: expires, Location: "Nordwind",
		NeedsApply: true, PollEvery: 15 * time.Second, RequestIDs: s.answer.pick(0),
	}
	if diff := cmp.Diff(want, p, cmpopts.IgnoreUnexported(renew.Plan{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"GET /id"}, s.sent()); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	valid, invalid := vpptoken.StateValid, vpptoken.StateInvalid
	allowAll := renew.Options{AllowOtherOrganization: true, AllowEarlierExpiry: true, AllowOtherLocation: true}
	for _, tt := range []struct {
		name         string
		organization string // the service's
		expires      time.Time
		state        vpptoken.State
		now          time.Time
		o            renew.Options
		want         error
		needsApply   bool
	}{
		{"expired", org, today, valid, expires.Add(time.Hour), allowAll, renew.ErrExpired, false},
		{"expires now", org, today, valid, expires, allowAll, renew.ErrExpired, false},
		{"expires in a second", org, today, valid, expires.Add(-time.Second), renew.Options{}, nil, true},

		{
			"other organization", "Sudwind", today, valid, today,
			renew.Options{AllowEarlierExpiry: true},
			renew.ErrOtherOrganization, false,
		},
		{
			"other organization allowed", "Sudwind", today, valid, today,
			renew.Options{AllowOtherOrganization: true},
			nil, true,
		},
		{"other case", strings.ToUpper(org), today, valid, today, renew.Options{}, renew.ErrOtherOrganization, false},
		{"a space more", org + " ", today, valid, today, renew.Options{}, renew.ErrOtherOrganization, false},
		{"no organization", "", today, valid, today, renew.Options{}, nil, true},

		{
			"a second earlier", org, expires.Add(time.Second), valid, today,
			renew.Options{AllowOtherOrganization: true},
			renew.ErrEarlierExpiry, false,
		},
		{
			"a second earlier allowed", org, expires.Add(time.Second), valid, today,
			renew.Options{AllowEarlierExpiry: true},
			nil, true,
		},
		{"a second later", org, expires.Add(-time.Second), valid, today, renew.Options{}, nil, true},
		{
			"less than a second later", org, expires.Add(-time.Nanosecond * 100), valid, today,
			renew.Options{},
			nil, true,
		},
		{"no expiry at the service", org, time.Time{}, valid, today, renew.Options{}, nil, true},
		{
			"other organization and earlier", "Sudwind", expires.Add(time.Second), valid, today,
			renew.Options{},
			renew.ErrOtherOrganization, false,
		},

		{"done", org, expires, valid, today, renew.Options{}, nil, false},
		{"done, all allowed", org, expires, valid, today, allowAll, nil, false},
		{
			"done, in the same second", org, expires.Add(999 * time.Millisecond), valid, today,
			renew.Options{},
			nil, false,
		},
		{"same expiry, invalid", org, expires, invalid, today, renew.Options{}, nil, false}, // F36
		{"same expiry, unknown word", org, expires, "validated", today, renew.Options{}, nil, false},
		{
			"same expiry, invalid, allowed", org, expires, invalid, today,
			renew.Options{AllowEarlierExpiry: true},
			nil, true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.Edit(s.id, func(t *vpptoken.VPPToken) {
				t.OrganizationName, t.ExpirationDateTime, t.State = tt.organization, tt.expires, tt.state
			})
			tt.o.Now = func() time.Time { return tt.now }
			ct := file(t, org, expires)
			p, err := renew.MakePlan(t.Context(), s.client, s.id, ct, tt.o)
			if !errors.Is(err, tt.want) || (p == nil) != (err != nil) {
				t.Fatalf("plan = %+v, err = %v, want %v", p, err, tt.want)
			}
			if p != nil && p.NeedsApply != tt.needsApply {
				t.Errorf("NeedsApply = %v", p.NeedsApply)
			}
			want := []string{"GET /id"}
			if errors.Is(err, renew.ErrExpired) {
				want = []string{}
			}
			if diff := cmp.Diff(want, s.sent()); diff != "" {
				t.Error(diff)
			}
			if err == nil {
				return
			}
			checkLine(t, err)
			report, err := renew.Run(t.Context(), s.client, s.id, ct, tt.o)
			if report != nil || !errors.Is(err, tt.want) || errors.Is(err, renew.ErrNotVerified) ||
				len(s.patches()) != 0 {
				t.Errorf("Run = %+v, %v", report, err)
			}
		})
	}
}

func TestRefusalsSayWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*vpptoken.VPPToken)
		now    time.Time
		want   string
	}{
		{
			"expired", func(*vpptoken.VPPToken) {}, expires,
			"renew: the file has expired, on 2027-11-20 18:13:52 UTC: download a new one from Apple",
		},
		{
			"other organization", func(t *vpptoken.VPPToken) { t.OrganizationName = "Sud\nwind" }, today,
			`renew: the file is of another organization: the token is of "Sud�wind", the file of "Nordwind School District"`,
		},
		{
			"earlier", func(t *vpptoken.VPPToken) { t.ExpirationDateTime = expires.AddDate(0, 0, 1) }, today,
			"renew: the file expires no later than what the service shows: the service shows 2027-11-21 18:13:52 UTC, the file has 2027-11-20 18:13:52 UTC",
		},
		{
			"other location", func(t *vpptoken.VPPToken) { t.LocationName = "Oslo" }, today,
			`renew: the file is of another location: the token is of "Oslo", the file of "Nordwind"`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.Edit(s.id, tt.change)
			_, err := renew.MakePlan(t.Context(), s.client, s.id, file(t, org, expires),
				renew.Options{Now: func() time.Time { return tt.now }})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %v", err, tt.want)
			}
		})
	}
}

func TestMakePlanWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Fail(vpptokentest.Fault{Status: 403})
	p, err := renew.MakePlan(t.Context(), s.client, s.id, file(t, org, expires), options())
	if p != nil || !errors.Is(err, vpptoken.ErrForbidden) {
		t.Errorf("MakePlan = %+v, %v", p, err)
	}
	_, err = renew.MakePlan(t.Context(), s.client, "../x", file(t, org, expires), options())
	if !errors.Is(err, vpptoken.ErrInvalidID) {
		t.Errorf("err = %v", err)
	}
	_, err = renew.Run(t.Context(), s.client, "nobody", file(t, org, expires), options())
	if !errors.Is(err, vpptoken.ErrNotFound) || errors.Is(err, renew.ErrNotVerified) {
		t.Errorf("err = %v", err)
	}
}

// checkLine fails unless the error is one line that says whose it is.
func checkLine(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	if !strings.HasPrefix(text, "renew: ") || strings.ContainsAny(text, "\r\n") {
		t.Errorf("err = %q", text)
	}
	checkHidden(t, text)
}
