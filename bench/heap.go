package bench

import (
	"context"
	"net/http"
	"runtime"
)

// LiveHeap walks over a list of that many tokens and returns the greatest live heap, in bytes, that
// this added to what was live before, the service's answers included. It looks at each request and
// a few times a page, after a collection: that is what a program keeps while it works on a page,
// not what decoding needs for a moment.
func LiveHeap(ctx context.Context, tokens int, maker Maker) (uint64, error) {
	service := NewService(InMemory, tokens)
	var most uint64
	look := func() { most = max(most, live()) }
	c, err := maker(InMemory, looking{service, look})
	if err != nil {
		return 0, err
	}
	before := live()
	n := 0
	err = c.Walk(ctx, func(string) {
		if n%(PageSize/3) == 0 {
			look()
		}
		n++
	})
	runtime.KeepAlive(service)
	return most - min(most, before), err
}

func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// looking calls look before each request.
type looking struct {
	carrier http.RoundTripper
	look    func()
}

func (l looking) RoundTrip(req *http.Request) (*http.Response, error) {
	l.look()
	return l.carrier.RoundTrip(req)
}
