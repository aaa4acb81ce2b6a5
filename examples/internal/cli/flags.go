package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// Flags are the flags of every example. Without a tenant the example runs on an embedded Microsoft
// Graph.
type Flags struct {
	Tenant, ClientID string
	Cloud            vpptoken.Cloud // zero when not given, see [Flags.Open]
	Version          vpptoken.APIVersion
	Embedded         []vpptokentest.Option // how Open makes the embedded server; no flag
}

// NewFlags adds the flags to fs, which fills in what it returns when it is parsed.
func NewFlags(fs *flag.FlagSet) *Flags {
	f := &Flags{Version: vpptoken.VersionBeta}
	NonEmpty(fs, "tenant", "the `tenant`, a GUID or a domain: talk to the real service", &f.Tenant)
	NonEmpty(fs, "client-id", "the `id` of the app registration to sign in with", &f.ClientID)
	fs.TextVar(&f.Cloud, "cloud", vpptoken.Cloud{},
		"the `cloud`: Global (the default), USGov, USGovDoD, China, Bleu, Delos")
	fs.Func("version", "the `version` of the API: beta (the default), v1.0", func(v string) error {
		f.Version = vpptoken.APIVersion(v)
		if f.Version != vpptoken.VersionBeta && f.Version != vpptoken.VersionV1 {
			return errors.New("it is beta or v1.0")
		}
		return nil
	})
	return f
}

// NonEmpty adds a flag whose value can't be empty: an unset shell variable must not choose
// something else by accident. Nor can it be given twice, because one of the two would have no
// effect.
func NonEmpty(fs *flag.FlagSet, name, usage string, into *string) {
	given := false
	fs.Func(name, usage, func(v string) error {
		switch {
		case v == "":
			return errors.New("it is empty")
		case given:
			return errors.New("it is given twice")
		}
		*into, given = v, true
		return nil
	})
}

// Live reports whether to use the real service.
func (f *Flags) Live() bool { return f.Tenant != "" }

// Check refuses flags that don't go together.
func (f *Flags) Check() error {
	switch {
	case f.Live() && f.ClientID == "":
		return fmt.Errorf("%w: -tenant needs -client-id", ErrUsage)
	case !f.Live() && f.ClientID != "":
		return fmt.Errorf("%w: -client-id needs -tenant", ErrUsage)
	case !f.Live() && f.Cloud != vpptoken.Cloud{}:
		return fmt.Errorf("%w: -cloud needs -tenant", ErrUsage)
	}
	return nil
}

func (f *Flags) cloud() vpptoken.Cloud { return cmp.Or(f.Cloud, vpptoken.CloudGlobal) }

// Open signs in and returns a client of the tenant, or it returns a client of a new, empty,
// embedded server and that server, which the caller closes. The server is nil for a tenant. The
// HTTP client in ctx, where golang.org/x/oauth2 looks for it, is used for signing in and for Graph.
func (f *Flags) Open(
	ctx context.Context, env func(string) string, stderr io.Writer, opts ...vpptoken.Option,
) (*vpptoken.Client, *vpptokentest.Server, error) {
	if err := f.Check(); err != nil {
		return nil, nil, err
	}
	opts = append([]vpptoken.Option{vpptoken.WithAPIVersion(f.Version)}, opts...)
	if !f.Live() {
		srv := vpptokentest.NewServer(f.Embedded...)
		return srv.Client(opts...), srv, nil
	}
	source, err := signIn(ctx, f.cloud(), f.Tenant, f.ClientID, env(SecretVariable), stderr)
	if err != nil {
		return nil, nil, err
	}
	if hc, ok := ctx.Value(oauth2.HTTPClient).(*http.Client); ok {
		opts = append([]vpptoken.Option{vpptoken.WithHTTPClient(hc)}, opts...)
	}
	client, err := vpptoken.NewClient(source, opts...)
	return client, nil, err
}
