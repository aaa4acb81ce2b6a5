package vpptoken_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/vpptoken/vpptoken"
)

func clouds() []struct {
	name                   string
	cloud                  vpptoken.Cloud
	graph, login           string
	delegated, application string
} {
	const permission = "/DeviceManagementServiceConfig.ReadWrite.All"
	return []struct {
		name                   string
		cloud                  vpptoken.Cloud
		graph, login           string
		delegated, application string
	}{
		{
			"Global", vpptoken.CloudGlobal, "https://graph.microsoft.com", "https://login.microsoftonline.com",
			"https://graph.microsoft.com" + permission, "https://graph.microsoft.com/.default",
		},
		{
			"US Government L4", vpptoken.CloudUSGovernment, "https://graph.microsoft.us", "https://login.microsoftonline.us",
			"https://graph.microsoft.us" + permission, "https://graph.microsoft.us/.default",
		},
		{
			"US Government L5", vpptoken.CloudUSGovernmentDoD, "https://dod-graph.microsoft.us", "https://login.microsoftonline.us",
			"https://dod-graph.microsoft.us" + permission, "https://dod-graph.microsoft.us/.default",
		},
		{
			"China", vpptoken.CloudChina, "https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn",
			"https://microsoftgraph.chinacloudapi.cn" + permission, "https://microsoftgraph.chinacloudapi.cn/.default",
		},
	}
}

func TestClouds(t *testing.T) {
	t.Parallel()
	for _, tc := range clouds() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.cloud.GraphURL() != tc.graph || tc.cloud.Scope() != tc.application {
				t.Errorf("GraphURL %s, Scope %s", tc.cloud.GraphURL(), tc.cloud.Scope())
			}
			for _, tenant := range []string{"9ceb2f92-2f92-9ceb-922f-eb9c922feb9c", "nordwind.example", "organizations"} {
				root := tc.login + "/" + tenant + "/oauth2/v2.0/"
				// AuthStyleAutoDetect would send the secret twice.
				want := oauth2.Endpoint{
					AuthURL: root + "authorize", TokenURL: root + "token", DeviceAuthURL: root + "devicecode", AuthStyle: oauth2.AuthStyleInParams,
				}
				got, err := tc.cloud.Endpoint(tenant)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("Endpoint(%s): %v\n%s", tenant, err, diff)
				}
				app, err := tc.cloud.ClientCredentials(tenant, "client-id", "client-secret")
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(&clientcredentials.Config{
					ClientID: "client-id", ClientSecret: "client-secret", TokenURL: want.TokenURL, Scopes: []string{tc.application},
					AuthStyle: oauth2.AuthStyleInParams,
				}, app, cmpopts.IgnoreUnexported(clientcredentials.Config{})); diff != "" {
					t.Errorf("ClientCredentials (-want +got):\n%s", diff)
				}
				device, err := tc.cloud.DeviceCode(tenant, "client-id")
				if err != nil {
					t.Fatal(err)
				}
				if device.ClientID != "client-id" || device.ClientSecret != "" || device.Endpoint != want {
					t.Errorf("DeviceCode: client %s, endpoint %v", device.ClientID, device.Endpoint)
				}
				if diff := cmp.Diff([]string{tc.delegated, "offline_access"}, device.Scopes); diff != "" {
					t.Errorf("scopes (-want +got):\n%s", diff)
				}
			}
			c, mock := newClient(t, vpptoken.WithCloud(tc.cloud))
			var w wire
			mock.RegisterResponder("GET", "=~.*", w.answer(200, bareToken))
			if _, err := c.Get(t.Context(), tokenID); err != nil {
				t.Fatal(err)
			}
			if want := "GET " + tc.graph + "/beta/deviceAppManagement/vppTokens/" + tokenID; w.lines()[0] != want {
				t.Errorf("sent %v, want %s", w.lines(), want)
			}
		})
	}
}

// A tenant is pasted into an address that the client secret is sent to.
func TestBadTenants(t *testing.T) {
	t.Parallel()
	for _, tenant := range []string{
		"", ".", "..", "a/b", "../common", `a\b`, "a?b", "a#b", "a b", "a@evil.example", "a:443", "a%2Fb", "a\r\nb", "a\n", "é", ".a", "a.", "-a", "a..b",
		strings.Repeat("a", 300),
	} {
		for _, tc := range clouds() {
			checkRefused(t, tc.cloud, tenant)
		}
	}
	checkRefused(t, vpptoken.Cloud{}, "nordwind.example")
}

func checkRefused(t *testing.T, c vpptoken.Cloud, tenant string) {
	t.Helper()
	e, err := c.Endpoint(tenant)
	if err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") || e != (oauth2.Endpoint{}) {
		t.Errorf("Endpoint(%q): %v, %v", tenant, e, err)
	}
	app, err := c.ClientCredentials(tenant, "client-id", canary)
	if app != nil || err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("ClientCredentials(%q): %v", tenant, err)
	}
	if device, err := c.DeviceCode(tenant, "client-id"); device != nil || err == nil {
		t.Errorf("DeviceCode(%q): %v", tenant, err)
	}
}

func TestSigningInNeedsAClient(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"", "client-secret"}, {"client-id", ""}} {
		if cfg, err := vpptoken.CloudGlobal.ClientCredentials("nordwind.example", pair[0], pair[1]); cfg != nil || err == nil {
			t.Errorf("ClientCredentials with %q is taken", pair)
		}
	}
	if cfg, err := vpptoken.CloudGlobal.DeviceCode("nordwind.example", ""); cfg != nil || err == nil {
		t.Error("DeviceCode without a client id is taken")
	}
}
