// Package bench compares the client with the program that a skilled user would write by hand,
// package floor: the same work, on the same answers, in the same run. Only the ratios mean
// something; the times are those of one machine.
package bench

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/bench/floor"
)

// Client is how both programs are driven. Each method returns the ids that it read.
type Client interface {
	Update(ctx context.Context, id string, c Change) (string, error)
	Get(ctx context.Context, id string) (string, error)
	Walk(ctx context.Context, visit func(id string)) error
}

// Change is a renewal with a new name: the PATCH that is measured.
type Change struct {
	AppleToken              string
	DisplayName             string
	AutomaticallyUpdateApps bool
}

// Maker returns one of the programs, for the service at root, which carrier reaches.
type Maker func(root string, carrier http.RoundTripper) (Client, error)

// NewOurs is the [Maker] of this project's client, with its defaults.
func NewOurs(root string, carrier http.RoundTripper) (Client, error) {
	return newOurs(Expiring, vpptoken.WithBaseURL(root), vpptoken.WithHTTPClient(&http.Client{Transport: carrier}))
}

func newOurs(source Source, opts ...vpptoken.Option) (Client, error) {
	c, err := vpptoken.NewClient(source.bearers(), opts...)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return ours{c}, nil
}

// NewFloor is the [Maker] of the program written by hand.
func NewFloor(root string, carrier http.RoundTripper) (Client, error) {
	return byHand{floor.New(root, Expiring.bearers(), carrier)}, nil
}

// NewGathering is the [Maker] of the handwritten program with the usual loop: it collects all pages
// in one slice and then reads them.
func NewGathering(root string, carrier http.RoundTripper) (Client, error) {
	return gathering{byHand{floor.New(root, Expiring.bearers(), carrier)}}, nil
}

// Source is where the access tokens of a run come from.
type Source string

// The sources. The client asks the third one with the context of each attempt; the handwritten
// program can't.
const (
	Expiring Source = "an hour" // the lifetime of Microsoft Entra's access tokens
	Static   Source = "no expiry"
	Context  Source = "TokenContext"
)

func (s Source) bearers() oauth2.TokenSource {
	t := &oauth2.Token{AccessToken: "bearer-of-the-benchmarks", TokenType: "Bearer"}
	if s != Static {
		t.Expiry = time.Now().Add(time.Hour)
	}
	if s == Context {
		return contextSource{oauth2.StaticTokenSource(t)}
	}
	return oauth2.StaticTokenSource(t)
}

type contextSource struct{ oauth2.TokenSource }

func (s contextSource) TokenContext(context.Context, string) (*oauth2.Token, error) { return s.Token() }

type ours struct{ client *vpptoken.Client }

func (o ours) Update(ctx context.Context, id string, c Change) (string, error) {
	t, err := o.client.Update(ctx, id, &vpptoken.Patch{
		Token:                   new(vpptoken.NewSecret(c.AppleToken)),
		DisplayName:             &c.DisplayName,
		AutomaticallyUpdateApps: &c.AutomaticallyUpdateApps,
	})
	if err != nil {
		return "", err
	}
	return t.ID, nil
}

func (o ours) Get(ctx context.Context, id string) (string, error) {
	t, err := o.client.Get(ctx, id)
	if err != nil {
		return "", err
	}
	return t.ID, nil
}

func (o ours) Walk(ctx context.Context, visit func(id string)) error {
	for t, err := range o.client.List(ctx) {
		if err != nil {
			return err
		}
		visit(t.ID)
	}
	return nil
}

type byHand struct{ client *floor.Client }

func (h byHand) Update(ctx context.Context, id string, c Change) (string, error) {
	t, err := h.client.Update(ctx, id, &floor.Token{
		Token:                   &c.AppleToken,
		DisplayName:             &c.DisplayName,
		AutomaticallyUpdateApps: &c.AutomaticallyUpdateApps,
	})
	if err != nil {
		return "", err
	}
	return *t.ID, nil
}

func (h byHand) Get(ctx context.Context, id string) (string, error) {
	t, err := h.client.Get(ctx, id)
	if err != nil {
		return "", err
	}
	return *t.ID, nil
}

func (h byHand) Walk(ctx context.Context, visit func(id string)) error {
	for t, err := range h.client.List(ctx) {
		if err != nil {
			return err
		}
		visit(*t.ID)
	}
	return nil
}

type gathering struct{ byHand }

func (g gathering) Walk(ctx context.Context, visit func(id string)) error {
	var all []*floor.Token
	for t, err := range g.client.List(ctx) {
		if err != nil {
			return err
		}
		all = append(all, t)
	}
	for _, t := range all {
		visit(*t.ID)
	}
	return nil
}
