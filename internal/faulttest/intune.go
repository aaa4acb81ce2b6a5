package faulttest

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/vpptoken/vpptoken"
)

// Intune shows a token whose sync goes on while time passes.
type Intune struct {
	Start     time.Time
	Looks     []Look
	Gets      []time.Duration // after the start, as Posts
	Posts     []time.Duration
	Refuse    int    // what a POST is answered, when not 0
	AfterPost []Look // take the place of Looks then, when there are any

	mu sync.Mutex
}

// Look is what the token shows from a moment on.
type Look struct {
	from   time.Duration
	status vpptoken.SyncStatus
	synced string
}

// At makes a Look; from is counted from the start, synced is its lastSyncDateTime.
func At(from time.Duration, status vpptoken.SyncStatus, synced string) Look {
	return Look{from, status, synced}
}

// NewIntune returns a client for the service, whose time starts now.
func NewIntune(tb testing.TB, looks ...Look) (*vpptoken.Client, *Intune) {
	tb.Helper()
	c, mock := Mock(tb)
	s := &Intune{Start: time.Now(), Looks: looks}
	mock.RegisterResponder(http.MethodGet, Item, s.answer(&s.Gets))
	mock.RegisterResponder(http.MethodPost, Item+"/syncLicenses", s.post)
	return c, s
}

func (s *Intune) post(r *http.Request) (*http.Response, error) {
	resp, err := s.answer(&s.Posts)(r)
	if s.AfterPost != nil {
		s.Looks = s.AfterPost
	}
	if s.Refuse != 0 {
		resp.StatusCode = s.Refuse
	}
	if s.Refuse == http.StatusNoContent {
		resp.Body = http.NoBody
	}
	return resp, err
}

func (s *Intune) answer(log *[]time.Duration) httpmock.Responder {
	return func(*http.Request) (*http.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		now := time.Since(s.Start)
		*log = append(*log, now)
		var at Look
		for _, l := range s.Looks {
			if l.from <= now {
				at = l
			}
		}
		body := fmt.Sprintf(`{"id":%q,"state":"invalid","lastSyncStatus":%q,"lastSyncDateTime":%q}`, ID, at.status, at.synced)
		return httpmock.NewStringResponse(http.StatusOK, body), nil
	}
}
