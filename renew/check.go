package renew

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
)

// Mistakes of the calling program. Nothing was sent, except before errOtherAnswer.
var (
	errNoContext = errors.New("renew: the context is nil")
	errNoClient  = errors.New("renew: the client is nil")
	errNoToken   = errors.New("renew: the token is nil or has no id")
	errNoText    = errors.New("renew: there is no file to upload: read one with contenttoken, JSON keeps no text")
	errNoPlan    = errors.New("renew: the plan is nil or empty: make one with MakePlan")
	errOtherSync = errors.New("renew: the sync in the plan is of another token")
	errNoDigest  = errors.New("renew: the plan has no digest: its JSON is incomplete: make a new plan")
	errChanged   = errors.New("renew: the plan was changed since it was made: " +
		"its digest is of another id, file or options")
	errNotUploaded = errors.New("renew: the file is not uploaded yet: run Apply first")
	errNoSync      = errors.New("renew: no sync was started after the upload: run StartSync first")

	errOtherAnswer = errors.New("renew: the service answered with another token than the one that was asked for")
)

// check validates what every step after the first needs. A plan may come from JSON, so it can hold
// anything.
func (p *Plan) check(ctx context.Context, c *vpptoken.Client) error {
	switch {
	case ctx == nil:
		return errNoContext
	case c == nil:
		return errNoClient
	case p == nil || p.TokenID == "" || p.ExpirationDateTime.IsZero():
		return errNoPlan
	case p.Sync != nil && !strings.EqualFold(p.Sync.TokenID, p.TokenID):
		return errOtherSync
	}
	return nil
}

// checkSeal refuses a plan that was changed. A plan that needs no upload may be handwritten.
func (p *Plan) checkSeal() error {
	switch {
	case p.digest == "" && p.NeedsApply:
		return errNoDigest
	case p.digest != "" && !p.isSealed():
		return errChanged
	}
	return nil
}

// checkFile checks that ct is the file of the plan, and that the plan is as it was made for it.
func (p *Plan) checkFile(ct *contenttoken.ContentToken) error {
	switch {
	case ct.Secret().IsZero():
		return errNoText
	case !p.isWhole():
		return fmt.Errorf("%w: the plan has no digest of it, so its JSON is incomplete: make a new plan", ErrOtherFile)
	case ct.OrganizationName != p.OrganizationName:
		return fmt.Errorf("%w: its organization is %q, the plan has %q",
			ErrOtherFile, clean(ct.OrganizationName), clean(p.OrganizationName))
	case !ct.ExpirationDateTime.Equal(p.ExpirationDateTime):
		return fmt.Errorf("%w: it expires on %s, the plan has %s",
			ErrOtherFile, on(ct.ExpirationDateTime), on(p.ExpirationDateTime))
	case !p.isOf(ct):
		return fmt.Errorf("%w: it has the same organization and expiry, but another digest", ErrOtherFile)
	}
	return p.checkSeal()
}

func (p *Plan) checkUploaded(ctx context.Context, c *vpptoken.Client) error {
	if err := p.check(ctx, c); err != nil {
		return err
	}
	if err := p.checkSeal(); err != nil {
		return err
	}
	if p.NeedsApply && !p.Applied {
		return errNotUploaded
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
