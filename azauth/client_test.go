package azauth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/azauth"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// graph is a service that challenges every bearer but the good ones.
type graph struct {
	*httptest.Server

	good   []string
	claims string

	mu      sync.Mutex
	bearers []string
}

func newGraph(t *testing.T, good ...string) *graph {
	t.Helper()
	g := &graph{good: good, claims: `{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}`}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *graph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bearer := r.Header.Get("Authorization")
	g.mu.Lock()
	g.bearers = append(g.bearers, bearer)
	g.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if slices.Contains(g.good, bearer) {
		_, _ = io.WriteString(w, `{"id":"a","displayName":"Field"}`)
		return
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="", error="insufficient_claims", claims=%q`,
		base64.StdEncoding.EncodeToString([]byte(g.claims))))
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w,
		`{"error":{"code":"InvalidAuthenticationToken","message":"Continuous access evaluation."}}`)
}

func (g *graph) seen() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bearers
}

func newClient(t *testing.T, ts oauth2.TokenSource, root string) *vpptoken.Client {
	t.Helper()
	c, err := vpptoken.NewClient(ts, vpptoken.WithBaseURL(root),
		vpptoken.WithRetry(vpptoken.Retry{MinWait: time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClientSignsInWithTheFake(t *testing.T) {
	t.Parallel()
	srv := newGraph(t, "Bearer fake_token")
	got, err := newClient(t, newSource(t, &fake.TokenCredential{}), srv.URL).Get(t.Context(), "a")
	if err != nil || got.DisplayName != "Field" {
		t.Fatalf("Get = %v, %v", got, err)
	}
	if !slices.Equal(srv.seen(), []string{"Bearer fake_token"}) {
		t.Errorf("the service saw %q", srv.seen())
	}
}

func TestClaimsChallenge(t *testing.T) {
	t.Parallel()
	srv := newGraph(t, "Bearer 2")
	cred := numbered(time.Hour, 0)
	client := newClient(t, newSource(t, cred), srv.URL)
	for range 2 { // the second call starts with the token that the challenge brought
		if _, err := client.Get(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"Bearer 1", "Bearer 2", "Bearer 2"}; !slices.Equal(srv.seen(), want) {
		t.Errorf("the service saw %q, want %q", srv.seen(), want)
	}
	asked := cred.requests()
	if len(asked) != 2 || asked[0].Claims != "" || asked[1].Claims != srv.claims {
		t.Errorf("the credential was asked %+v", asked)
	}
}

func TestClaimsChallengeForEver(t *testing.T) {
	t.Parallel()
	srv := newGraph(t)
	_, err := newClient(t, newSource(t, numbered(time.Hour, 0)), srv.URL).Get(t.Context(), "a")
	e, ok := errors.AsType[*vpptoken.Error](err)
	if !ok || !errors.Is(err, vpptoken.ErrUnauthorized) || e.Claims != srv.claims || len(srv.seen()) != 2 {
		t.Errorf("Get: %v after %d requests", err, len(srv.seen()))
	}
}

func TestClientHandsItsContextOver(t *testing.T) {
	t.Parallel()
	srv := newGraph(t, "Bearer 1")
	cred := numbered(time.Hour, 0)
	answer := cred.answer
	cred.answer = func(ctx context.Context, n int) (azcore.AccessToken, error) {
		if ctx.Value(contextKey{}) != "carried" {
			return azcore.AccessToken{}, errors.New("the context's value is missing")
		}
		if _, ok := ctx.Deadline(); !ok {
			return azcore.AccessToken{}, errors.New("the context has no deadline")
		}
		return answer(ctx, n)
	}
	ctx := context.WithValue(t.Context(), contextKey{}, "carried")
	if _, err := newClient(t, newSource(t, cred), srv.URL).Get(ctx, "a"); err != nil {
		t.Fatal(err)
	}
}

// embedded is a credential for the server of vpptokentest.
type embedded struct{ ts oauth2.TokenSource }

func (e embedded) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	t, err := e.ts.Token()
	if err != nil {
		return azcore.AccessToken{}, err
	}
	return azcore.AccessToken{Token: t.AccessToken, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func Example() {
	srv := vpptokentest.NewServer() // stands for Microsoft Graph
	defer srv.Close()
	srv.Add(vpptoken.VPPToken{DisplayName: "Field iPads"})

	var cred azcore.TokenCredential = embedded{srv.TokenSource()} // or azidentity.NewDefaultAzureCredential(nil)
	source, err := azauth.New(cred, vpptoken.CloudGlobal)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := vpptoken.NewClient(source, vpptoken.WithBaseURL(srv.URL()))
	if err != nil {
		fmt.Println(err)
		return
	}
	for token, err := range client.List(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(token.DisplayName, token.State)
	}
	// Output: Field iPads valid
}
