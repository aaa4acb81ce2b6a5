package vpptoken_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
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
			"US Government L4", vpptoken.CloudUSGovernment, "https://graph.microsoft.us",
			"https://login.microsoftonline.us",
			"https://graph.microsoft.us" + permission, "https://graph.microsoft.us/.default",
		},
		{
			"US Government L5", vpptoken.CloudUSGovernmentDoD, "https://dod-graph.microsoft.us",
			"https://login.microsoftonline.us",
			"https://dod-graph.microsoft.us" + permission, "https://dod-graph.microsoft.us/.default",
		},
		{
			"China", vpptoken.CloudChina, "https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn",
			"https://microsoftgraph.chinacloudapi.cn" + permission, "https://microsoftgraph.chinacloudapi.cn/.default",
		},
		{
			"Bleu", vpptoken.CloudBleu, "https://graph.svc.sovcloud.fr", "https://login.sovcloud-identity.fr",
			"https://graph.svc.sovcloud.fr" + permission, "https://graph.svc.sovcloud.fr/.default",
		},
		{
			"Delos", vpptoken.CloudDelos, "https://graph.svc.sovcloud.de", "https://login.sovcloud-identity.de",
			"https://graph.svc.sovcloud.de" + permission, "https://graph.svc.sovcloud.de/.default",
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
			for _, tenant := range []string{
				"9ceb2f92-2f92-9ceb-922f-eb9c922feb9c", "nordwind.example", "organizations",
			} {
				root := tc.login + "/" + tenant + "/oauth2/v2.0/"
				// AuthStyleAutoDetect would send the secret twice.
				want := oauth2.Endpoint{
					AuthURL: root + "authorize", TokenURL: root + "token", DeviceAuthURL: root + "devicecode",
					AuthStyle: oauth2.AuthStyleInParams,
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
					ClientID: "client-id", ClientSecret: "client-secret", TokenURL: want.TokenURL,
					Scopes:    []string{tc.application},
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
			c, mock := faulttest.Mock(t, vpptoken.WithCloud(tc.cloud))
			mock.RegisterResponder("GET", "=~.*", faulttest.Respond(200, faulttest.BareToken))
			if _, err := c.Get(t.Context(), faulttest.ID); err != nil {
				t.Fatal(err)
			}
			want := "GET " + tc.graph + "/beta/deviceAppManagement/vppTokens/" + faulttest.ID
			if mock.Lines()[0] != want {
				t.Errorf("sent %v, want %s", mock.Lines(), want)
			}
		})
	}
}

// A tenant is pasted into an address that the client secret is sent to.
func TestBadTenants(t *testing.T) {
	t.Parallel()
	for _, tenant := range []string{
		"", ".", "..", "a/b", "../common", `a\b`, "a?b", "a#b", "a b", "a@evil.example", "a:443", "a%2Fb", "a\r\nb",
		"a\n", "é", ".a", "a.", "-a", "a..b",
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
		cfg, err := vpptoken.CloudGlobal.ClientCredentials("nordwind.example", pair[0], pair[1])
		if cfg != nil || err == nil {
			t.Errorf("ClientCredentials with %q is taken", pair)
		}
	}
	if cfg, err := vpptoken.CloudGlobal.DeviceCode("nordwind.example", ""); cfg != nil || err == nil {
		t.Error("DeviceCode without a client id is taken")
	}
}

func cloudNames() map[string]vpptoken.Cloud {
	return map[string]vpptoken.Cloud{
		"Global": vpptoken.CloudGlobal, "USGov": vpptoken.CloudUSGovernment, "USGovDoD": vpptoken.CloudUSGovernmentDoD,
		"China": vpptoken.CloudChina, "Bleu": vpptoken.CloudBleu, "Delos": vpptoken.CloudDelos,
	}
}

// A cloud is named in a flag, a file and an environment variable.
func TestF28CloudsByName(t *testing.T) {
	t.Parallel()
	other, err := vpptoken.NewCloud("https://graph.example/gw", "https://login.example")
	if err != nil {
		t.Fatal(err)
	}
	all := cloudNames()
	all["https://graph.example/gw https://login.example"] = other
	for name, want := range all {
		if want.String() != name {
			t.Errorf("String %q, want %q", want, name)
		}
		for _, spelled := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			if strings.Contains(name, "/gw") && spelled == strings.ToUpper(name) {
				continue // the path has a case
			}
			if got, err := vpptoken.ParseCloud(spelled); err != nil || got != want {
				t.Errorf("ParseCloud(%q) = %v, %v", spelled, got, err)
			}
		}
		text, err := json.Marshal(map[string]vpptoken.Cloud{"cloud": want})
		var back map[string]vpptoken.Cloud
		if err != nil || string(text) != `{"cloud":"`+name+`"}` || json.Unmarshal(text, &back) != nil ||
			back["cloud"] != want {
			t.Errorf("%s: JSON %s, %v, back %v", name, text, err, back)
		}
		var c vpptoken.Cloud
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		flags.TextVar(&c, "cloud", vpptoken.CloudGlobal, "")
		if err := flags.Parse([]string{"-cloud", name}); err != nil || c != want {
			t.Errorf("flag %q = %v, %v", name, c, err)
		}
	}
}

