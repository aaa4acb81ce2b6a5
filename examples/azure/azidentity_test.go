package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/azauth"
)

const (
	tenantID     = "6f2d8a10-3b7c-4d5e-9a41-0c7e5b2f9d83"
	clientSecret = "s3cr3t~c4n4ry"
	claims       = `{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}`
)

// entra answers what azidentity asks the authority, without a network.
type entra struct {
	refuse bool
	tid    string

	mu    sync.Mutex
	forms []url.Values // of the requests for tokens
}

func (e *entra) Do(r *http.Request) (*http.Response, error) {
	status, body := http.StatusOK, ""
	switch {
	case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		root := "https://login.microsoftonline.com/" + tenantID
		body = fmt.Sprintf(`{"authorization_endpoint":"%[1]s/oauth2/v2.0/authorize","token_endpoint":"%[1]s/oauth2/v2.0/token","issuer":"%[1]s/v2.0"}`, root)
	case strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token"):
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(sent))
		if err != nil {
			return nil, err
		}
		e.mu.Lock()
		e.forms = append(e.forms, form)
		n := len(e.forms)
		e.mu.Unlock()
		if e.refuse { // and quote all that was sent, as a proxy might
			status = http.StatusUnauthorized
			body = fmt.Sprintf(
				`{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. %s"}`,
				form)
			break
		}
		body = fmt.Sprintf(`{"token_type":"Bearer","expires_in":3599,"access_token":%q}`, accessToken(e.tid, n))
	default:
		return nil, errors.New("an unexpected address")
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

func (e *entra) tokenRequests() []url.Values {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.forms)
}

func accessToken(tid string, n int) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none"}`)) + "." + part(fmt.Appendf(nil, `{"tid":%q,"n":%d}`, tid, n)) + "." +
		part([]byte("s"))
}

func newCredential(t *testing.T, e *entra) azcore.TokenCredential {
	t.Helper()
	cred, err := azidentity.NewClientSecretCredential(tenantID, "0b1f6f6e-8f57-4b0c-9d4e-3a5d2c1b0a99", clientSecret,
		&azidentity.ClientSecretCredentialOptions{
			ClientOptions:            azcore.ClientOptions{Transport: e, Retry: policy.RetryOptions{MaxRetries: -1}},
			DisableInstanceDiscovery: true,
		})
	if err != nil {
		t.Fatal(err)
	}
	return cred
}

func TestAzidentityAnswersAClaimsChallenge(t *testing.T) {
	t.Parallel()
	good := "Bearer " + accessToken(tenantID, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") == good {
			_, _ = io.WriteString(w, `{"value":[{"id":"a","displayName":"Field","state":"valid"}]}`)
			return
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer error="insufficient_claims", claims=%q`,
			base64.StdEncoding.EncodeToString([]byte(claims))))
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(srv.Close)

	authority := &entra{tid: tenantID}
	var stdout strings.Builder
	guard := []azauth.Option{azauth.WithTenantGuard(tenantID)}
	err := list(t.Context(), newCredential(t, authority), guard, &stdout, vpptoken.WithBaseURL(srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	if want := "TOKEN  STATE  EXPIRES\nField  valid  never\n"; stdout.String() != want {
		t.Errorf("it printed %q, want %q", stdout.String(), want)
	}
	forms := authority.tokenRequests()
	if len(forms) != 2 {
		t.Fatalf("azidentity asked for %d tokens, want 2", len(forms))
	}
	var asked struct {
		AccessToken struct {
			NBF struct {
				Value string `json:"value"`
			} `json:"nbf"`
			XMSCC struct {
				Values []string `json:"values"`
			} `json:"xms_cc"`
		} `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(forms[1].Get("claims")), &asked); err != nil {
		t.Fatal(err)
	}
	if asked.AccessToken.NBF.Value != "1700000000" || !slices.ContainsFunc(asked.AccessToken.XMSCC.Values, isCP1) {
		t.Errorf("the second token was asked for with claims %s", forms[1].Get("claims"))
	}
	if scope := strings.Fields(forms[0].Get("scope")); !slices.Contains(scope, "https://graph.microsoft.com/.default") {
		t.Errorf("the scope was %q", scope)
	}
}

// isCP1 knows the capability of a client that can answer challenges.
func isCP1(s string) bool { return strings.EqualFold(s, "cp1") }

func TestAzidentityErrorsStayHidden(t *testing.T) {
	t.Parallel()
	cred := newCredential(t, &entra{refuse: true})
	if _, err := cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"x/.default"}}); err == nil ||
		!strings.Contains(err.Error(), clientSecret) {
		t.Fatal("azidentity no longer prints the answer: this test shows nothing")
	}
	var stdout strings.Builder
	err := list(t.Context(), cred, nil, &stdout)
	want := "azauth: the credential failed: 401 Unauthorized: invalid_client (AADSTS7000215)"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("list: %v, want %q", err, want)
	}
	if _, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); !ok {
		t.Error("azidentity's error is not found below")
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", err, err, err, stdout.String()); strings.Contains(shown, clientSecret) {
		t.Error("the client secret was shown")
	}
}

func TestAzidentityWithALoginElsewhere(t *testing.T) {
	t.Parallel()
	cred := newCredential(t, &entra{tid: "00000000-0000-0000-0000-000000000000"})
	err := list(t.Context(), cred, []azauth.Option{azauth.WithTenantGuard(tenantID)}, io.Discard)
	if !errors.Is(err, azauth.ErrTenant) {
		t.Errorf("list: %v", err)
	}
}
