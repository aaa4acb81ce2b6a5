package renew_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/renew"
)

// slowSync shows the sync as running for the first looks.
type slowSync struct{ looks int }

func (s *slowSync) RoundTrip(*http.Request) (*http.Response, error) {
	body := `{"id":"x","state":"valid","lastSyncStatus":"inProgress","lastSyncDateTime":"2026-11-24T11:00:00Z"}`
	if s.looks++; s.looks > 3 {
		body = fmt.Sprintf(`{"id":"x","state":"valid","lastSyncStatus":"completed","lastSyncDateTime":"2026-11-24T12:00:00Z","expirationDateTime":%q}`,
			expires.Format(time.RFC3339))
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func TestPollEvery(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		plan time.Duration
		opts []vpptoken.WaitOption
		want time.Duration // of three waits
	}{
		{"default", 0, nil, 45 * time.Second},
		{"of the plan", time.Minute, nil, 3 * time.Minute},
		{"of Verify", time.Minute, []vpptoken.WaitOption{vpptoken.PollEvery(time.Second)}, 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, err := vpptoken.NewClient(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "bearer"}),
					vpptoken.WithHTTPClient(&http.Client{Transport: &slowSync{}}))
				ok(t, err)
				p := another(t, &renew.Plan{
					TokenID: "x", ExpirationDateTime: expires, PollEvery: tt.plan,
					Sync: &vpptoken.Sync{TokenID: "x", PreviousSyncDateTime: today.Add(-time.Hour)},
				})
				start := time.Now()
				report, err := p.Verify(t.Context(), c, tt.opts...)
				ok(t, err)
				if got := time.Since(start); got != tt.want || !report.Verified {
					t.Errorf("verified %v after %v, want %v", report.Verified, got, tt.want)
				}
			})
		})
	}
}
