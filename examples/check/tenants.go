package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

// tenant is one to check. Signing in belongs to its check, so that a failure is this tenant's alone.
type tenant struct {
	name string
	open func(context.Context) (*vpptoken.Client, error)
}

// liveTenants returns those that -tenant names, with commas between, or those in the file.
func liveTenants(common *cli.Flags, file string, env func(string) string, stderr io.Writer) ([]tenant, error) {
	if file != "" {
		return fileTenants(common, file, env, stderr)
	}
	if err := common.Check(); err != nil {
		return nil, err
	}
	var tenants []tenant
	names := strings.Split(common.Tenant, ",")
	for _, name := range names {
		if len(names) > 1 && env(cli.SecretVariable) == "" {
			return nil, fmt.Errorf("%w: several tenants need a client secret in %s: a code to enter in a browser is for one", cli.ErrUsage, cli.SecretVariable)
		}
		f := *common
		f.Tenant = strings.TrimSpace(name)
		tenants = append(tenants, live(f, env, stderr))
	}
	return tenants, distinct(tenants)
}

// fileTenants reads the file of -tenants. What is wrong with one entry is wrong input, before anything is sent.
func fileTenants(common *cli.Flags, file string, env func(string) string, stderr io.Writer) ([]tenant, error) {
	if common.Live() || common.ClientID != "" || common.Cloud != (vpptoken.Cloud{}) {
		return nil, fmt.Errorf("%w: -tenants has each tenant's own id, clientId and cloud: leave -tenant, -client-id and -cloud out", cli.ErrUsage)
	}
	list, err := cli.ReadObjects(file)
	if err != nil {
		return nil, err
	}
	var tenants []tenant
	for i, o := range list {
		t, err := fileTenant(*common, o, env, stderr)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: tenant %d: %w", cli.ErrUsage, file, i+1, err)
		}
		tenants = append(tenants, t)
	}
	return tenants, distinct(tenants)
}

func fileTenant(f cli.Flags, o cli.Object, env func(string) string, stderr io.Writer) (tenant, error) {
	var variable, cloud string
	for _, member := range []struct {
		name string
		into *string
	}{{"tenant", &f.Tenant}, {"clientId", &f.ClientID}, {"secretVariable", &variable}, {"cloud", &cloud}} {
		var err error
		if *member.into, err = o.Text(member.name); err != nil {
			return tenant{}, err
		}
	}
	if err := o.Rest(); err != nil {
		return tenant{}, fmt.Errorf("%w; it has tenant, clientId, secretVariable and cloud, and never a secret", err)
	}
	if f.Tenant == "" || f.ClientID == "" {
		return tenant{}, errors.New("it needs tenant and clientId")
	}
	if cloud != "" {
		var err error
		if f.Cloud, err = cli.ParseCloud(cloud); err != nil {
			return tenant{}, fmt.Errorf("cloud: %w", err)
		}
	}
	variable = cmp.Or(variable, cli.SecretVariable)
	secret := env(variable)
	t := live(f, func(name string) string {
		if name == cli.SecretVariable {
			return secret
		}
		return env(name)
	}, stderr)
	if secret == "" { // this tenant's trouble, which must not hide the others
		t.open = func(context.Context) (*vpptoken.Client, error) {
			return nil, errors.New("there is no client secret in the environment variable that secretVariable names") // which is not shown: it may be the secret
		}
	}
	return t, nil
}

func live(f cli.Flags, env func(string) string, stderr io.Writer) tenant {
	return tenant{f.Tenant, func(ctx context.Context) (*vpptoken.Client, error) {
		client, _, err := f.Open(ctx, env, stderr)
		return client, err
	}}
}

// distinct refuses an empty name and a tenant that stands twice: its tokens would be counted twice.
func distinct(tenants []tenant) error {
	var names []string
	for _, t := range tenants {
		name := strings.ToLower(t.name)
		if name == "" || slices.Contains(names, name) {
			return fmt.Errorf("%w: a tenant is empty or stands twice: %q", cli.ErrUsage, t.name)
		}
		names = append(names, name)
	}
	return nil
}
