package graph

import (
	"log/slog"
	"net/http"
	"time"
)

// log logs what an operator may see of an attempt, and nothing else.
func (f *flight) log() {
	if l := f.c.cfg.Logger; l != nil && l.Enabled(f.ctx, slog.LevelDebug) {
		took := slog.Duration("duration", time.Since(f.last.began))
		l.LogAttrs(f.ctx, slog.LevelDebug, "vpptoken: attempt", append(f.attrs(), took)...)
	}
}

func (f *flight) attrs() []slog.Attr {
	status, id := 0, ""
	if f.last.answered {
		status, id = f.Status, f.RequestID()
	}
	return []slog.Attr{
		slog.String("operation", f.call.Op),
		slog.String("client_request_id", f.call.ID),
		slog.String("method", f.call.Method),
		slog.String("path", f.call.LogPath),
		slog.Int("status", status),
		slog.Int("attempt", f.Attempts),
		slog.String("request_id", id),
	}
}

// logSignIn logs that the token source returned a new access token, or failed.
func (f *flight) logSignIn(bearer string, cause *Cause) {
	l := f.c.cfg.Logger
	if l == nil || !l.Enabled(f.ctx, slog.LevelDebug) || cause == nil && !f.c.source.isNew(bearer) {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", f.call.Op),
		slog.String("client_request_id", f.call.ID),
		slog.Duration("duration", time.Since(f.last.began)),
	}
	if cause != nil {
		attrs = append(attrs, slog.String("reason", cause.Error()))
	}
	l.LogAttrs(f.ctx, slog.LevelDebug, "vpptoken: sign-in", attrs...)
}

// logHeld logs that the gate holds the attempt, the earliest end, and the reason.
func (f *flight) logHeld(w *waiter) {
	l := f.c.cfg.Logger
	if l == nil || !l.Enabled(f.ctx, slog.LevelDebug) {
		return
	}
	reason := "write limit"
	if w.held {
		reason = "throttled"
	}
	attrs := append(f.attrs(), slog.String("reason", reason), slog.Time("until", w.until))
	l.LogAttrs(f.ctx, slog.LevelDebug, "vpptoken: held", attrs...)
}

// logRetry logs that there will be another attempt, and why.
func (f *flight) logRetry() {
	l := f.c.cfg.Logger
	if l == nil || !l.Enabled(f.ctx, slog.LevelWarn) {
		return
	}
	reason := http.StatusText(f.Status)
	if f.Err != nil {
		reason = f.Err.Error()
	}
	attrs := append(f.attrs(), slog.String("reason", reason))
	if f.last.throttled {
		attrs = append(attrs, slog.Duration("wait", time.Until(f.last.until)), slog.Time("until", f.last.until))
	} else {
		attrs = append(attrs, slog.Duration("wait", f.last.wait))
	}
	l.LogAttrs(f.ctx, slog.LevelWarn, "vpptoken: retry", attrs...)
}
