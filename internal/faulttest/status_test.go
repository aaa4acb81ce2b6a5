package faulttest_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// faultRepeated says whether the table lets an operation of this effect be repeated after an
// answer.
func faultRepeated(effect, status int, retryAfter bool) bool {
	switch status {
	case 429:
		return true
	case 503:
		return effect != faulttest.Unsafe || retryAfter
	case 408, 500, 502, 504, 509:
		return effect != faulttest.Unsafe
	case 412: // field.md, F9
		return effect == faulttest.Idempotent
	}
	return false
}

// faultAmbiguous says whether the service may have acted although it answered so.
func faultAmbiguous(effect, status int, retryAfter bool) bool {
	if effect == faulttest.Safe || status == 501 || status == 505 || status == 503 && retryAfter {
		return false
	}
	return status == 408 || status >= 500
}

func TestR01StatusByOperation(t *testing.T) {
	t.Parallel()
	statuses := []int{300, 301, 302, 303, 304, 305, 307, 308, 509, 520, 599}
	for s := 400; s <= 431; s++ {
		statuses = append(statuses, s)
	}
	statuses = append(statuses, 451, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511)
	for _, op := range faulttest.Operations() {
		for _, retryAfter := range []bool{false, true} {
			t.Run(op.Name+"/retry-after="+strconv.FormatBool(retryAfter), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					for _, status := range statuses {
						if op.Name == "count" && status == http.StatusNotFound {
							continue // TestF01CountWithoutRoute
						}
						testStatus(t, op, status, retryAfter)
					}
				})
			})
		}
	}
}

func testStatus(t *testing.T, op faulttest.Operation, status int, retryAfter bool) {
	t.Helper()
	headers := []string{"Request-Id", "req-1", "Location", "https://elsewhere.example/"}
	if retryAfter {
		headers = append(headers, "Retry-After", "2")
	}
	service := &faulttest.Service{Answer: faulttest.Always(status, `{"error":{"code":"Code","message":"Why."}}`,
		headers...)}
	var meta vpptoken.Metadata
	began := time.Now()
	err := op.Run(t.Context(), faulttest.Client(t, service), vpptoken.WithMetadata(&meta))
	e := faulttest.Error(t, err)

	attempts := 1
	if faultRepeated(op.Effect, status, retryAfter) {
		attempts = 4
	}
	sent := service.Requests()
	if status == http.StatusTooManyRequests { // held for as long as a call takes, and no attempt of its own
		if attempts = len(sent); attempts < 20 || attempts > 60 || time.Since(began) > 2*time.Minute {
			t.Errorf("%s: %d requests in %v, all throttled", op.Name, attempts, time.Since(began))
		}
	}
	if len(sent) != attempts || e.Attempts != attempts || meta.Attempts != attempts {
		t.Errorf("%s on %d: %d requests, Error.Attempts %d, Metadata.Attempts %d; want %d",
			op.Name, status, len(sent), e.Attempts, meta.Attempts, attempts)
	}
	for _, s := range sent[1:] {
		if s.Method != sent[0].Method || s.URL != sent[0].URL || s.Body != sent[0].Body || s.Bearer != sent[0].Bearer {
			t.Errorf("%s on %d: a repeat differs: %+v, first %+v", op.Name, status, s, sent[0])
		}
	}
	if e.StatusCode != status || meta.StatusCode != status || e.Op != op.Name || e.RequestID != "req-1" ||
		meta.RequestID != "req-1" || e.Code != "Code" {
		t.Errorf("%s on %d: error %+v, metadata %+v", op.Name, status, *e, meta)
	}
	if want := faultAmbiguous(op.Effect, status, retryAfter); e.Ambiguous != want {
		t.Errorf("%s on %d: Ambiguous %v, want %v", op.Name, status, e.Ambiguous, want)
	}
	later := slices.Contains([]int{408, 429, 500, 502, 503, 504, 509}, status) &&
		(op.Effect != faulttest.Unsafe || !e.Ambiguous) ||
		status == 412 && op.Effect == faulttest.Idempotent
	if vpptoken.Retryable(err) != later {
		t.Errorf("%s on %d: Retryable %v, want %v", op.Name, status, !later, later)
	}
	want := time.Duration(0)
	if retryAfter {
		want = 2 * time.Second
	}
	if e.RetryAfter != want {
		t.Errorf("%s on %d: RetryAfter %v, want %v", op.Name, status, e.RetryAfter, want)
	}
}

