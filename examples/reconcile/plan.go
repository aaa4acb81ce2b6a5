package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/renew"
)

// status is what becomes of a token.
type status string

const (
	inOrder status = "in order"
	differs status = "differs"
	changed status = "changed"
	failed  status = "failed"
)

// result is one entry of the file and what was found and done for it.
type result struct {
	want    desired
	token   *vpptoken.VPPToken // as it was found; nil when it was not
	patch   *vpptoken.Patch    // what is to be sent
	changes []change           // what that is, for people
	status  status
	err     error // of failed
}

func (r *result) fail(err error) { r.status, r.err = failed, err }

// plan finds the tokens in one pass over all of them and works out what differs. The error is that of the pass, since a token that was
// not seen may still be there.
func plan(ctx context.Context, client *vpptoken.Client, wanted []desired) ([]*result, error) {
	results := make([]*result, len(wanted))
	for i, d := range wanted {
		results[i] = &result{want: d}
	}
	owners := make(map[string]int) // how many entries mean the token with an id
	for token, err := range client.List(ctx) {
		if err != nil {
			return nil, err
		}
		for _, r := range results {
			switch {
			case !r.want.means(token):
				continue
			case r.token != nil:
				r.fail(errors.New("several tokens have this displayName: name the token by id"))
			default:
				r.token = token
			}
			owners[token.ID]++
		}
	}
	for _, r := range results {
		switch {
		case r.token == nil:
			r.fail(errors.New("there is no such token, or it is not visible to this account"))
		case owners[r.token.ID] > 1 && r.err == nil:
			r.fail(errors.New("another entry means the same token"))
		case r.err == nil:
			r.compare(ctx, client)
		}
	}
	return results, nil
}

func (d desired) means(t *vpptoken.VPPToken) bool {
	if d.id != "" {
		return strings.EqualFold(d.id, t.ID)
	}
	return d.displayName == t.DisplayName
}

// compare works out the smallest patch. Reads never show the content token, so its expiry tells whether the file is there.
func (r *result) compare(ctx context.Context, client *vpptoken.Client) {
	r.patch = r.want.patch.Diff(r.token)
	if c := r.want.content; c != nil && c.ExpirationDateTime.Unix() != r.token.ExpirationDateTime.Unix() {
		// The same refusals as for a renewal: an expired file, another organisation, an earlier expiry.
		if _, err := renew.MakePlan(ctx, client, r.token.ID, c, renew.Options{}); err != nil {
			r.fail(err)
			return
		}
		r.patch.SetToken(c.Secret())
	}
	if r.patch.IsEmpty() {
		r.status = inOrder
		return
	}
	r.status = differs
	if err := r.describe(); err != nil {
		r.fail(err)
	}
}

// apply sends what differs, and looks whether the answer shows it: that the service accepts a setting does not say that it
// keeps it.
func (r *result) apply(ctx context.Context, client *vpptoken.Client) {
	if r.status != differs {
		return
	}
	after, err := client.Update(ctx, r.token.ID, r.patch)
	if err != nil {
		r.fail(err)
		return
	}
	rest := *r.patch
	rest.Token = nil
	if left := rest.Diff(after); !left.IsEmpty() {
		names, err := properties(left)
		if err != nil {
			r.fail(err)
			return
		}
		r.fail(fmt.Errorf("the service accepted the change, but still shows another %s", names))
		return
	}
	r.status = changed
}
