package bench

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"runtime"
	"testing"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/bench/floor"
)

// Renewal is the change that the workloads send, with an Apple token of the usual length.
func Renewal() Change {
	inner := bytes.Repeat([]byte("Nordwind"), 12)
	file := fmt.Appendf(nil, `{"token":"%s","expDate":"2027-11-20T18:13:52+0000","orgName":"Nordwind School District"}`,
		base64.StdEncoding.EncodeToString(inner))
	return Change{AppleToken: base64.StdEncoding.EncodeToString(file), DisplayName: "Nordwind, all schools"}
}

// Workload is one thing that is measured.
type Workload struct {
	Name   string
	Tokens int // that the service lists
	Source Source
	Run    func(b *testing.B, c Client)
}

// Workloads are all that is measured.
func Workloads() []Workload {
	change := Renewal()
	patch := func(ctx context.Context, c Client) error { return one(c.Update(ctx, TokenID, change)) }
	return []Workload{
		{"PATCH", 1, Expiring, inTurn(patch)},
		{"GET", 1, Expiring, inTurn(get)},
		{"PATCH, a bearer without expiry", 1, Static, inTurn(patch)},
		{"GET, a bearer without expiry", 1, Static, inTurn(get)},
		{"PATCH, a source with TokenContext", 1, Context, inTurn(patch)},
		{"GET, a source with TokenContext", 1, Context, inTurn(get)},
		{"page of 999 tokens", PageSize, Expiring, inTurn(walk(PageSize))},
		{"10,000 tokens in 11 pages", 10_000, Expiring, inTurn(walk(10_000))},
		{"PATCH by 64 goroutines", 1, Expiring, by64(patch)},
	}
}

type operation func(context.Context, Client) error

func inTurn(op operation) func(*testing.B, Client) {
	return func(b *testing.B, c Client) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			if err := op(b.Context(), c); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func by64(op operation) func(*testing.B, Client) {
	return func(b *testing.B, c Client) {
		b.Helper()
		b.ReportAllocs()
		b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := op(b.Context(), c); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
}

func get(ctx context.Context, c Client) error { return one(c.Get(ctx, TokenID)) }

func one(id string, err error) error {
	if err == nil && id != TokenID {
		err = fmt.Errorf("bench: token %q came", id)
	}
	return err
}

func walk(tokens int) operation {
	return func(ctx context.Context, c Client) error {
		n := 0
		err := c.Walk(ctx, func(string) { n++ })
		if err == nil && n != tokens {
			err = fmt.Errorf("bench: %d tokens came", n)
		}
		return err
	}
}

// Carrier is how the requests of a run travel.
type Carrier string

// The carriers.
const (
	Memory   Carrier = "in memory"
	Loopback Carrier = "loopback"
)

// Pair makes both programs, on the same service, for as long as f runs.
func (c Carrier) Pair(tokens int, source Source, f func(ours, byHand Client)) error {
	root, carrier := InMemory, http.RoundTripper(nil)
	switch c {
	case Memory:
		carrier = NewService(root, tokens)
	case Loopback:
		at, server := Serve(tokens)
		defer server.Close()
		pool := &http.Transport{MaxIdleConnsPerHost: 100} // the same for both, and enough for the goroutines
		defer pool.CloseIdleConnections()
		root, carrier = at, pool
	}
	o, err := newOurs(source, vpptoken.WithBaseURL(root), vpptoken.WithHTTPClient(&http.Client{Transport: carrier}))
	if err != nil {
		return err
	}
	f(o, byHand{floor.New(root, source.bearers(), carrier)})
	return nil
}
