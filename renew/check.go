package renew

import (
	"context"
	"errors"

	"github.com/vpptoken/vpptoken"
)

// Mistakes of the calling program. Nothing was sent.
var (
	errNoContext = errors.New("renew: the context is nil")
	errNoClient  = errors.New("renew: the client is nil")
	errNoText    = errors.New("renew: there is no file to upload: read one with package contenttoken (one that was decoded from JSON has no text)")
	errNoPlan    = errors.New("renew: the plan is nil or empty: make one with MakePlan")
	errOtherSync = errors.New("renew: the sync in the plan is of another token")
	errNotBefore = errors.New("renew: the file is not uploaded yet: run Apply first")
	errNoSync    = errors.New("renew: no sync was started after the upload: run StartSync first")
)

// check looks at what every step after the first needs. A plan may come from JSON, so it can be anything.
func (p *Plan) check(ctx context.Context, c *vpptoken.Client) error {
	switch {
	case ctx == nil:
		return errNoContext
	case c == nil:
		return errNoClient
	case p == nil || p.TokenID == "" || p.ExpirationDateTime.IsZero():
		return errNoPlan
	case p.Sync != nil && p.Sync.TokenID != p.TokenID:
		return errOtherSync
	}
	return nil
}

func (p *Plan) checkUploaded(ctx context.Context, c *vpptoken.Client) error {
	if err := p.check(ctx, c); err != nil {
		return err
	}
	if p.NeedsApply && !p.Applied {
		return errNotBefore
	}
	return nil
}

func (p *Plan) checkSynced(ctx context.Context, c *vpptoken.Client) error {
	if err := p.checkUploaded(ctx, c); err != nil {
		return err
	}
	if p.Sync == nil {
		return errNoSync
	}
	return nil
}
