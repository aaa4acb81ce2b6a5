package faulttest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/rawserver"
)

// oracle knows of each call, by its client-request-id, what the service read of it.
type oracle struct {
	exact bool // the service reads all that is written: no connection ends while somebody else may write on it

	mu   sync.Mutex
	rand *rand.Rand
	ops  map[string]faulttest.Operation // by the id
	seen map[string]int
	done map[string]int // how often the service may have carried it out

	unread int // calls with more attempts than the service read
}

// begin gives a call an id.
func (o *oracle) begin(op faulttest.Operation, id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ops[id] = op
}

// read notes a request, and draws what happens to it: a number below 1, and the operation.
func (o *oracle) read(r rawserver.Request) (float64, faulttest.Operation, string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := r.Header.Get("Client-Request-Id")
	o.seen[id]++
	o.done[id]++
	return o.rand.Float64(), o.ops[id], id
}

// undo is for a request that the service says it did not look at.
func (o *oracle) undo(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done[id]--
}

// end compares what a call said with what the service read, and forgets it.
func (o *oracle) end(t *testing.T, id string, attempts int, err error) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	op, seen, done := o.ops[id], o.seen[id], o.done[id]
	delete(o.ops, id)
	delete(o.seen, id)
	delete(o.done, id)
	if attempts < seen {
		t.Errorf("%s: Attempts %d, the service read %d requests: %v", op.Name, attempts, seen, err)
	}
	if attempts > seen {
		o.unread++
	}
	if op.Effect == faulttest.Unsafe && done > 1 {
		t.Errorf("%s may have been carried out %d times: %v", op.Name, done, err)
	}
	if err == nil {
		if done == 0 {
			t.Errorf("%s succeeded, and the service did nothing", op.Name)
		}
		return
	}
	e, ok := errors.AsType[*vpptoken.Error](err)
	if !ok {
		t.Errorf("%s: error %v (%T)", op.Name, err, err)
		return
	}
	if op.Effect != faulttest.Safe && done > 0 && !e.Ambiguous {
		t.Errorf("%s may have been carried out %d times, and is not Ambiguous: %v", op.Name, done, err)
	}
	if o.exact && e.Ambiguous && done == 0 && attempts == seen {
		t.Errorf("%s was read %d times and never carried out, and is Ambiguous: %v", op.Name, seen, err)
	}
	if e.Ambiguous && op.Effect == faulttest.Unsafe && vpptoken.Retryable(err) {
		t.Errorf("%s is Retryable: %v", op.Name, err)
	}
}

// http2 draws what a service does with a request over HTTP/2.
func (o *oracle) http2() func(int, rawserver.Request) rawserver.Reaction {
	return func(_ int, r rawserver.Request) rawserver.Reaction {
		draw, op, id := o.read(r)
		n := int(draw * 1000)
		code := uint32(n % (rawserver.LastKnownErrorCode + 1))
		if code == rawserver.RefusedStream {
			code++
		}
		switch {
		case n < 2:
			return rawserver.Silence()
		case n < 40:
			return rawserver.ResetStream(code)
		case n < 55:
			o.undo(id)
			return rawserver.ResetStream(rawserver.RefusedStream)
		case n < 65:
			return rawserver.GoAway(0, rawserver.NoError, "PROTOCOL_ERROR")
		case n < 70:
			return rawserver.GoAway(0, rawserver.InternalError, "")
		case n < 80:
			return rawserver.InTurn(rawserver.GoAwayHere(rawserver.NoError), good(op))
		case n < 85:
			return rawserver.CutShort(`{"id`, rawserver.ResetStream(code))
		case n < 86:
			o.undo(id)
			return rawserver.Respond(429, "", "retry-after", "0.1")
		case n < 100:
			return rawserver.HangUp()
		case n < 110:
			return rawserver.Sever()
		case n < 115:
			return rawserver.CutShort(`{"id`, rawserver.Sever())
		case n < 120 && !o.exact:
			return rawserver.InTurn(good(op), rawserver.HangUp())
		}
		return good(op)
	}
}

