package faulttest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/rawserver"
)

const faultMemory = 32 << 20 // what no fault may cost

// memoryOf returns by how much the heap grew at most while f ran. The collector is kept busy, so
// that what is measured is what is held, not what was not yet collected.
func memoryOf(t *testing.T, f func()) uint64 {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, peak := m.HeapAlloc, m.HeapAlloc
	stop := make(chan struct{})
	var sampler sync.WaitGroup
	sampler.Go(func() {
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	f()
	close(stop)
	sampler.Wait()
	return peak - before
}

// flood writes text until n bytes are written or the client has gone.
func flood(w io.Writer, text string, n int64) {
	block := []byte(strings.Repeat(text, 1+(32<<10)/len(text)))
	for n > 0 {
		m, err := w.Write(block[:min(n, int64(len(block)))])
		if err != nil {
			return
		}
		n -= int64(m)
	}
}

// These tests measure memory, so none of them runs beside another.

func TestR07EndlessBodies(t *testing.T) { //nolint:paralleltest // it measures memory
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	_, _ = z.Write([]byte(`{"id":"`))
	flood(z, strings.Repeat("a", 1024), 64<<20)
	_ = z.Close()
	for _, tc := range []struct { //nolint:paralleltest // it measures memory
		name    string
		status  int
		handler http.HandlerFunc
	}{
		{"endless 200", 200, func(w http.ResponseWriter, _ *http.Request) { flood(w, "[", 1<<40) }},
		{"endless JSON", 200, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"id":"1","displayName":"`)
			flood(w, "a", 1<<40)
		}},
		{"1 GiB announced", 200, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1073741824")
			flood(w, " ", 1<<30)
		}},
		{"gzip bomb", 200, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}},
		{"1 GiB error", 403, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1073741824")
			w.WriteHeader(http.StatusForbidden)
			flood(w, "error ", 1<<30)
		}},
		{"endless error", 400, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			flood(w, `{"error":`, 1<<40)
		}},
		{"gzip bomb of an error", 409, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write(bomb.Bytes())
		}},
		{"backslashes", 400, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", strings.Repeat(`\`, 128<<10))
			w.WriteHeader(http.StatusBadRequest)
			flood(w, `\`, 1<<20)
		}},
		{"percents", 400, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "%"+strings.Repeat("25", 64<<10))
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "%"+strings.Repeat("25", 32<<10))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(tc.handler)
			defer server.Close()
			client := faulttest.Loopback(t, server.URL, faulttest.Quick(20*time.Second))
			for _, op := range []string{"get", "create", "list", "count"} {
				var err error
				var meta vpptoken.Metadata
				began := time.Now()
				cost := memoryOf(t,
					func() { err = faulttest.Named(t, op).Run(t.Context(), client, vpptoken.WithMetadata(&meta)) })
				e := faulttest.Error(t, err)
				if e.StatusCode != tc.status || meta.StatusCode != tc.status || e.Attempts != 1 {
					t.Errorf("%s: error %+v", op, *e)
				}
				if len(err.Error()) > 8<<10 {
					t.Errorf("%s: an error of %d bytes", op, len(err.Error()))
				}
				if took := time.Since(began); took > 15*time.Second {
					t.Errorf("%s: took %v", op, took)
				}
				if cost > faultMemory {
					t.Errorf("%s: it cost %d MiB", op, cost>>20)
				}
			}
		})
	}
}

// endless is a body without an end. It counts what is read of it.
type endless struct{ read, closed int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}

func (e *endless) Close() error {
	e.closed++
	return nil
}

// No more is read than the bound and one byte, which shows that there is more: what flows into
// nothing costs no memory, but time. What counts of an error is its status, as if its body were small.
func TestR07ReadsNoMore(t *testing.T) {
	t.Parallel()
	for status, most := range map[int]int{200: 8<<20 + 1, 204: 8<<20 + 1, 302: 64<<10 + 1, 403: 64<<10 + 1, 503: 64<<10 + 1} {
		for _, name := range []string{"list", "count", "create", "delete"} {
			var bodies []*endless
			service := &faulttest.Service{Answer: faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
				resp := faulttest.Answer(status, "", "Content-Type", "application/json")
				bodies = append(bodies, new(endless))
				resp.Body, resp.ContentLength = bodies[len(bodies)-1], -1
				return resp, nil
			})}
			want := 1
			if status == http.StatusServiceUnavailable && name != "create" {
				want = 4
			}
			err := faulttest.Named(t, name).Run(t.Context(), faulttest.Client(t, service, faulttest.Quick(20*time.Second)))
			e := faulttest.Error(t, err)
			if e.StatusCode != status || len(bodies) != want || strings.Contains(err.Error(), "larger than") != (status/100 == 2) {
				t.Errorf("%s, %d: %d requests, error %+v (%v)", name, status, len(bodies), *e, err)
			}
			for _, b := range bodies {
				if b.read > most || b.closed == 0 {
					t.Errorf("%s, %d: read %+v", name, status, *b)
				}
			}
		}
	}
}

// An answer of 8 MiB is read, and one more byte is too many, even if it is white space: it may be
// the beginning of anything.
func TestR07AtTheBound(t *testing.T) { //nolint:paralleltest // it needs memory that others measure
	for more, fails := range map[int]bool{0: false, 1: true} {
		body := faulttest.BareToken + strings.Repeat(" ", 8<<20-len(faulttest.BareToken)+more)
		for _, announced := range []int64{int64(len(body)), -1} {
			service := &faulttest.Service{Answer: faulttest.AnswerFunc(func(int, *http.Request) (*http.Response, error) {
				resp := faulttest.Answer(200, body)
				resp.ContentLength = announced
				return resp, nil
			})}
			err := faulttest.Named(t, "get").Run(t.Context(), faulttest.Client(t, service))
			if (err != nil) != fails || fails && !strings.Contains(err.Error(), "larger than 8 MiB") {
				t.Errorf("8 MiB and %d: %v", more, err)
			}
		}
	}
}

// Short text that makes large values: what is built from 8 MiB is bounded as well, just below the
// bound and far above it.
func TestR07SmallTextLargeValues(t *testing.T) { //nolint:paralleltest // it measures memory
	const size = 4 << 20
	full := func(head, unit, tail string) string {
		return head + strings.Repeat(unit, (size-len(head)-len(tail))/len(unit)) + tail
	}
	names := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"p%d":1`, i)
		}
		return b.String()
	}
	text := `,"displayName":"` + strings.Repeat("x", 7<<20) + `"`
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	objects := strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	for _, tc := range []struct{ name, body string }{ //nolint:paralleltest // it measures memory
		{"empty tokens", full(`{"value":[{}`, ",{}", "]}")},
		{"tokens with an id", full(`{"value":[{"id":"1"}`, `,{"id":"1"}`, "]}")},
		{"fewer tokens with an id", `{"value":[{"id":"1"` + text + "}" + strings.Repeat(`,{"id":"1"}`, 19_990) + "]}"},
		{"numbers for tokens", full(`{"value":[1`, ",1", "]}")},
		{"nulls for tokens", full(`{"value":[null`, ",null", "]}")},
		{"action results", full(`{"id":"1","tokenActionResults":[{}`, ",{}", "]}")},
		{
			"fewer action results",
			`{"id":"1"` + text + `,"tokenActionResults":[{}` + strings.Repeat(",{}", 1_990) + "]}",
		},
		{"action results of numbers", full(`{"id":"1","tokenActionResults":[1`, ",1", "]}")},
		{"scope tags", full(`{"id":"1","roleScopeTagIds":[""`, `,""`, "]}")},
		{"unknown properties", `{"id":"1"` + names(500_000) + "}"},
		{"fewer unknown properties", `{"id":"1"` + text + names(9_990) + "}"},
		{"unknown properties in a page", `{"value":[{"id":"1"` + names(500_000) + "}]}"},
		{"fewer unknown properties in a page", `{"value":[{"id":"1"` + names(59_000) + text + "}]}"},
		{"a large unknown property", `{"id":"1"` + strings.Replace(text, "displayName", "stranger", 1) + "}"},
		{"100,000 arrays", `{"id":"1","x":` + deep + "}"},
		{"100,000 arrays alone", deep},
		{"100,000 objects", `{"id":"1","x":` + objects + "}"},
		{"100,000 objects alone", objects},
		{"100,000 levels in a page", `{"value":[{"id":"1","x":` + deep + "}]}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Always(200, tc.body)})
			ops := []string{"get"}
			if strings.HasPrefix(tc.body, `{"value"`) {
				ops = []string{"list", "getLicensesForApp"}
			}
			for _, op := range ops {
				var err error
				began := time.Now()
				cost := memoryOf(t, func() { err = faulttest.Named(t, op).Run(t.Context(), client) })
				if took := time.Since(began); cost > faultMemory || took > 20*time.Second {
					t.Errorf("%s: it cost %d MiB and %v, error %v", op, cost>>20, took, err)
				}
			}
		})
	}
}

