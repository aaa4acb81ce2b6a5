package vpptoken

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Cloud is a national cloud: a Microsoft Graph root and the authority that signs in to it, which
// belong together. The zero Cloud is invalid. Compare clouds with ==.
//
// A Cloud encodes as text, for [flag.TextVar], JSON and environment variables: as its name or, if
// it has none, as its Graph root and its authority with a space between them. [ParseCloud] reads
// both. Microsoft Graph reference: https://learn.microsoft.com/graph/deployments
type Cloud struct{ graph, authority string }

// Microsoft's clouds. Bleu and Delos are the sovereign clouds of France and Germany: their Graph
// has vppToken, but Microsoft does not say whether Intune runs there.
var (
	CloudGlobal          = Cloud{"https://graph.microsoft.com", "https://login.microsoftonline.com"} // and GCC
	CloudUSGovernment    = Cloud{"https://graph.microsoft.us", "https://login.microsoftonline.us"}   // L4
	CloudUSGovernmentDoD = Cloud{"https://dod-graph.microsoft.us", "https://login.microsoftonline.us"}
	CloudChina           = Cloud{"https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"} // 21Vianet
	CloudBleu            = Cloud{"https://graph.svc.sovcloud.fr", "https://login.sovcloud-identity.fr"}
	CloudDelos           = Cloud{"https://graph.svc.sovcloud.de", "https://login.sovcloud-identity.de"}
)

// named returns the clouds that have a name.
func named() []struct {
	name  string
	cloud Cloud
} {
	return []struct {
		name  string
		cloud Cloud
	}{
		{"Global", CloudGlobal},
		{"USGov", CloudUSGovernment},
		{"USGovDoD", CloudUSGovernmentDoD},
		{"China", CloudChina},
		{"Bleu", CloudBleu},
		{"Delos", CloudDelos},
	}
}

// isNamed reports whether c's Graph is that of one of Microsoft's clouds.
func (c Cloud) isNamed() bool {
	for _, n := range named() {
		if n.cloud.graph == c.graph {
			return true
		}
	}
	return false
}

// NewCloud returns a cloud that this package does not know, or one for tests. Both addresses are
// https, or http to a loopback host, without user, query or fragment. Leave the version out of
// graph and the tenant out of authority.
func NewCloud(graph, authority string) (Cloud, error) {
	g, err := parseRoot(graph)
	if err != nil {
		return Cloud{}, fmt.Errorf("vpptoken: NewCloud: the Graph root %w", err)
	}
	a, err := parseRoot(authority)
	if err != nil {
		return Cloud{}, fmt.Errorf("vpptoken: NewCloud: the authority %w", err)
	}
	return Cloud{g.String(), a.String()}, nil
}

// ParseCloud is the inverse of [Cloud.String]. It accepts Global, USGov, USGovDoD, China, Bleu and
// Delos, in any case, or the two addresses of another cloud with a space between them.
func ParseCloud(name string) (Cloud, error) {
	if graph, authority, ok := strings.Cut(name, " "); ok && strings.Contains(graph, "://") {
		return NewCloud(graph, authority)
	}
	var names []string
	for _, n := range named() {
		if strings.EqualFold(n.name, name) {
			return n.cloud, nil
		}
		names = append(names, n.name)
	}
	return Cloud{}, fmt.Errorf("vpptoken: %.40q is not a cloud: want one of %s", name, strings.Join(names, ", "))
}

// String returns the cloud's name or, if it has none, its Graph root and its authority with a space
// between them. For the zero Cloud it returns "".
func (c Cloud) String() string {
	for _, n := range named() {
		if n.cloud == c {
			return n.name
		}
	}
	return strings.TrimSpace(c.graph + " " + c.authority)
}

