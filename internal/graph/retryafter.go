package graph

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// minAsked is the shortest wait that counts. Less would let a client retry without a pause.
const minAsked = 100 * time.Millisecond

// maxValues bounds the values that are read from one Retry-After.
const maxValues = 16

// retryAfter parses the Retry-After header: seconds, which Microsoft also sends with a fraction, or
// one of HTTP's three date forms, relative to the server's Date if there is one. Of several values,
// on separate lines or joined by commas, the longest wait counts. A value that is absent,
// unreadable, not in the future or too short is 0. A wait too long for a Duration is the longest
// Duration.
func retryAfter(h http.Header, now time.Time) (longest time.Duration) {
	lines := h.Values("Retry-After")
	if len(lines) == 0 {
		return 0
	}
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		now = theirs
	}
	for _, line := range lines[:min(len(lines), maxValues)] {
		parts := strings.SplitN(line, ",", maxValues)
		for i, part := range parts {
			longest = max(longest, oneWait(part, now))
			if i > 0 { // two of HTTP's date forms hold a comma
				longest = max(longest, oneWait(parts[i-1]+","+part, now))
			}
		}
	}
	if longest < minAsked {
		return 0
	}
	return longest
}

// oneWait parses one value.
func oneWait(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 64 {
		return 0
	}
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
	return max(0, date.Sub(now))
}