// http1 draws what a service does with a request over HTTP/1.1.
func (o *oracle) http1() func(int, rawserver.Request) []rawserver.Step {
	return func(_ int, r rawserver.Request) []rawserver.Step {
		draw, op, id := o.read(r)
		n := int(draw * 1000)
		answer := fmt.Sprintf("HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			op.Status, len(op.Answer), op.Answer)
		cut := answer[:n*7%len(answer)]
		switch {
		case n < 2:
			return []rawserver.Step{rawserver.Stall()}
		case n < 30:
			return []rawserver.Step{rawserver.Reset()}
		case n < 50:
			return []rawserver.Step{rawserver.EndWriting()}
		case n < 70:
			return []rawserver.Step{rawserver.Write(cut), rawserver.EndWriting()}
		case n < 90:
			return []rawserver.Step{rawserver.Write(cut), rawserver.Reset()}
		case n < 91:
			o.undo(id)
			return []rawserver.Step{
				rawserver.Write("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0.1\r\nContent-Length: 0\r\n\r\n"),
			}
		case n < 110 && !o.exact: // it goes just as the connection may be used again
			return []rawserver.Step{rawserver.Write(answer), rawserver.EndWriting()}
		}
		return []rawserver.Step{rawserver.Write(answer)}
	}
}

// Whatever the network does, nothing that acts is carried out twice, every unclear end is
// Ambiguous, and Attempts is what the service read. VPPTOKEN_ORACLE is the number of calls of each
// kind, 10000 for the long run.
func TestR16Oracle(t *testing.T) { //nolint:paralleltest // it changes http.DefaultTransport and counts goroutines
	calls := 100
	if text := os.Getenv("VPPTOKEN_ORACLE"); text != "" {
		var err error
		if calls, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	trusting(t)
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} { //nolint:paralleltest // see above
		for _, alone := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/alone=%v", protocol, alone), func(t *testing.T) {
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				o := &oracle{
					exact: alone, rand: rand.New(rand.NewPCG(seed, 0)), ops: map[string]faulttest.Operation{},
					seen: map[string]int{}, done: map[string]int{},
				}
				var root string
				if protocol == "HTTP/2" {
					root = rawserver.NewHTTP2(t, o.http2()).URL()
				} else {
					root = rawserver.NewHTTP1(t, o.http1()).URL()
				}
				o.run(t, root, alone, (calls+1)/2)
			})
		}
	}
}

// run makes calls of each kind, by 32 goroutines that share a client or have one each.
func (o *oracle) run(t *testing.T, root string, alone bool, calls int) {
	t.Helper()
	const workers = 32
	newClient := func() *vpptoken.Client {
		return faulttest.Loopback(t, root, vpptoken.WithRetry(vpptoken.Retry{
			MinWait: time.Millisecond, MaxWait: 3 * time.Millisecond, AttemptTimeout: 2 * time.Second,
		}))
	}
	shared := newClient()
	before, heap := runtime.NumGoroutine(), liveHeap()
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			client := shared
			if alone {
				client = newClient()
			}
			for i := w; i < calls; i += workers {
				for k, op := range faulttest.Operations() {
					id := fmt.Sprintf("%d-%d-%d", w, i, k)
					o.begin(op, id)
					var meta vpptoken.Metadata
					err := op.Run(context.Background(), client, vpptoken.WithClientRequestID(id),
						vpptoken.WithMetadata(&meta))
					o.end(t, id, meta.Attempts, err)
				}
			}
		})
	}
	all.Wait()
	// A request that the service never read counts as well if its attempt ran out of time before, as
	// on a busy machine. That is rare: a client that counted wrong would do so all the time.
	if total := calls * len(faulttest.Operations()); o.exact && o.unread > max(10, total/50) {
		t.Errorf("Attempts were more than the service read in %d of %d calls", o.unread, total)
	}
	t.Logf("%d goroutines, %d before; live heap %d KiB, %d before",
		runtime.NumGoroutine(), before, liveHeap()>>10, heap>>10)
}

func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what a finalizer held
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
