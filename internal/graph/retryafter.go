package graph

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter reads the Retry-After header: seconds, which Microsoft also sends with a fraction, or one of HTTP's three date
// forms, taken against the server's own clock when it tells it. Whatever is absent, unreadable or not in the
// future is 0. A wait too long for a Duration is the longest one.
func retryAfter(h http.Header, now time.Time) time.Duration {
	values := h.Values("Retry-After")
	if len(values) != 1 || len(values[0]) > 64 {
		return 0
	}
	text := strings.TrimSpace(values[0])
	if strings.Trim(text, "0123456789.") == "" {
		seconds, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil:
			return 0
		case seconds >= math.MaxInt64/float64(time.Second):
			return math.MaxInt64
		}
		return time.Duration(math.Round(seconds * float64(time.Second)))
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		now = theirs
	}
	return max(0, date.Sub(now))
}
