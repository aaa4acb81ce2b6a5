package graph

import (
	"slices"
	"sync"
)

// keptUploads is how many secrets a client remembers.
const keptUploads = 16

// uploads remembers the last secrets in the bodies of a client's calls: the service may quote one
// in its answer to a later call. It keeps them inside functions, where no printer finds them.
type uploads struct {
	add func(secret string)
	all func() []string
}

func newUploads() uploads {
	var mu sync.Mutex
	var last []string
	return uploads{
		add: func(secret string) {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case slices.Contains(last, secret):
				return
			case len(last) == keptUploads:
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
