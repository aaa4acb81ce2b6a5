package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vpptoken/vpptoken"
)

// Tenant is one of several that a program reads. Open signs in, so that a failure affects only this
// tenant.
type Tenant struct {
	Name string
	Open func(context.Context, ...vpptoken.Option) (*vpptoken.Client, error)
}

// Tenants returns those that -tenant names, with commas between, or those in the file.
func Tenants(common *Flags, file string, env func(string) string, stderr io.Writer) ([]Tenant, error) {
	if file != "" {
		return fileTenants(common, file, env, stderr)
	}
	if err := common.Check(); err != nil {
		return nil, err
	}
	var tenants []Tenant
	for name := range strings.SplitSeq(common.Tenant, ",") {
		f := *common
		if f.Tenant = strings.TrimSpace(name); f.Tenant == "" { // not skipped: a tenant may be missing unnoticed
			return nil, fmt.Errorf(
				"%w: -tenant: a name is empty: take the comma out, or look whether a variable is unset", ErrUsage)
		}
		t, err := live(f, env, stderr)
		if err != nil {
			return nil, fmt.Errorf("%w: -tenant: %q: %w", ErrUsage, f.Tenant, err)
		}
		tenants = append(tenants, t)
	}
	if len(tenants) > 1 && env(SecretVariable) == "" {
		return nil, fmt.Errorf(
			"%w: several tenants need a client secret in %s: a code to enter in a browser is for one",
			ErrUsage, SecretVariable)
	}
	if err := distinct(tenants); err != nil {
		return nil, fmt.Errorf("%w: -tenant: %w", ErrUsage, err)
	}
	return tenants, nil
}

// fileTenants reads the file of -tenants. What is wrong with one entry is wrong input, before
// anything is sent.
func fileTenants(common *Flags, file string, env func(string) string, stderr io.Writer) ([]Tenant, error) {
	if common.Live() || common.ClientID != "" || common.Cloud != (vpptoken.Cloud{}) {
		return nil, fmt.Errorf(
			"%w: -tenants has each tenant's own id, clientId and cloud: leave -tenant, -client-id and -cloud out",
			ErrUsage)
	}
	list, err := ReadObjects("tenants", file)
	if err != nil {
		return nil, err
	}
	var tenants []Tenant
	for i, o := range list {
		t, err := fileTenant(*common, o, env, stderr)
		if err != nil {
			return nil, fmt.Errorf("%w: -tenants: %s: tenant %d: %w", ErrUsage, file, i+1, err)
		}
		tenants = append(tenants, t)
	}
	if err := distinct(tenants); err != nil {
		return nil, fmt.Errorf("%w: -tenants: %s: %w", ErrUsage, file, err)
	}
	return tenants, nil
}

func fileTenant(f Flags, o Object, env func(string) string, stderr io.Writer) (Tenant, error) {
	var variable, cloud string
	for _, member := range []struct {
		name string
		into *string
	}{{"tenant", &f.Tenant}, {"clientId", &f.ClientID}, {"secretVariable", &variable}, {"cloud", &cloud}} {
		var err error
		if *member.into, err = o.Text(member.name); err != nil {
			return Tenant{}, err
		}
	}
	if err := o.Rest(); err != nil {
		return Tenant{}, fmt.Errorf("%w; it has tenant, clientId, secretVariable and cloud, and never a secret", err)
	}
	if f.Tenant == "" || f.ClientID == "" {
		return Tenant{}, errors.New("it needs tenant and clientId")
	}
	if cloud != "" {
		var err error
		if f.Cloud, err = vpptoken.ParseCloud(cloud); err != nil {
			return Tenant{}, fmt.Errorf("cloud: %w", err)
		}
	}
	variable = cmp.Or(variable, SecretVariable)
	secret := env(variable)
	t, err := live(f, func(name string) string {
		if name == SecretVariable {
			return secret
		}
		return env(name)
	}, stderr)
	if err == nil && secret == "" { // only this tenant's problem, which must not hide the others
		t.Open = func(context.Context, ...vpptoken.Option) (*vpptoken.Client, error) {
			// The name is not shown: it may be the secret.
			return nil, errors.New("there is no client secret in the environment variable that secretVariable names")
		}
	}
	return t, err
}

// live returns a tenant of the real service, unless its name can't be one.
func live(f Flags, env func(string) string, stderr io.Writer) (Tenant, error) {
	if _, err := f.cloud().Endpoint(f.Tenant); err != nil {
		return Tenant{}, err
	}
	return Tenant{f.Tenant, func(ctx context.Context, opts ...vpptoken.Option) (*vpptoken.Client, error) {
		client, _, err := f.Open(ctx, env, stderr, opts...)
		return client, err
	}}, nil
}

// distinct refuses a duplicate tenant, whose tokens would be counted twice.
func distinct(tenants []Tenant) error {
	var names []string
	for _, t := range tenants {
		name := strings.ToLower(t.Name)
		if slices.Contains(names, name) {
			return fmt.Errorf("%q appears twice", t.Name)
		}
		names = append(names, name)
	}
	return nil
}
