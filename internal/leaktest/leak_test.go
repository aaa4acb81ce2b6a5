package leaktest_test

import (
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
)

// The judge is worth something: it sees each disguise of each secret.
func TestLeakJudge(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{faulttest.Bearer, faulttest.AppleToken, faulttest.ClientSecret} {
		for name, text := range leaktest.Disguises(secret) {
			if leaktest.Leaks("before "+text+" after") != secret && name != "cut off" {
				t.Errorf("%s: the judge does not see %q", name, text)
			}
		}
	}
	for _, text := range []string{"", "REDACTED", "vpptoken: get: 403 Forbidden", faulttest.Bearer[:11]} {
		if leaktest.Leaks(text) != "" {
			t.Errorf("the judge sees a secret in %q", text)
		}
	}
}

// exportedTypes reads the names of the package's exported types from its source.
func exportedTypes(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("../../*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source: %v", err)
	}
	names := make(map[string]bool)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if types, ok := decl.(*ast.GenDecl); ok && types.Tok == token.TYPE {
				for _, spec := range types.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok && spec.Name.IsExported() {
						names[spec.Name.Name] = true
					}
				}
			}
		}
	}
	return names
}

// Every exported type is printed in every way, with secrets in all places that may hold one.
func TestLeakExportedTypes(t *testing.T) {
	t.Parallel()
	apple, bearer := vpptoken.NewSecret(faulttest.AppleToken), vpptoken.NewSecret(faulttest.Bearer)
	logger := slog.New(slog.DiscardHandler)
	client := faulttest.ClientFor(t, oauth2.StaticTokenSource(&oauth2.Token{
		AccessToken:  faulttest.Bearer,
		RefreshToken: faulttest.ClientSecret,
	}),
		vpptoken.WithLogger(logger),
		vpptoken.WithHTTPClient(&http.Client{Transport: &faulttest.Service{Answer: faulttest.Always(500, "")}}))
	err := faulttest.Named(t, "update").Run(t.Context(), client)
	failed := faulttest.Error(t, err)
	source, sourceErr := vpptoken.CloudGlobal.AppSource("contoso.example", "client-id", faulttest.ClientSecret)
	if sourceErr != nil {
		t.Fatal(sourceErr)
	}
	authority := &http.Client{Transport: &faulttest.Service{Answer: faulttest.Always(200,
		`{"access_token":"`+faulttest.Bearer+`","expires_in":3600}`)}}
	if _, err := source.TokenContext(context.WithValue(t.Context(), oauth2.HTTPClient, authority), ""); err != nil {
		t.Fatal(err)
	}
	patch := vpptoken.NewPatch().SetToken(apple).SetDisplayName("Nordwind")
	refused, ok := errors.AsType[*vpptoken.PropertyError](vpptoken.NewPatch().
		SetToken(vpptoken.NewSecret(faulttest.AppleToken + "\xff")).Check(vpptoken.VersionBeta))
	if !ok {
		t.Fatal("a token that is not UTF-8 is taken")
	}
	vpp := vpptoken.VPPToken{ID: faulttest.ID, Token: apple}

	values := map[string][]any{
		"Secret": {
			apple, &apple,
			[]vpptoken.Secret{apple, bearer},
			map[string]vpptoken.Secret{"k": apple},
			struct{ s vpptoken.Secret }{apple},
			vpptoken.Secret{},
		},
		"VPPToken":      {vpp, &vpp, []vpptoken.VPPToken{vpp}, []*vpptoken.VPPToken{&vpp}},
		"Patch":         {patch, *patch},
		"PropertyError": {refused, *refused},
		"Client":        {client, *client, &vpptoken.Client{}, (*vpptoken.Client)(nil)},
		"Source": {
			source, *source, &vpptoken.Source{},
			[]*vpptoken.Source{source},
			struct{ s *vpptoken.Source }{source},
		},
		"Error":               {failed, *failed},
		"Metadata":            {vpptoken.Metadata{StatusCode: http.StatusInternalServerError}},
		"Sync":                {vpptoken.Sync{TokenID: faulttest.ID, RequestedAt: time.Now()}},
		"ActionResult":        {vpptoken.ActionResult{ActionName: "revokeLicenses"}},
		"LicenseSummary":      {vpptoken.LicenseSummary{VPPTokenID: faulttest.ID}},
		"RevokeOptions":       {vpptoken.RevokeOptions{}},
		"Retry":               {vpptoken.Retry{}},
		"Cloud":               {vpptoken.CloudGlobal, vpptoken.Cloud{}},
		"APIVersion":          {vpptoken.VersionBeta},
		"AccountType":         {vpptoken.AccountTypeBusiness},
		"State":               {vpptoken.StateValid},
		"SyncStatus":          {vpptoken.SyncStatusCompleted},
		"ActionState":         {vpptoken.ActionStateDone},
		"ActionFailureReason": {vpptoken.ActionFailureReason("none")},
		"DeliveryProtocol":    {vpptoken.DeliveryProtocolDefault},
		"Option":              {vpptoken.WithUserAgent(faulttest.Bearer), vpptoken.WithHTTPClient(&http.Client{})},
		"CallOption":          {vpptoken.WithHeader("X", faulttest.ClientSecret)},
		"ListOption":          {vpptoken.WithFilter(faulttest.ClientSecret)},
		"WaitOption":          {vpptoken.PollEvery(time.Second)},
	}
	for name := range exportedTypes(t) {
		if len(values[name]) == 0 {
			t.Errorf("the exported type %s is not walked", name)
		}
	}
	for name, list := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, v := range list {
				texts := append(leaktest.Printed(v), leaktest.Logged(v)...)
				if name != "Patch" { // which is made to be encoded with the secret
					texts = append(texts, leaktest.Marshaled(v)...)
					texts = append(texts, leaktest.Logged([]any{v})...)
					texts = append(texts, leaktest.Logged(struct{ V any }{v})...)
				}
				slices.Sort(texts)
				for _, text := range slices.Compact(texts) {
					if leaktest.Leaks(text) != "" {
						t.Errorf("a secret shows in %.300s", text)
					}
				}
			}
		})
	}
}

