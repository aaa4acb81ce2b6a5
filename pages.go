package vpptoken

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// maxPages bounds a list whose pages never end.
const maxPages = 10_000

// pages reads a list. The options are applied anew by each range over it.
func pages[T any](ctx context.Context, c *Client, r request, opts []ListOption,
	decode func(text []byte, whole bool) ([]*T, string, error),
) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		a := &answer{req: r}
		a.options.applyAll(opts)
		first, err := c.prepare(ctx, a)
		if err != nil {
			yield(nil, fmt.Errorf("vpptoken: %s: %w", r.op, err))
			return
		}
		seen := make(map[uint64]struct{})
		seed := maphash.MakeSeed()
		for u := first; u != nil; {
			if err := c.send(ctx, a, u); err != nil {
				yield(nil, err)
				return
			}
			list, link, err := decode(a.out.Body, len(a.options.selected) == 0)
			if err != nil {
				yield(nil, a.bad(err))
				return
			}
			a.out.Body = nil
			for _, t := range list {
				if !yield(t, nil) {
					return
				}
			}
			if link == "" {
				return
			}
			seen[maphash.String(seed, u.String())] = struct{}{}
			if u, err = graph.NextLink(link, first); err != nil {
				yield(nil, a.bad(err))
				return
			}
			if _, again := seen[maphash.String(seed, u.String())]; again || len(seen) >= maxPages {
				yield(nil, a.bad(errors.New("the pages of the list repeat, or there are more than 10,000 of them")))
				return
			}
		}
	}
}
