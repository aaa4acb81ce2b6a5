package vpptoken

import (
	"errors"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Cloud is a national cloud of Microsoft: its Graph root, scope and authority change together. The zero value is none.
type Cloud struct{ graph, authority string }

// The clouds of Microsoft.
var (
	CloudGlobal          = Cloud{"https://graph.microsoft.com", "https://login.microsoftonline.com"} // and GCC
	CloudUSGovernment    = Cloud{"https://graph.microsoft.us", "https://login.microsoftonline.us"}   // L4
	CloudUSGovernmentDoD = Cloud{"https://dod-graph.microsoft.us", "https://login.microsoftonline.us"}
	CloudChina           = Cloud{"https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"} // 21Vianet
)

// GraphURL returns the root of the cloud's Microsoft Graph, without a version.
func (c Cloud) GraphURL() string { return c.graph }

// Scope returns the scope that asks for all permissions granted to the application: "<graph root>/.default".
func (c Cloud) Scope() string { return c.graph + "/.default" }

// Endpoint returns the cloud's v2.0 addresses for a tenant, which is a GUID, a domain, or "organizations".
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

// isTenant takes the characters of a GUID or a domain name: nothing that could lead to another address.
func isTenant(s string) bool {
	odd := strings.ContainsFunc(s, func(r rune) bool { return !alnum(r) && r != '-' && r != '.' })
	return !odd && s != "" && len(s) <= 253 && strings.Trim(s, "-.") == s && !strings.Contains(s, "..")
}

// ClientCredentials returns the configuration for signing in as the application itself. The configuration holds the secret:
// never print it.
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

// DeviceCode returns the configuration for signing in as a user with a code on another device: its DeviceAuth and
// DeviceAccessToken methods do that. It asks for the one delegated permission that every generation of the API names.
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
