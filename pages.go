package vpptoken

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"net/url"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// maxPages bounds an endless list.
const maxPages = 10_000

// pages reads a list. id returns an element's id; it is nil if the elements have none. Each range
// over the list applies the options anew.
func pages[T any](ctx context.Context, c *Client, r request, opts []ListOption,
	decode func(text []byte, whole bool) ([]*T, string, error), id func(*T) string,
) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		a := &answer{req: r}
		a.req.reuse = true
		a.options.applyAll(opts)
		first, err := c.prepare(ctx, a)
		if err != nil {
			yield(nil, fmt.Errorf("vpptoken: %s: %w", r.op, err))
			return
		}
		links := graph.Pages{Base: c.base, Home: c.home, Collection: first}
		w := walk{seed: maphash.MakeSeed(), visited: make(map[uint64]struct{})}
		for u := first; ; {
			if err := c.send(ctx, a, u); err != nil {
				yield(nil, err)
				return
			}
			list, link, err := decode(a.out.Body, len(a.options.selected) == 0)
			if err != nil {
				yield(nil, a.bad(err))
				return
			}
			c.graph.Reuse(a.out)
			for _, t := range fresh(&w, list, id) {
				if !yield(t, nil) {
					return
				}
			}
			if link == "" {
				return
			}
			next, err := links.Next(link)
			if err == nil && len(list) == 0 && *next == *u {
				return // an empty page that links to itself: the list is over
			}
			if err == nil {
				err = w.visit(u, next)
			}
			if err != nil {
				yield(nil, a.bad(err))
				return
			}
			u = next
		}
	}
}

// walk remembers what a list has yielded: the address hash of every page, but the elements of only
// one page, so that memory does not grow with the list.
type walk struct {
	seed    maphash.Seed
	visited map[uint64]struct{}
	ids     map[uint64]struct{} // of the last page that had elements
}

// fresh returns the elements of a page that were neither on it before nor on the previous page:
// when a token is added or removed during a walk, services that page by number repeat the last one
// of a page. An empty page does not come between its neighbors.
func fresh[T any](w *walk, page []*T, id func(*T) string) []*T {
	if id == nil || len(page) == 0 {
		return page
	}
	before := make([]bool, len(page))
	for i, t := range page {
		_, before[i] = w.ids[maphash.String(w.seed, id(t))]
	}
	clear(w.ids)
	if w.ids == nil {
		w.ids = make(map[uint64]struct{}, len(page))
	}
	list := page[:0]
	for i, t := range page {
		h := maphash.String(w.seed, id(t))
		_, now := w.ids[h]
		w.ids[h] = struct{}{}
		if id(t) == "" || !before[i] && !now { // "" is an id that was not selected
			list = append(list, t)
		}
	}
	return list
}

// visit records that u links to next, and refuses a cycle and an endless list.
func (w *walk) visit(u, next *url.URL) error {
	w.visited[maphash.String(w.seed, u.String())] = struct{}{}
	if _, again := w.visited[maphash.String(w.seed, next.String())]; again || len(w.visited) >= maxPages {
		return errors.New("the pages of the list repeat, or there are more than 10,000 of them")
	}
	return nil
}
