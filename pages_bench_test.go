package vpptoken_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"

	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// Three thousand whole tokens in one page, each with action results and scope tags, are a page like any other.
func TestListTakesThreeThousandTokensInOnePage(t *testing.T) {
	t.Parallel()
	results := strings.Repeat(`,{"actionName":"revokeLicenses","actionState":"done","totalLicensesCount":4,"failedLicensesCount":0}`, 3)[1:]
	var body strings.Builder
	body.WriteString(`{"value":[`)
	for i := range 3000 {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"id":"%d","organizationName":"a, b","vppTokenAccountType":"education","appleId":"c","token":null,"state":"valid",`+
			`"tokenActionResults":[%s],"lastSyncStatus":"completed","automaticallyUpdateApps":true,"countryOrRegion":"no","displayName":"d, e",`+
			`"locationName":"f","roleScopeTagIds":["0","1"],"lastAppCount":12}`, i, results)
	}
	body.WriteString(`]}`)
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder(http.MethodGet, faulttest.Root, httpmock.NewStringResponder(http.StatusOK, body.String()))
	tokens, err := faulttest.Collect(c.List(t.Context()))
	if err != nil || len(tokens) != 3000 || len(tokens[2999].TokenActionResults) != 3 {
		t.Errorf("got %d tokens, %v", len(tokens), err)
	}
}

// BenchmarkList is one page of a hundred tokens.
func BenchmarkList(b *testing.B) {
	one := faulttest.Fixture(b, "seed-update-response.json")
	var tokens []string
	for i := range 100 {
		tokens = append(tokens, strings.Replace(one, faulttest.ID, fmt.Sprintf("00000000-0000-4000-8000-%012d", i), 1))
	}
	c := cannedClient(b, `{"value":[`+strings.Join(tokens, ",")+`]}`)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range c.List(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != len(tokens) {
			b.Fatalf("%d tokens", n)
		}
	}
}