// A repeat that succeeds is a success, and the body is the same each time.
func TestR01RepeatSucceeds(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mock := httpmock.NewMockTransport()
				service := &faulttest.Service{
					Answer: faulttest.AnswerFunc(func(_ int, r *http.Request) (*http.Response, error) {
						return mock.RoundTrip(r)
					}),
				}
				mock.RegisterNoResponder(httpmock.NewStringResponder(429, "").
					Then(httpmock.NewStringResponder(503, "").HeaderSet(http.Header{"Retry-After": {"1"}})).
					Then(httpmock.NewStringResponder(op.Status, op.Answer)))
				var meta vpptoken.Metadata
				if err := op.Run(t.Context(), faulttest.Client(t, service), vpptoken.WithMetadata(&meta)); err != nil {
					t.Fatal(err)
				}
				sent := service.Requests()
				for _, s := range sent[1:] {
					s.Header.Del("Authorization")
					sent[0].Header.Del("Authorization") // it is asked for anew
					if !maps.EqualFunc(s.Header, sent[0].Header, slices.Equal) ||
						s.Header.Get("Client-Request-Id") == "" {
						t.Errorf("the headers changed between attempts: %v, first %v", s.Header, sent[0].Header)
					}
				}
				if len(sent) != 3 || sent[0].Body != sent[1].Body || sent[0].Body != sent[2].Body ||
					meta.Attempts != 3 ||
					meta.StatusCode != op.Status {
					t.Errorf("requests %+v, metadata %+v", sent, meta)
				}
			})
		})
	}
}

// The own backoff doubles from a second, and half of it is chance, so that clients part and never
// hurry.
func TestR01OwnBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 20 {
			service := &faulttest.Service{Answer: faulttest.Always(503, "")}
			_, err := faulttest.Client(t, service).Get(t.Context(), faulttest.ID)
			faulttest.WantError(t, err)
			waits := service.Waits()
			for i, full := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
				if waits[i] < full/2 || waits[i] > full {
					t.Errorf("wait %d is %v, want %v to %v", i+1, waits[i], full/2, full)
				}
			}
			seen[waits[0]] = true
		}
		if len(seen) < 10 {
			t.Errorf("20 clients waited only %d different times", len(seen))
		}
	})
}

func TestR02RetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	// The server's clock is an hour ahead of the client's: the wait is what lies between its Date and
	// its Retry-After.
	server := time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)
	then := server.Add(17 * time.Second)
	for name, tc := range map[string]struct {
		value string
		want  time.Duration
	}{
		"seconds":  {"7", 7 * time.Second},
		"fraction": {"2.128", 2128 * time.Millisecond},
		"spaces":   {" 7 ", 7 * time.Second},
		"tenth":    {"0.1", 100 * time.Millisecond},
		"joined":   {"3,30,7", 30 * time.Second},
		"limit":    {"60", time.Minute},
		"RFC 1123": {then.Format(http.TimeFormat), 17 * time.Second},
		"RFC 850":  {then.Format("Monday, 02-Jan-06 15:04:05 GMT"), 17 * time.Second},
		"asctime":  {then.Format(time.ANSIC), 17 * time.Second},
	} {
		for _, status := range []int{429, 503, 500, 504} {
			t.Run(name+"/"+strconv.Itoa(status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					service := &faulttest.Service{Answer: faulttest.Once(
						faulttest.Always(status, "", "Retry-After", tc.value, "Date", server.Format(http.TimeFormat)),
						faulttest.Always(200, `{"id":"1"}`))}
					if _, err := faulttest.Client(t, service).Get(t.Context(), faulttest.ID); err != nil {
						t.Fatal(err)
					}
					most := tc.want + max(tc.want/10, 10*time.Millisecond)
					if got := service.Waits(); len(got) != 1 || got[0] < tc.want || got[0] > most {
						t.Errorf("waited %v, want one wait of %v to %v", got, tc.want, most)
					}
				})
			})
		}
	}
}

// Whoever allows every wait gets no hot loop from one that no Duration can hold twice.
func TestR03EveryWaitIsAllowed(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"9000000000", "9223372036", "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT",
	} {
		for _, status := range []int{429, 500, 503} {
			t.Run(fmt.Sprintf("%s/%d", value, status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					service := &faulttest.Service{Answer: faulttest.Always(status, "", "Retry-After", value)}
					client := faulttest.Client(t, service, vpptoken.WithRetry(vpptoken.Retry{MaxRetryAfter: math.MaxInt64}))
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()
					_, err := client.Get(ctx, faulttest.ID)
					e := faulttest.Error(t, err)
					waits := service.Waits()
					if len(waits) != 0 || e.StatusCode != status || e.RetryAfter < 9e9*time.Second {
						t.Errorf("waits %v, error %+v; want an end at once that tells the wait", waits, *e)
					}
				})
			})
		}
	}
}

