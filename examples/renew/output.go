package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/renew"
)

// output shows what was found and what happened, as text or as JSON. err keeps the first write
// error.
type output struct {
	w             io.Writer
	json, colored bool
	err           error
}

// note is for text only.
func (o *output) note(text string) {
	if o.json || o.err != nil {
		return
	}
	_, o.err = io.WriteString(o.w, text)
}

func (o *output) table(t cli.Table) {
	if o.err == nil {
		o.err = t.Print(o.w, o.colored)
	}
}

// encode writes v, a plan or a report: neither has the text of the file in it.
func encode[T renew.Plan | renew.Report](o *output, v *T) {
	enc := json.NewEncoder(o.w)
	enc.SetIndent("", "  ")
	if o.err == nil {
		o.err = enc.Encode(v)
	}
}

// plan shows what to do; as JSON only if nothing follows, because the JSON is one object.
func (o *output) plan(p *renew.Plan, last bool) {
	if o.json {
		if last {
			encode(o, p)
		}
		return
	}
	var t cli.Table
	t.Row(cli.Bold, "", "now", "file")
	t.Row(cli.Plain, "organization", cmp.Or(p.Before.OrganizationName, "-"), p.OrganizationName)
	t.Row(cli.Plain, "location", cmp.Or(p.Before.LocationName, "-"), cmp.Or(p.Location, "-"))
	t.Row(cli.Plain, "expiry", second(p.Before.ExpirationDateTime), second(p.ExpirationDateTime))
	t.Row(cli.Plain, "state", cmp.Or(string(p.Before.State), "-"), "")
	o.note("Token " + cli.Printable(p.TokenID) + " " + cli.Printable(p.Before.DisplayName) + "\n")
	o.table(t)
	if p.NeedsApply {
		o.note("Plan: upload the file (one PATCH, of the property token alone), start a sync, wait for it, compare.\n")
	} else {
		o.note("Plan: the service has this file already: upload nothing, start a sync, wait for it, compare.\n")
	}
}

func (o *output) report(r *renew.Report) {
	if o.json {
		encode(o, r)
		return
	}
	var head, t cli.Table
	if r.Verified {
		head.Row(cli.Green, "Verified: after the sync the service shows the state valid and the file's expiry.")
	} else {
		head.Row(cli.Red, "Not verified:")
	}
	for _, reason := range r.Reasons {
		head.Row(cli.Plain, "- "+reason)
	}
	t.Row(cli.Bold, "", "before", "after")
	t.Row(cli.Plain, "state", cmp.Or(string(r.Before.State), "-"), cmp.Or(string(r.After.State), "-"))
	t.Row(cli.Plain, "expiry", second(r.Before.ExpirationDateTime), second(r.After.ExpirationDateTime))
	t.Row(cli.Plain, "last sync", second(r.Before.LastSyncDateTime), second(r.After.LastSyncDateTime))
	t.Row(cli.Plain, "status", cmp.Or(string(r.Before.LastSyncStatus), "-"), cmp.Or(string(r.After.LastSyncStatus), "-"))
	t.Row(cli.Plain, "organization", cmp.Or(r.Before.OrganizationName, "-"), cmp.Or(r.After.OrganizationName, "-"))
	o.note("\n")
	o.table(head)
	o.table(t)
	o.note(fmt.Sprintf("request-ids: %s\n", cli.Printable(strings.Join(r.RequestIDs, ", "))))
}

func second(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
