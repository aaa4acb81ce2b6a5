package graph

import (
	"context"
	"slices"
	"sync"
)

// How many secrets of earlier calls a client remembers.
const (
	keptUploads = 16
	keptBearers = 4
)

// memory remembers the last secrets that a client sent: the service may quote one in its answer to
// a later call. It keeps them inside functions, where no printer finds them.
type memory struct {
	add func(secret string)
	all func() []string
}

func newMemory(most int) memory {
	var mu sync.Mutex
	var last []string
	return memory{
		add: func(secret string) {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case slices.Contains(last, secret):
				return
			case len(last) == most:
				last = slices.Delete(last, 0, 1)
			}
			last = append(last, secret)
		},
		all: func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(last)
		},
	}
}

type secretKey struct{}

// WithSecret returns a context whose calls show nothing of a secret that they don't send. It is
// inside a function, because contexts print their values.
func WithSecret(ctx context.Context, secret string) context.Context {
	return context.WithValue(ctx, secretKey{}, func() string { return secret })
}

// earlier returns what no text of the call may show besides what the call itself sent.
func (f *flight) earlier() []string {
	secrets := slices.Concat(f.c.uploads.all(), f.c.bearers.all())
	if f.c.cfg.Secrets != nil {
		secrets = append(secrets, long(f.c.cfg.Secrets())...)
	}
	if secret, ok := f.ctx.Value(secretKey{}).(func() string); ok {
		secrets = append(secrets, secret())
	}
	return secrets
}

// Shows reports whether a text shows 12 characters of one of the secrets in a row.
func Shows(text string, secrets ...string) bool {
	return newScrubber(long(secrets), nil, nil).clean(text) != text
}

// long leaves out what is too short to be a secret of a sign-in: it occurs in any text.
func long(secrets []string) []string {
	return slices.DeleteFunc(secrets, func(s string) bool { return len(s) < run })
}