// The longest wait that a caller may choose is one, and not the shortest.
func TestR03LongestOwnWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &faulttest.Service{
			Answer: faulttest.Once(faulttest.Always(503, "", "Retry-After", "1"), faulttest.Always(503, "")),
		}
		client := faulttest.Client(t, service,
			vpptoken.WithRetry(vpptoken.Retry{MinWait: math.MaxInt64/2 + 2, MaxWait: math.MaxInt64}))
		if _, err := client.Get(t.Context(), faulttest.ID); len(service.Requests()) != 2 || err == nil {
			t.Errorf("%d requests, %v", len(service.Requests()), err)
		}
	})
}

// Whatever else stands in Retry-After leads to the own backoff, or to an error at once.
func TestR03RetryAfterIsNoTrap(t *testing.T) {
	t.Parallel()
	const own, end = true, false
	for name, tc := range map[string]struct {
		values []string
		want   bool
	}{
		"none":            {nil, own},
		"zero":            {[]string{"0"}, own},
		"less than 100ms": {[]string{"0.099"}, own},
		"0.0":             {[]string{"0.0"}, own},
		"negative":        {[]string{"-5"}, own},
		"empty":           {[]string{""}, own},
		"two unreadable":  {[]string{"soon", "-9"}, own},
		"one is too long": {[]string{"7, 301"}, end},
		"garbage":         {[]string{"soon"}, own},
		"NaN":             {[]string{"NaN"}, own},
		"Inf":             {[]string{"Inf"}, own},
		"1e9":             {[]string{"1e9"}, own},
		"0x10":            {[]string{"0x10"}, own},
		"underscore":      {[]string{"1_0"}, own},
		"dot":             {[]string{"."}, own},
		"20 kB of digits": {[]string{strings.Repeat("9", 20<<10)}, own},
		"past":            {[]string{"Sat, 01 Jan 1994 00:00:00 GMT"}, own},
		"9999999999":      {[]string{"9999999999"}, end},
		"int64":           {[]string{"9223372036854775807"}, end},
		"an hour":         {[]string{"3600"}, end},
		"301 s":           {[]string{"301"}, end},
		"year 9999":       {[]string{"Fri, 31 Dec 9999 23:59:59 GMT"}, end},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &faulttest.Service{
					Answer: faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
						resp := faulttest.Answer(429, "")
						resp.Header["Retry-After"] = slices.Clone(tc.values)
						return resp, nil
					}),
				}
				client := faulttest.Client(t, service)
				began := time.Now()
				_, err := client.Get(t.Context(), faulttest.ID)
				e := faulttest.Error(t, err)
				waits := service.Waits()
				if tc.want == end {
					wait, ok := vpptoken.RetryAfter(err)
					if len(waits) != 0 || time.Since(began) != 0 || e.StatusCode != http.StatusTooManyRequests || !ok ||
						wait <= time.Minute || wait != e.RetryAfter {
						t.Errorf("waits %v, took %v, error %+v; want an end at once that tells the wait",
							waits, time.Since(began), *e)
					}
					// One hostile header does not close the client: there is no hold.
					_, _ = client.Get(t.Context(), faulttest.ID)
					if len(service.Requests()) != 2 || time.Since(began) != 0 {
						t.Errorf("the next call was held back for %v", time.Since(began))
					}
					return
				}
				if len(waits) < 20 || len(waits) > 40 || e.RetryAfter != 0 || time.Since(began) > 2*time.Minute {
					t.Fatalf("waits %v in %v, RetryAfter %v; want own ones for two minutes",
						waits, time.Since(began), e.RetryAfter)
				}
				for i, w := range waits {
					least, most := time.Second<<min(i, 2), 5*time.Second
					if i < 3 {
						most = least
					}
					if w < least || w > most {
						t.Errorf("wait %d is %v, want %v to %v", i+1, w, least, most)
					}
				}
			})
		})
	}
}

// A number that is no status of HTTP is no answer: it counts as a connection that broke.
func TestR18StatusThatIsNone(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		for _, status := range []int{-200, 0, 20, 99} {
			t.Run(op.Name+"/"+strconv.Itoa(status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					service := &faulttest.Service{
						Answer: faulttest.Always(status, `{"id":"`+faulttest.ID+`","value":[]}`),
					}
					e := faulttest.Error(t, op.Run(t.Context(), faulttest.Client(t, service)))
					want, ambiguous := 4, op.Effect != faulttest.Safe
					if op.Effect == faulttest.Unsafe {
						want = 1
					}
					n := len(service.Requests())
					if n != want || e.Attempts != want || e.StatusCode != 0 || e.Ambiguous != ambiguous {
						t.Errorf("%d requests, %+v", n, *e)
					}
				})
			})
		}
	}
}
