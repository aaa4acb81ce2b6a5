package renew_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// walkService is Intune as the crash walk needs it: one token, whose syncs take time and fail in
// both ways, beside other people who start syncs too, over a network that loses requests and
// answers. It knows what the client can't see: which text is uploaded, and which text each sync had
// when it began. It decides nothing by the client's rules.
type walkService struct {
	*rand.Rand
	calm bool // nothing fails any more, and nobody else does anything

	// How this service behaves where nobody knows how the real one does.
	refusal     int  // to a sync while one is under way: 0 joins it
	showsAtOnce bool // an upload shows its expiry before a sync
	validAtOnce bool // and makes the state valid
	repaints    bool // a sync that began before the upload shows the old expiry when it ends
	lags        bool // a sync that was asked for shows on the second look

	text   string               // what is uploaded now
	expiry map[string]time.Time // of each text
	ours   string               // the text of the renewal
	proven bool                 // a sync that began with our text has completed

	state, status  string
	shown, synced  time.Time
	run            *walkSync
	lookIsProof    bool // proven, at the last look that the client got to see
	newerSeen      bool // at that look a later expiry than that of ours was shown
	uploads, syncs int  // carried out and answered with a success that arrived
	requests       int  // that were sent
	others         bool // somebody uploaded another file
	body           string
	faults         []string // a sin against the plan
	crash          context.CancelFunc
	crashed        bool
}

type walkSync struct {
	text    string
	ends    time.Time
	outcome int // 0 completes, 1 fails and moves the date, 2 fails and leaves it
	hidden  bool
}

var errLost = errors.New("walk: connection reset by peer")

// chance is never met once it is calm.
func (s *walkService) chance(percent int) bool { return s.dice() < percent }

func (s *walkService) RoundTrip(r *http.Request) (*http.Response, error) {
	s.requests++
	time.Sleep(time.Duration(50+s.IntN(3000)) * time.Millisecond)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	s.meddle(6)
	if err := s.fault(); err != nil {
		return nil, err
	}
	if s.chance(5) {
		return answer([]int{429, 500, 503, 504, 409, 400}[s.IntN(6)], "{}"), nil
	}
	resp := s.serve(r)
	proven, newer := s.proven, s.shown.After(s.expiry[s.ours])
	s.meddle(6)
	if err := s.fault(); err != nil {
		return nil, err
	}
	switch {
	case resp.StatusCode/100 != 2:
	case r.Method == http.MethodPatch:
		s.uploads++
	case r.Method == http.MethodPost:
		s.syncs++
	default:
		s.lookIsProof, s.newerSeen = proven, newer
	}
	return resp, nil
}

// fault ends the process that has sent the request, or loses the request or its answer.
func (s *walkService) fault() error {
	switch s.dice() {
	case 0, 1, 2:
		s.crashed = true
		s.crash()
		return context.Canceled
	case 3, 4, 5, 6, 7:
		return errLost
	}
	return nil
}

func (s *walkService) dice() int {
	if s.calm {
		return 100
	}
	return s.IntN(100)
}

// meddle lets others start a sync, and now and then upload another file.
func (s *walkService) meddle(percent int) {
	s.settle()
	if s.run == nil && s.chance(percent) {
		s.begin(s.lags && !s.showsAtOnce) // else nobody could see that it had the old file
	}
	if s.others && s.chance(2) {
		s.upload("the file of another administrator")
	}
}

func (s *walkService) begin(hidden bool) {
	s.run = &walkSync{text: s.text, ends: time.Now().Add(time.Duration(1+s.IntN(120)) * time.Second), hidden: hidden}
	if s.chance(40) {
		s.run.outcome = 1 + s.IntN(2)
	}
}

func (s *walkService) settle() {
	if s.run == nil || time.Now().Before(s.run.ends) {
		return
	}
	ended := s.run
	s.run = nil
	if ended.outcome != 2 {
		s.synced = time.Now()
	}
	if s.status = "failed"; ended.outcome != 0 {
		return
	}
	s.status = "completed"
	if ended.text == s.text || s.repaints {
		s.shown, s.state = s.expiry[ended.text], "valid"
	}
	s.proven = s.proven || ended.text == s.ours
}

func (s *walkService) upload(text string) {
	s.text = text
	if s.showsAtOnce {
		s.shown = s.expiry[text]
	}
	if s.showsAtOnce && s.validAtOnce {
		s.state = "valid"
	}
}

func (s *walkService) serve(r *http.Request) *http.Response {
	s.settle()
	path := strings.TrimPrefix(r.URL.Path, "/beta/deviceAppManagement/vppTokens/"+walkID)
	switch {
	case r.Method == http.MethodGet && path == "":
		hidden := s.run != nil && s.run.hidden
		if s.run != nil {
			s.run.hidden = false
		}
		return answer(http.StatusOK, s.show(hidden))
	case r.Method == http.MethodPatch && path == "":
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != s.body {
			s.faults = append(s.faults, fmt.Sprintf("a PATCH of %d bytes that was not planned, %v", len(body), err))
		}
		if s.newerSeen {
			s.faults = append(s.faults, "a PATCH over a newer file")
		}
		var patch struct {
			Token string `json:"token"`
		}
		if json.Unmarshal(body, &patch) != nil {
			return answer(http.StatusBadRequest, "{}")
		}
		s.upload(patch.Token)
		if s.IntN(4) == 0 {
			return answer(http.StatusNoContent, "")
		}
		return answer(http.StatusOK, s.show(false))
	case r.Method == http.MethodPost && path == "/syncLicenses":
		if s.run != nil && s.refusal != 0 {
			return answer(s.refusal, `{"error":{"code":"BadRequest","message":"A sync is already in progress."}}`)
		}
		if s.run == nil {
			s.begin(s.lags)
		}
		return answer(http.StatusOK, s.show(s.run.hidden))
	}
	s.faults = append(s.faults, r.Method+" "+r.URL.Path)
	return answer(http.StatusNotFound, "{}")
}

func (s *walkService) show(hidden bool) string {
	status := s.status
	if s.run != nil && !hidden {
		status = "inProgress"
	}
	return fmt.Sprintf(`{"id":%q,"state":%q,"lastSyncStatus":%q,"lastSyncDateTime":%q,"expirationDateTime":%q,"organizationName":%q,"locationName":"Nordwind","automaticallyUpdateApps":false}`,
		strings.ToUpper(walkID), s.state, status, s.synced.Format(time.RFC3339Nano), s.shown.Format(time.RFC3339), org)
}

func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}
