package main

// This file reads the tenants file and signs in to a tenant. Secrets stay where the file says they
// are: in an environment variable or a file of the machine that does the work. They are never in a
// job or in a result.

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// tenant is an entry of the tenants file.
type tenant struct {
	Name         string          `json:"name"`                   // what jobs and results call it
	Tenant       string          `json:"tenant,omitempty"`       // of Entra: a GUID or a domain
	Client       string          `json:"client,omitempty"`       // the application's id
	Cloud        vpptoken.Cloud  `json:"cloud,omitzero"`         // the global one when it is left out
	SecretEnv    string          `json:"secretEnv,omitempty"`    // the variable that holds the client secret
	SecretFile   string          `json:"secretFile,omitempty"`   // or the file that does
	Token        string          `json:"token,omitempty"`        // the id of the VPP token to renew or update
	ContentToken string          `json:"contentToken,omitempty"` // Apple's file to renew it from
	Settings     *vpptoken.Patch `json:"settings,omitempty"`     // what update sets, by Graph's names
	// Graph is the address of a vpptokentest.Server, in place of Tenant and Client; the secret is then
	// the server's access token.
	Graph string `json:"graph,omitempty"`
}

var word = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// isWord reports whether a name can be part of a NATS subject and of a key.
func isWord(s string) bool { return word.MatchString(s) }

// readTenants reads and checks the whole file. Names of files in it are relative to it.
func readTenants(name string) ([]tenant, error) {
	f, err := os.Open(name) //nolint:gosec // the file that the user named
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields() // among them "secret", which belongs elsewhere
	var tenants []tenant
	if err := d.Decode(&tenants); err != nil {
		return nil, fmt.Errorf("%s is not as -h shows it: %w", name, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s goes on after its list", name)
	}
	if len(tenants) == 0 {
		return nil, fmt.Errorf("%s names no tenant", name)
	}
	seen := make(map[string]bool, len(tenants))
	for i := range tenants {
		t := &tenants[i]
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("%s: entry %d: %w", name, i+1, err)
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("%s names %s twice", name, t.Name)
		}
		seen[t.Name] = true
		t.SecretFile = beside(name, t.SecretFile)
		t.ContentToken = beside(name, t.ContentToken)
	}
	return tenants, nil
}

func (t *tenant) check() error {
	switch {
	case !isWord(t.Name):
		return errors.New("name is 1 to 64 letters, digits, - and _")
	case (t.SecretEnv == "") == (t.SecretFile == ""):
		return errors.New("give one of secretEnv and secretFile")
	case (t.Token == "") != (t.ContentToken == "" && t.Settings == nil):
		return errors.New("token goes with contentToken, settings or both, and they with it")
	case t.Settings != nil && t.Settings.Token != nil:
		return errors.New("the content token is a secret: settings does not hold it, contentToken names its file")
	case t.Graph != "" && !isLoopback(t.Graph):
		return errors.New("graph is http to a loopback address: it is for the demonstration")
	case t.Graph == "" && (t.Tenant == "" || t.Client == ""):
		return errors.New("give tenant and client")
	}
	if t.Graph == "" {
		if _, err := cmp.Or(t.Cloud, vpptoken.CloudGlobal).Endpoint(t.Tenant); err != nil {
			return err
		}
	}
	if t.Settings != nil {
		return t.Settings.Check(vpptoken.VersionBeta)
	}
	return nil
}

// account is the same for entries whose writes count toward the same limit of the service.
func (t *tenant) account() string {
	return strings.ToLower(strings.Join([]string{t.Cloud.String(), t.Tenant, t.Client, t.Graph}, " "))
}

// isLoopback keeps a real tenant's access token from being sent to an address in a file.
func isLoopback(graph string) bool {
	u, err := url.Parse(graph)
	return err == nil && u.Scheme == "http" && net.ParseIP(u.Hostname()).IsLoopback()
}

func beside(file, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(file), name)
}

func (t *tenant) secret() (string, error) {
	if t.SecretEnv != "" {
		if s := os.Getenv(t.SecretEnv); s != "" {
			return s, nil
		}
		return "", fmt.Errorf("the variable %s, which is to hold the client secret, is empty", t.SecretEnv)
	}
	text, err := os.ReadFile(t.SecretFile)
	if err != nil {
		return "", fmt.Errorf("the client secret: %w", err)
	}
	s := strings.TrimSpace(string(text))
	if s == "" {
		return "", fmt.Errorf("the file %s, which is to hold the client secret, is empty", t.SecretFile)
	}
	return s, nil
}

// open returns a client of the tenant. It sends every request once: the queue retries, because a
// waiting worker could do another tenant's work. Its writes keep to a share of the service's limit.
func (t *tenant) open(worker string, writes int, per time.Duration) (*vpptoken.Client, error) {
	secret, err := t.secret()
	if err != nil {
		return nil, err
	}
	opts := []vpptoken.Option{
		vpptoken.WithUserAgent("fleet/" + worker),
		vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}),
		vpptoken.WithWriteLimit(writes, per),
	}
	if t.Graph != "" {
		bearer := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: secret})
		return vpptoken.NewClient(bearer, append(opts, vpptoken.WithBaseURL(t.Graph))...)
	}
	app, err := cmp.Or(t.Cloud, vpptoken.CloudGlobal).AppSource(t.Tenant, t.Client, secret)
	if err != nil {
		return nil, err
	}
	return vpptoken.NewClient(app, opts...)
}
