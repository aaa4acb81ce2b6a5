package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

// change is the patch that the flags write into, one Set or Clear a flag, in the order in which
// they are given.
type change struct {
	patch    *vpptoken.Patch
	fileErr  error // kept until all is parsed, because package flag would quote the value beside it
	warnings []string
}

func newChange(fs *flag.FlagSet) *change {
	c := &change{patch: vpptoken.NewPatch()}
	p := c.patch
	text(fs, "display-name", "the administrator's `name` for the token", p.SetDisplayName)
	text(fs, "organization-name", "the `name` of the organization", p.SetOrganizationName)
	text(fs, "location-name", "the `name` of the location", p.SetLocationName)
	text(fs, "apple-id", "the `account` that the content token was downloaded with", p.SetAppleID)
	text(fs, "country", "the store's country, a two-letter `code`", p.SetCountryOrRegion)
	truth(fs, "auto-update", "update the apps automatically", p.SetAutomaticallyUpdateApps)
	truth(fs, "consent", "consent to share data with Apple", p.SetDataSharingConsentGranted)
	truth(fs, "claim", "consent to take the token from another MDM", p.SetClaimTokenManagementFromExternalMDM)
	text(fs, "account-type", "a `word`: business, education", func(v string) *vpptoken.Patch {
		c.warnUnless(vpptoken.AccountType(v).IsKnown(), "account-type", v)
		return p.SetAccountType(vpptoken.AccountType(v))
	})
	text(fs, "delivery", "a `word`: default, mobileDeviceManagement, declarativeDeviceManagement",
		func(v string) *vpptoken.Patch {
			c.warnUnless(vpptoken.DeliveryProtocol(v).IsKnown(), "delivery", v)
			return p.SetAppDeliveryProtocolType(vpptoken.DeliveryProtocol(v))
		})
	fs.Func("scope-tags", "the `ids` of all scope tags, with commas between; \"\" takes all away", c.setScopeTags)
	fs.Func("token-file", "Apple's `file`, sToken_for_<location>.vpptoken, with the new content token", c.setToken)
	fs.Func("clear", "send null for a `property`, may be repeated: "+clearable, c.clear)
	return c
}

func text(fs *flag.FlagSet, name, usage string, set func(string) *vpptoken.Patch) {
	fs.Func(name, usage, func(v string) error {
		set(v)
		return nil
	})
}

func truth(fs *flag.FlagSet, name, usage string, set func(bool) *vpptoken.Patch) {
	fs.BoolFunc(name, usage, func(v string) error {
		on, err := strconv.ParseBool(v)
		if err != nil {
			return errors.New("it is true or false")
		}
		set(on)
		return nil
	})
}

// warnUnless accepts a value that this package does not know, with a warning: the enums are open,
// and the service decides.
func (c *change) warnUnless(known bool, name, word string) {
	if !known {
		c.warnings = append(c.warnings, fmt.Sprintf("-%s: this program does not know the value %q", name, word))
	}
}

func (c *change) setScopeTags(v string) error {
	var ids []string
	if v != "" {
		ids = strings.Split(v, ",")
	}
	for i, id := range ids {
		if ids[i] = strings.TrimSpace(id); ids[i] == "" {
			return errors.New("an id is empty")
		}
	}
	c.patch.SetRoleScopeTagIDs(ids...)
	return nil
}

func (c *change) setToken(name string) error {
	file, err := contenttoken.ReadFile(name)
	if err != nil {
		c.fileErr = errors.Join(c.fileErr, err)
		return nil
	}
	c.patch.SetToken(file.Secret())
	return nil
}

const clearable = "display-name, organization-name, location-name, apple-id, country, token"

func (c *change) clear(name string) error {
	switch name {
	case "display-name":
		c.patch.ClearDisplayName()
	case "organization-name":
		c.patch.ClearOrganizationName()
	case "location-name":
		c.patch.ClearLocationName()
	case "apple-id":
		c.patch.ClearAppleID()
	case "country":
		c.patch.ClearCountryOrRegion()
	case "token":
		c.patch.ClearToken()
	default:
		return errors.New("it is one of " + clearable)
	}
	return nil
}

// check reports what is wrong with the values, once all flags are parsed.
func (c *change) check(stderr io.Writer) error {
	if c.fileErr != nil {
		return fmt.Errorf("%w: -token-file: %w", cli.ErrUsage, c.fileErr)
	}
	for _, w := range c.warnings {
		_, _ = fmt.Fprintln(stderr, "warning: "+w)
	}
	return nil
}