// Comparing shows no secret either, and encoding for a file or a log can't be undone into a token.
func TestLeakComparisonsAndRoundTrips(t *testing.T) {
	t.Parallel()
	a, b := vpptoken.VPPToken{Token: vpptoken.NewSecret(faulttest.AppleToken)},
		vpptoken.VPPToken{Token: vpptoken.NewSecret(faulttest.Bearer)}
	diff := cmp.Diff(a, b)
	if diff == "" || leaktest.Leaks(diff) != "" {
		t.Errorf("go-cmp's report: %s", diff)
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var back vpptoken.VPPToken
	if err := json.Unmarshal(text, &back); err != nil || !back.Token.IsZero() {
		t.Errorf("a redacted token came back as %q: %v", back.Token.Reveal(), err)
	}
	for _, v := range []any{a.Token.String(), a.Token.GoString(), a.Token.LogValue().String()} {
		leaktest.ShowsNoSecret(t, v)
	}
}

// A child process goes through the faults of the service with a client that has no logger. It
// prints nothing at all.
func TestLeakNothingIsPrinted(t *testing.T) {
	t.Parallel()
	stdout, stderr, err := runChild(t)
	if err != nil || stdout != "" || stderr != "" {
		t.Errorf("the child ended with %v and printed %q and %q", err, stdout, stderr)
	}
}

// TestLeakChild is that child. It leaves before the testing package can print.
func TestLeakChild(t *testing.T) { //nolint:paralleltest // it is alone in its process
	if os.Getenv(childVariable) == "" {
		t.Skip("only as a child of TestLeakNothingIsPrinted")
	}
	if failures := goThroughFaults(t); failures < 100 {
		os.Exit(3)
	}
	os.Exit(0)
}