// A page of three thousand real tokens, each with its action results, is not what the bounds are
// for.
func TestR07LargePage(t *testing.T) { //nolint:paralleltest // it needs memory that others measure
	const result = `{"actionName":"revokeLicenses","actionState":"done","totalLicensesCount":4,"failedLicensesCount":0}`
	const results = result + "," + result + "," + result
	const token = `,{"id":"%d","organizationName":"Nordwind, School District","vppTokenAccountType":"education","appleId":"apps@nordwind.example",` +
		`"expirationDateTime":"2027-03-01T17:09:22Z","lastSyncDateTime":"2026-11-20T14:50:53.4972449Z","token":null,` +
		`"lastModifiedDateTime":"2026-11-20T14:50:53.5002993Z","state":"valid","tokenActionResults":[` + results +
		`],"lastSyncStatus":"completed",` +
		`"automaticallyUpdateApps":true,"countryOrRegion":"no","dataSharingConsentGranted":true,"displayName":"Nordwind","locationName":"Nordwind",` +
		`"claimTokenManagementFromExternalMdm":false,"roleScopeTagIds":["0","1"],"lastAppCount":12,"appleDeviceAppDeliveryProtocolType":"default"}`
	var body strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&body, token, i)
	}
	client := faulttest.Client(t,
		&faulttest.Service{Answer: faulttest.Always(200, `{"value":[`+body.String()[1:]+"]}")})
	n := 0
	for token, err := range client.List(t.Context()) {
		if n++; err != nil || len(token.TokenActionResults) != 3 {
			t.Fatal(token, err)
		}
	}
	if n != 3000 {
		t.Errorf("%d tokens", n)
	}
}