// MarshalText returns the text of [Cloud.String]. For the zero Cloud it returns an error.
func (c Cloud) MarshalText() ([]byte, error) {
	if c == (Cloud{}) {
		return nil, errors.New("vpptoken: the zero Cloud has no text")
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads what [ParseCloud] does. On an error it leaves c alone.
func (c *Cloud) UnmarshalText(text []byte) error {
	if c == nil {
		return errNilReceiver
	}
	read, err := ParseCloud(string(text))
	if err == nil {
		*c = read
	}
	return err
}

// GraphURL returns the root of the cloud's Microsoft Graph, without a version.
func (c Cloud) GraphURL() string { return c.graph }

// Scope returns the scope that asks for all permissions granted to the application: "<graph
// root>/.default".
func (c Cloud) Scope() string { return c.graph + "/.default" }

// Endpoint returns the cloud's v2.0 addresses for a tenant, which is a GUID, a domain, or
// "organizations".
func (c Cloud) Endpoint(tenant string) (oauth2.Endpoint, error) {
	if c == (Cloud{}) {
		return oauth2.Endpoint{}, errors.New("vpptoken: the zero Cloud has no endpoint")
	}
	if !isTenant(tenant) {
		return oauth2.Endpoint{}, errors.New("vpptoken: a tenant is a GUID or a domain name")
	}
	root := c.authority + "/" + tenant + "/oauth2/v2.0/"
	return oauth2.Endpoint{
		AuthURL: root + "authorize", TokenURL: root + "token", DeviceAuthURL: root + "devicecode",
		AuthStyle: oauth2.AuthStyleInParams,
	}, nil
}

// isTenant accepts only the characters of a GUID or a domain name, so that no tenant can change the
// address.
func isTenant(s string) bool {
	odd := strings.ContainsFunc(s, func(r rune) bool { return !alnum(r) && r != '-' && r != '.' })
	return !odd && s != "" && len(s) <= 253 && strings.Trim(s, "-.") == s && !strings.Contains(s, "..")
}

// ClientCredentials returns the configuration for signing in as the application itself. It holds
// the secret: never print it. [Cloud.AppSource] is better: the token sources of golang.org/x/oauth2
// use the context that they were created with for every later sign-in, can't drop a token that the
// service refused, and block for good when a request hangs.
func (c Cloud) ClientCredentials(tenant, clientID, clientSecret string) (*clientcredentials.Config, error) {
	e, err := c.Endpoint(tenant)
	if err != nil {
		return nil, err
	}
	if clientID == "" || clientSecret == "" {
		return nil, errors.New("vpptoken: the client id or the client secret is empty")
	}
	return &clientcredentials.Config{
		ClientID: clientID, ClientSecret: clientSecret, TokenURL: e.TokenURL,
		Scopes: []string{c.Scope()}, AuthStyle: e.AuthStyle,
	}, nil
}

// DeviceCode returns the configuration for signing in as a user with a code on another device, with
// its DeviceAuth and DeviceAccessToken methods. It asks for the one delegated permission that every
// generation of the API lists.
func (c Cloud) DeviceCode(tenant, clientID string) (*oauth2.Config, error) {
	e, err := c.Endpoint(tenant)
	if err != nil {
		return nil, err
	}
	if clientID == "" {
		return nil, errors.New("vpptoken: the client id is empty")
	}
	return &oauth2.Config{
		ClientID: clientID, Endpoint: e,
		Scopes: []string{c.graph + "/DeviceManagementServiceConfig.ReadWrite.All", "offline_access"},
	}, nil
}

// parseRoot parses the address of a service: https, or http to a loopback host, because no secret
// may travel in the clear. It normalizes the address: a lowercase host, no default port, no
// trailing slash.
func parseRoot(root string) (*url.URL, error) {
	bad := func(why string) (*url.URL, error) { return nil, errors.New(why) }
	u, err := url.Parse(root)
	switch {
	case err != nil || !utf8.ValidString(root) ||
		strings.ContainsFunc(root, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }):
		return bad("can't be read")
	case u.Hostname() == "" || u.Opaque != "":
		return bad("has no host")
	case u.User != nil:
		return bad("holds a user name or password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(root, "#"):
		return bad("has a query or a fragment")
	case u.RawPath != "" || u.Path != "" && !plainPath(strings.TrimSuffix(u.Path, "/")):
		return bad("has a path that is not plain")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return bad("is neither https nor http to a loopback host")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if strings.HasSuffix(u.Path, "/"+string(VersionBeta)) || strings.HasSuffix(u.Path, "/"+string(VersionV1)) {
		return bad("ends in a version, which is appended: see WithAPIVersion")
	}
	if u.Host, err = plainHost(u); err != nil {
		return nil, err
	}
	return u, nil
}

func plainPath(p string) bool { return p == "" || p != "/" && path.Clean(p) == p }

// plainHost returns the host of u in lowercase, and its port unless that is the default.
func plainHost(u *url.URL) (string, error) {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" && !strings.HasSuffix(u.Host, ":") {
		return strings.ToLower(u.Host), nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", errors.New("has a port that is not 1 to 65535")
	}
	if u.Scheme == "https" && n == 443 || u.Scheme == "http" && n == 80 {
		return strings.TrimSuffix(strings.ToLower(u.Host), ":"+port), nil
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
