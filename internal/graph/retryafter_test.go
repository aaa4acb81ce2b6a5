package graph_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken/internal/graph"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	const theirs = "Fri, 20 Nov 2026 11:00:00 GMT" // an hour behind
	for name, tc := range map[string]struct {
		values []string
		date   string
		want   time.Duration
	}{
		"seconds":              {[]string{"7"}, "", 7 * time.Second},
		"fraction":             {[]string{"2.128"}, "", 2128 * time.Millisecond},
		"white space":          {[]string{" \t7 "}, "", 7 * time.Second},
		"leading zeros":        {[]string{"007"}, "", 7 * time.Second},
		"half":                 {[]string{".5"}, "", 500 * time.Millisecond},
		"tenth":                {[]string{"0.1"}, "", 100 * time.Millisecond},
		"less than a tenth":    {[]string{"0.0999"}, "", 0},
		"less than a ns":       {[]string{"0.0000000001"}, "", 0},
		"hour":                 {[]string{"3600"}, "", time.Hour},
		"10 digits":            {[]string{"9999999999"}, "", math.MaxInt64},
		"60 digits":            {[]string{strings.Repeat("9", 60)}, "", math.MaxInt64},
		"65 digits":            {[]string{strings.Repeat("9", 65)}, "", 0},
		"HTTP date":            {[]string{"Fri, 20 Nov 2026 12:00:30 GMT"}, "", 30 * time.Second},
		"HTTP date and theirs": {[]string{"Fri, 20 Nov 2026 11:00:30 GMT"}, theirs, 30 * time.Second},
		"RFC 850":              {[]string{"Friday, 20-Nov-26 12:00:30 GMT"}, "", 30 * time.Second},
		"asctime":              {[]string{"Fri Nov 20 12:00:30 2026"}, "", 30 * time.Second},
		"past":                 {[]string{"Fri, 20 Nov 2026 10:59:59 GMT"}, theirs, 0},
		"their date is bad":    {[]string{"Fri, 20 Nov 2026 12:00:30 GMT"}, "yesterday", 30 * time.Second},
		"year 9999":            {[]string{"Fri, 31 Dec 9999 23:59:59 GMT"}, "", math.MaxInt64},
		"none":                 {nil, "", 0},
		"two lines":            {[]string{"30", "120"}, "", 2 * time.Minute},
		"two lines, falling":   {[]string{"120", "30"}, "", 2 * time.Minute},
		// F15: doubled or joined, the longest readable value counts.
		"joined":             {[]string{"30,120"}, "", 2 * time.Minute},
		"joined, falling":    {[]string{"120, 30"}, "", 2 * time.Minute},
		"joined and a line":  {[]string{"30,120", "240"}, "", 4 * time.Minute},
		"one is unreadable":  {[]string{"soon", "30", "-7"}, "", 30 * time.Second},
		"joined, unreadable": {[]string{"NaN,30,"}, "", 30 * time.Second},
		"none is readable":   {[]string{"soon,-1", ","}, "", 0},
		"a date joined":      {[]string{"10,Fri, 20 Nov 2026 12:00:30 GMT, 20"}, "", 30 * time.Second},
		"two dates joined": {
			[]string{"Fri, 20 Nov 2026 12:00:30 GMT,Friday, 20-Nov-26 12:00:40 GMT"}, "", 40 * time.Second,
		},
		"too many":     {[]string{strings.Repeat("1,", 50) + "99"}, "", time.Second},
		"empty":        {[]string{""}, "", 0},
		"negative":     {[]string{"-1"}, "", 0},
		"plus":         {[]string{"+1"}, "", 0},
		"exponent":     {[]string{"1e9"}, "", 0},
		"hexadecimal":  {[]string{"0x1p4"}, "", 0},
		"NaN":          {[]string{"NaN"}, "", 0},
		"two dots":     {[]string{"1.2.3"}, "", 0},
		"unit":         {[]string{"5s"}, "", 0},
		"other digits": {[]string{"٥"}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{"Retry-After": tc.values}
			if tc.date != "" {
				h.Set("Date", tc.date)
			}
			if got := graph.RetryAfter(h, now); got != tc.want {
				t.Errorf("RetryAfter(%q, Date %q) = %v, want %v", tc.values, tc.date, got, tc.want)
			}
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{
		"7", "2.128", " 7 ", "", "-1", "NaN", "1e9", "9999999999", "Fri, 31 Dec 9999 23:59:59 GMT",
		"Friday, 20-Nov-26 12:00:30 GMT", "Fri Nov 20 12:00:30 2026",
	} {
		f.Add(s, "Fri, 20 Nov 2026 11:00:00 GMT")
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		got := graph.RetryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, now)
		if got < 0 {
			t.Errorf("RetryAfter(%q) = %v", value, got)
		}
		if len(value) > 64 && !strings.Contains(value, ",") && got != 0 {
			t.Errorf("RetryAfter of %d bytes = %v", len(value), got)
		}
	})
}
