package graph

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// watch notes whether net/http gets a connection for an attempt that changes something: an error alone does not say that none
// was made when a context ended, or TLS failed, before there was one. Each attempt has its own, because net/http may still be
// dialing for the one before, and because WithClientTrace writes the caller's hooks into it.
type watch struct {
	trace       httptrace.ClientTrace
	wanted, got atomic.Bool
}

// watch returns the watch of an attempt, nil when nobody needs it.
func (f *flight) watch() *watch {
	if f.call.Effect == Safe {
		return nil
	}
	return &watch{}
}

// in returns ctx with the watch in it.
func (w *watch) in(ctx context.Context) context.Context {
	if w == nil {
		return ctx
	}
	w.trace = httptrace.ClientTrace{GetConn: w.getConn, GotConn: w.gotConn}
	return httptrace.WithClientTrace(ctx, &w.trace)
}

func (w *watch) getConn(string) { w.wanted.Store(true) }

func (w *watch) gotConn(httptrace.GotConnInfo) { w.got.Store(true) }

// unconnected reports whether the attempt, which failed, never had a connection.
func (w *watch) unconnected() bool { return w != nil && w.wanted.Load() && !w.got.Load() }

// isDial reports whether no connection was made at all.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