// The default transport bounds what it reads of headers.
func TestR07EndlessHeaders(t *testing.T) { //nolint:paralleltest // it measures memory
	for name, text := range map[string]string{"one": "a", "many": "X-A: b\r\n"} {
		t.Run(name, func(t *testing.T) {
			server := rawserver.New(t, rawserver.Script{
				rawserver.ReadRequest(), rawserver.Write("HTTP/1.1 200 OK\r\nX: "),
				rawserver.Flood(text),
			})
			var err error
			cost := memoryOf(t, func() {
				err = faulttest.Named(t, "get").Run(t.Context(), faulttest.Loopback(t, server.URL(),
					vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1, AttemptTimeout: 20 * time.Second})))
			})
			if e := faulttest.Error(t, err); e.Attempts != 1 || cost > faultMemory {
				t.Errorf("it cost %d MiB, error %+v", cost>>20, *e)
			}
		})
	}
}

// The bound on headers is the client's own, not the much larger one of net/http.
func TestR07LargeHeaders(t *testing.T) { //nolint:paralleltest // it needs memory that others measure
	op := faulttest.Named(t, "get")
	for _, kib := range []int{200, 300} { //nolint:paralleltest // see above
		t.Run(strconv.Itoa(kib), func(t *testing.T) {
			script := rawserver.Script{
				rawserver.ReadRequest(), rawserver.Write("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(op.Answer)) + "\r\nX: " +
					strings.Repeat("a", kib<<10) + "\r\n\r\n" + op.Answer),
			}
			err := op.Run(t.Context(), faulttest.Loopback(t, rawserver.New(t, script).URL(),
				vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1, AttemptTimeout: 20 * time.Second})))
			if (err != nil) != (kib > 256) {
				t.Error(err)
			}
		})
	}
}

// An error body of any depth leaves the status.
func TestR07DeepErrors(t *testing.T) { //nolint:paralleltest // it measures memory
	for name, body := range map[string]string{ //nolint:paralleltest // it measures memory
		"arrays":  strings.Repeat("[", 100_000),
		"objects": strings.Repeat(`{"error":`, 100_000),
		"innerError": `{"error":{"code":"a"` + strings.Repeat(`,"innerError":{"code":"a"`, 2_000) +
			strings.Repeat("}", 2_002),
		"in a string": `{"error":{"message":"` + strings.Repeat("[", 60_000) + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			client := faulttest.Client(t,
				&faulttest.Service{Answer: faulttest.Always(403, body, "Request-Id", "req-1")})
			var err error
			cost := memoryOf(t, func() { err = faulttest.Named(t, "update").Run(t.Context(), client) })
			if e := faulttest.Error(t, err); e.StatusCode != http.StatusForbidden || e.RequestID != "req-1" ||
				cost > faultMemory {
				t.Errorf("it cost %d MiB, error %+v", cost>>20, *e)
			}
		})
	}
}
