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
			c.graph.Reuse(a.out)
			w.turn(len(list))
			for _, t := range list {
				if id != nil && w.repeated(id(t)) {
					continue
				}
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
// two pages, so that memory does not grow with the list.
type walk struct {
	seed        maphash.Seed
	visited     map[uint64]struct{}
	before, now map[uint64]struct{} // the ids of the page before and of this one
}

// turn begins the next page, of n elements. An empty one does not come between its neighbors.
func (w *walk) turn(n int) {
	if n == 0 {
		return
	}
	w.before, w.now = w.now, w.before
	clear(w.now)
	if w.now == nil {
		w.now = make(map[uint64]struct{}, n)
	}
}

// repeated reports whether the id was on this page or the previous one: when a token is added or
// removed during a walk, services that page by number repeat the last one of a page.
func (w *walk) repeated(id string) bool {
	if id == "" { // not selected
		return false
	}
	h := maphash.String(w.seed, id)
	_, before := w.before[h]
	_, now := w.now[h]
	w.now[h] = struct{}{}
	return before || now
}

// visit records that u links to next, and refuses a cycle and an endless list.
func (w *walk) visit(u, next *url.URL) error {
	w.visited[maphash.String(w.seed, u.String())] = struct{}{}
	if _, again := w.visited[maphash.String(w.seed, next.String())]; again || len(w.visited) >= maxPages {
		return errors.New("the pages of the list repeat, or there are more than 10,000 of them")
	}
	return nil
}
