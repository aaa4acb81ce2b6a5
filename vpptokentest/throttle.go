package vpptokentest

import (
	"net/http"
	"strconv"
	"time"
)

// throttle counts writes in a sliding period. The tenant's lock is held.
type throttle struct {
	writes int
	per    time.Duration
	at     []time.Time // the last writes, refused ones too, as many as the limit at most
}

// refuse counts a write, and returns nil when it is within the limit. A nil throttle has none.
func (t *throttle) refuse(now time.Time) *problem {
	if t == nil {
		return nil
	}
	full := len(t.at) == t.writes && now.Before(t.at[0].Add(t.per))
	if len(t.at) == t.writes {
		t.at = append(t.at[:0], t.at[1:]...)
	}
	t.at = append(t.at, now)
	if !full {
		return nil
	}
	return &problem{
		status: http.StatusTooManyRequests,
		header: http.Header{"Retry-After": {seconds(t.at[0].Add(t.per).Sub(now))}},
	}
}

// seconds rounds up to whole milliseconds: who waits that long is not refused for coming too early.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(float64((d+time.Millisecond-1)/time.Millisecond)/1000, 'f', -1, 64)
}
