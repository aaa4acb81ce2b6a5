package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

// change is one property that differs, in readable form.
type change struct {
	Property string `json:"property"`
	Now      string `json:"now"`
	Wanted   string `json:"wanted"`
}

// describe lists the changes of the patch, in Microsoft's order. The content token shows as its
// expiry.
func (r *result) describe() error {
	body, err := members(r.patch)
	if err != nil {
		return err
	}
	if r.patch.Token != nil {
		r.changes = append(r.changes,
			change{"token", expiry(r.token.ExpirationDateTime), expiry(r.want.content.ExpirationDateTime)})
	}
	for _, p := range cli.Properties(r.token) {
		if value, ok := body[p.Name]; ok {
			r.changes = append(r.changes, change{p.Name, p.Value, readable(value)})
		}
	}
	return nil
}

// members returns the body of p by name.
func members(p *vpptoken.Patch) (m map[string]json.RawMessage, err error) {
	err = json.Unmarshal([]byte(p.Redacted()), &m)
	return m, err
}

// properties names what p changes.
func properties(p *vpptoken.Patch) (string, error) {
	m, err := members(p)
	return strings.Join(slices.Sorted(maps.Keys(m)), ", "), err
}

// readable formats a text and a list of texts as cli.Properties does, and null, "" and []
// literally.
func readable(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil && s != "" {
		return s
	}
	var list []string
	if json.Unmarshal(value, &list) == nil && len(list) > 0 {
		return strings.Join(list, ", ")
	}
	return string(value)
}

func expiry(t time.Time) string {
	if t.IsZero() {
		return "no expiry"
	}
	return "expires " + t.UTC().Format("2006-01-02 15:04:05 UTC")
}
