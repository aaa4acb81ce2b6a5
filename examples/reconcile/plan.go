package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/renew"
)

// status is what happens to a token.
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

// plan finds the tokens in one pass over all of them and works out what differs. An error of the
// pass is its error, because a token that was not seen may still exist.
func (w *work) plan(ctx context.Context, wanted []desired) ([]*result, error) {
	var results []*result
	var others *desired // what is wanted of the tokens that no entry names
	entries := make(map[string][]*result)
	for _, d := range wanted {
		if d.id == everyOther {
			others = &d
			continue
		}
		r := &result{want: d}
		results, entries[d.key()] = append(results, r), append(entries[d.key()], r)
	}
	count, stop := w.progress("reading", 0)
	defer stop()
	for token, err := range w.client.List(ctx) {
		if err != nil {
			return nil, err
		}
		count(nil)
		byID, byName := desired{id: token.ID}.key(), desired{displayName: token.DisplayName}.key()
		named := slices.Concat(entries[byID], entries[byName])
		if len(named) == 0 && others != nil {
			named = []*result{{want: *others}}
			results = append(results, named[0])
		}
		for _, r := range named {
			r.meet(token, len(named) > 1)
		}
	}
	stop()
	w.each(ctx, "comparing", results, (*result).compare)
	return results, context.Cause(ctx)
}

// meet records that the entry matches the token. If another entry does too, or it matches another
// token, the file is wrong.
func (r *result) meet(token *vpptoken.VPPToken, shared bool) {
	switch {
	case r.token != nil:
		r.fail(errors.New("several tokens have this displayName: name the token by id"))
		return
	case shared:
		r.fail(errors.New("another entry means the same token"))
	}
	r.token = token
}

// compare works out the smallest patch. Reads never show the content token, so its expiry shows
// whether the file was uploaded.
func (r *result) compare(ctx context.Context, client *vpptoken.Client) error {
	switch {
	case r.err != nil:
		return r.err
	case r.token == nil:
		return errors.New("there is no such token, or it is not visible to this account")
	}
	r.patch = r.want.patch.Diff(r.token)
	if c := r.want.content; c != nil && c.ExpirationDateTime.Unix() != r.token.ExpirationDateTime.Unix() {
		// The same refusals as for a renewal: an expired file, another organization, an earlier
		// expiry.
		if _, err := renew.MakePlan(ctx, client, r.token.ID, c, renew.Options{}); err != nil {
			return err
		}
		r.patch.SetToken(c.Secret())
	}
	if r.patch.IsEmpty() {
		r.status = inOrder
		return nil
	}
	r.status = differs
	return r.describe()
}

// apply sends what differs, and checks whether the answer shows it: the service may accept a
// setting but not keep it.
func (r *result) apply(ctx context.Context, client *vpptoken.Client) error {
	after, err := client.Update(ctx, r.token.ID, r.patch)
	if err != nil {
		return err
	}
	rest := *r.patch
	rest.Token = nil
	if left := rest.Diff(after); !left.IsEmpty() {
		names, err := properties(left)
		if err != nil {
			return err
		}
		return fmt.Errorf("the service accepted the change, but still shows another %s", names)
	}
	r.status = changed
	return nil
}
