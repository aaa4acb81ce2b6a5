package graph

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// NewTransport returns the default transport: http.DefaultTransport's settings, its own
// connections, bounded headers, and no trust in a silent connection. It pings HTTP/2 connections,
// and a request that times out retires all current connections: requests under way finish on them,
// new ones dial.
func NewTransport() http.RoundTripper {
	std, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport // the program replaced it
	}
	own := std.Clone()
	own.MaxResponseHeaderBytes = MaxHeader
	own.MaxIdleConnsPerHost = max(own.MaxIdleConnsPerHost, own.MaxIdleConns) // all go to one host
	if own.HTTP2 == nil {
		own.HTTP2 = new(http.HTTP2Config)
	}
	if own.HTTP2.SendPingTimeout == 0 { // since Go 1.27 a transport that was cloned has a configuration, if an empty one
		own.HTTP2.SendPingTimeout = 10 * time.Second
		own.HTTP2.PingTimeout = cmp.Or(own.HTTP2.PingTimeout, 5*time.Second)
	}
	if own.OnProxyConnectResponse == nil {
		own.OnProxyConnectResponse = proxyAnswer
	}
	return &transport{current: own}
}

// transport passes requests to its current http.Transport.
type transport struct {
	mu      sync.Mutex
	current *http.Transport
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.mu.Lock()
	used := t.current
	t.mu.Unlock()
	resp, err := used.RoundTrip(r)
	if err != nil {
		t.done(r.Context(), used)
		return nil, err
	}
	resp.Body = &countedBody{ReadCloser: resp.Body, done: func() { t.done(r.Context(), used) }}
	return resp, nil
}

// done ends a request. Nothing dials on a retired transport, so it is empty once the last of its
// requests is done.
func (t *transport) done(ctx context.Context, used *http.Transport) {
	t.mu.Lock()
	left := t.current != used
	if !left && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.current, left = used.Clone(), true
		time.AfterFunc(time.Second, used.CloseIdleConnections) // an HTTP/2 stream ends a moment after its request
	}
	t.mu.Unlock()
	if left {
		used.CloseIdleConnections()
	}
}

// countedBody calls done when it is closed.
type countedBody struct {
	io.ReadCloser

	once sync.Once
	done func()
}

func (b *countedBody) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.done)
	return err
}

// proxyAnswer keeps the status of a proxy's refusal: net/http keeps only the phrase.
func proxyAnswer(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return proxyError(answer.StatusCode)
}

// proxyOf returns the proxy through which rt sends r, or nil. The default transport reports the
// proxy's status itself: see proxyAnswer.
func proxyOf(rt http.RoundTripper, r *http.Request) *url.URL {
	t, ok := rt.(*http.Transport)
	if !ok || t.Proxy == nil {
		return nil
	}
	proxy, err := t.Proxy(r)
	if err != nil {
		return nil
	}
	return proxy
}