func TestF28NamesOfNoCloud(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", " ", "Mars", "Global ", " Global", "Globa", "Global,China", "US Gov", "https://graph.example",
		"https://graph.example ",
		"https://graph.example http://login.example", strings.Repeat("x", 1000),
	} {
		c, err := vpptoken.ParseCloud(name)
		if err == nil || c != (vpptoken.Cloud{}) || !strings.HasPrefix(err.Error(), "vpptoken: ") ||
			len(err.Error()) > 200 {
			t.Errorf("ParseCloud(%q) = %v, %v", name, c, err)
		}
		for known := range cloudNames() {
			if err != nil && !strings.Contains(name, "://") && !strings.Contains(err.Error(), known) {
				t.Errorf("ParseCloud(%q): %v does not list %s", name, err, known)
			}
		}
		c = vpptoken.CloudChina
		if err := c.UnmarshalText([]byte(name)); err == nil || c != vpptoken.CloudChina {
			t.Errorf("UnmarshalText(%q) = %v, %v", name, c, err)
		}
	}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var c vpptoken.Cloud
	flags.TextVar(&c, "cloud", vpptoken.Cloud{}, "")
	if err := flags.Parse([]string{"-cloud", "Mars"}); err == nil || !strings.Contains(err.Error(), "USGovDoD") {
		t.Errorf("flag: %v", err)
	}
	flags.PrintDefaults()
	if text, err := (vpptoken.Cloud{}).MarshalText(); err == nil {
		t.Errorf("the zero Cloud encodes as %q", text)
	}
}

// The same place is the same cloud, however its addresses are spelled.
func TestF29NewCloud(t *testing.T) {
	t.Parallel()
	for _, graph := range []string{
		"https://graph.microsoft.com", "https://graph.microsoft.com/", "HTTPS://Graph.Microsoft.COM:443",
		"https://graph.microsoft.com:0443/",
	} {
		for _, login := range []string{"https://login.microsoftonline.com", "https://LOGIN.microsoftonline.com:443/"} {
			if c, err := vpptoken.NewCloud(graph, login); err != nil || c != vpptoken.CloudGlobal {
				t.Errorf("NewCloud(%q, %q) = %v, %v", graph, login, c, err)
			}
		}
	}
	c, err := vpptoken.NewCloud("http://127.0.0.1:8080/gw/", "http://[::1]:80")
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Endpoint("contoso.example")
	if err != nil || c.GraphURL() != "http://127.0.0.1:8080/gw" || c.Scope() != "http://127.0.0.1:8080/gw/.default" ||
		e.TokenURL != "http://[::1]/contoso.example/oauth2/v2.0/token" {
		t.Errorf("%v, %v, %v", c, e, err)
	}
}

func badRoots() []string {
	return []string{
		"", "graph.example", "https://", "https:///path", "https://:443", "/beta", "https:graph.example",
		"http://graph.example", "http://localhost.evil.example",
		"http://127.0.0.1.evil.example", "ftp://127.0.0.1", "https://user@h", "https://user:canary@h", "https://@h",
		"https://h?", "https://h?canary=1", "https://h#",
		"https://h#canary", "https://h/a/../b", "https://h/a%2Fb", "https://h//", "https://h/a//b", "https://h/./a",
		"https://h/a b", "https://h\r\n", " https://h", `https://h\evil`,
		"https://[canary", "https://h:canary", "https://h:", "https://h:/a", "https://h:0", "https://h:00",
		"https://h:65536", "https://h:99999", "https://h:-1",
		"https://[::1]:0", "https://[::1]:", "http://localhost:99999", "https://h/beta", "https://h/v1.0/",
	}
}

func TestF23BadAddresses(t *testing.T) {
	t.Parallel()
	const good = "https://h.example:65535"
	for _, bad := range badRoots() {
		for _, pair := range [][2]string{{bad, good}, {good, bad}} {
			c, err := vpptoken.NewCloud(pair[0], pair[1])
			if err == nil || c != (vpptoken.Cloud{}) || !strings.HasPrefix(err.Error(), "vpptoken: NewCloud: ") ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("NewCloud(%q, %q) = %v, %v", pair[0], pair[1], c, err)
			}
		}
		_, err := vpptoken.NewClient(oauth2.StaticTokenSource(nil), vpptoken.WithBaseURL(bad))
		if err == nil || !strings.HasPrefix(err.Error(), "vpptoken: WithBaseURL: ") ||
			strings.Contains(err.Error(), "canary") {
			t.Errorf("WithBaseURL(%q): %v", bad, err)
		}
	}
}

// A default port in the base is no other origin: requests go out without it.
func TestF02DefaultPortInTheBase(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t, vpptoken.WithBaseURL("https://Gateway.example:443/graph/"))
	mock.RegisterResponder("GET", "=~.*", faulttest.Respond(200, faulttest.BareToken))
	if _, err := c.Get(t.Context(), faulttest.ID); err != nil {
		t.Fatal(err)
	}
	want := "GET https://gateway.example/graph/beta/deviceAppManagement/vppTokens/" + faulttest.ID
	if mock.Lines()[0] != want {
		t.Errorf("sent %v, want %s", mock.Lines(), want)
	}
}

// The addresses and scope of a national cloud change together.
func ExampleCloud() {
	e, err := vpptoken.CloudUSGovernment.Endpoint("contoso.example")
	fmt.Println(e.TokenURL, err)
	fmt.Println(vpptoken.CloudUSGovernment.Scope())
	// Output:
	// https://login.microsoftonline.us/contoso.example/oauth2/v2.0/token <nil>
	// https://graph.microsoft.us/.default
}
