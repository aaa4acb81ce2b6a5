package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

// everyOther is the id of the entry for all tokens that no other entry names. No token has it.
const everyOther = "*"

// desired is one entry of the file. Either id or displayName identifies the token.
type desired struct {
	id, displayName string
	patch           *vpptoken.Patch            // from the settings
	content         *contenttoken.ContentToken // nil when the entry names no file
}

// key is the same for entries that identify a token in the same way.
func (d desired) key() string { return strings.ToLower(d.id) + " " + d.displayName }

// readDesired reads the file, or the sample if none is named. It validates all of it before
// anything is sent.
func readDesired(file string, version vpptoken.APIVersion) ([]desired, error) {
	list, err := cli.ParseObjects(sample)
	if file != "" {
		list, err = cli.ReadObjects("file", file)
	}
	if err != nil {
		return nil, err
	}
	var all []desired
	seen := make(map[string]bool, len(list))
	for i, o := range list {
		d, err := readEntry(o, filepath.Dir(file), version)
		if err == nil && seen[d.key()] {
			err = errors.New("an earlier entry has the same token")
		}
		if err != nil {
			return nil, fmt.Errorf("%w: -file: entry %d: %w", cli.ErrUsage, i+1, err)
		}
		all, seen[d.key()] = append(all, d), true
	}
	return all, nil
}

func readEntry(o cli.Object, folder string, version vpptoken.APIVersion) (d desired, err error) {
	if _, ok := o["token"]; ok {
		return d, errNoSecrets
	}
	if d.id, err = o.Text("id"); err != nil {
		return d, err
	}
	if d.displayName, err = o.Text("displayName"); err != nil {
		return d, err
	}
	file, err := o.Text("tokenFile")
	if err != nil {
		return d, err
	}
	settings := o["settings"]
	delete(o, "settings")
	if err := o.Rest(); err != nil {
		return d, fmt.Errorf("%w; an entry has id or displayName, settings, and tokenFile", err)
	}
	switch {
	case (d.id == "") == (d.displayName == ""):
		return d, errors.New("it names its token by id or by displayName, one of them")
	case d.id == everyOther && file != "":
		return d, errors.New("a tokenFile is for one token, and not for all")
	case d.displayName != "" && version == vpptoken.VersionV1:
		return d, errors.New("v1.0 has no displayName: name the token by id")
	}
	if d.patch, err = readSettings(settings, version); err != nil {
		return d, err
	}
	if d.id == everyOther && d.patch.DisplayName != nil {
		return d, errors.New("a displayName is for one token, and not for all")
	}
	if d.displayName != "" {
		renaming, err := members(d.patch.Diff(&vpptoken.VPPToken{DisplayName: d.displayName}))
		if _, renames := renaming["displayName"]; err != nil || renames {
			return d, errors.New("it changes the displayName that names its token, " +
				"which the next run would not find: name the token by id")
		}
	}
	if file != "" {
		if !filepath.IsAbs(file) {
			file = filepath.Join(folder, file)
		}
		if d.content, err = contenttoken.ReadFile(file); err != nil {
			return d, fmt.Errorf("tokenFile: %w", err)
		}
	}
	if d.content == nil && d.patch.IsEmpty() {
		return d, errors.New("it has no settings and no tokenFile")
	}
	return d, nil
}

var errNoSecrets = errors.New(`"token" is a secret and has no place in this file: name Apple's file in tokenFile`)
