package vpptoken_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/vpptoken/vpptoken"
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
	c, mock := newClient(t)
	mock.RegisterResponder(http.MethodGet, betaURL, httpmock.NewStringResponder(http.StatusOK, body.String()))
	tokens, err := collect(c.List(t.Context()))
	if err != nil || len(tokens) != 3000 || len(tokens[2999].TokenActionResults) != 3 {
		t.Errorf("got %d tokens, %v", len(tokens), err)
	}
}

// Gateways put a Content-Type on answers that have no content.
func TestNoContentMayHaveAType(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	empty := httpmock.NewStringResponder(http.StatusNoContent, "").HeaderSet(http.Header{"Content-Type": {"text/html"}})
	mock.RegisterResponder(http.MethodDelete, itemURL, empty)
	mock.RegisterResponder(http.MethodPatch, itemURL, empty)
	mock.RegisterResponder(http.MethodGet, itemURL, httpmock.NewStringResponder(http.StatusOK, bareToken))
	if err := c.Delete(t.Context(), tokenID); err != nil {
		t.Error(err)
	}
	if token, err := c.Update(t.Context(), tokenID, vpptoken.NewPatch().SetDisplayName("x")); err != nil || token.ID != tokenID {
		t.Error(token, err)
	}
}

// A service that echoes the whole request tells neither the query nor the caller's own headers.
func TestErrorsHoldNoQueryAndNoHeader(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	mock.RegisterResponder(http.MethodGet, "=~.*", func(r *http.Request) (*http.Response, error) {
		echo := r.URL.String() + " " + r.URL.RawQuery + " " + strings.Join(r.Header["X-Api-Key"], "")
		plain := strings.ReplaceAll(echo, "%20", " ")
		return httpmock.NewJsonResponse(http.StatusBadRequest, map[string]any{"error": map[string]string{"code": echo, "message": echo + " " + plain}})
	})
	_, err := collect(c.List(t.Context(), vpptoken.WithFilter("displayName eq 'canary one'"), vpptoken.WithHeader("X-Api-Key", "canary-key")))
	var e *vpptoken.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if text := e.Error() + e.Message + e.Code; strings.Contains(text, "canary") || strings.Contains(text, "$filter") {
		t.Error(text)
	}
}

// An answer that came whole counts, even when the time is over right after it.
func TestAnswerAtTheDeadlineCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		rt := roundTripper(func(*http.Request) (*http.Response, error) {
			if n++; n == 1 {
				return nil, errors.New("reset")
			}
			time.Sleep(8 * time.Second)
			return httpmock.NewStringResponse(http.StatusNotFound, `{"error":{"code":"ResourceNotFound","message":"gone"}}`), nil
		})
		c, _ := newClient(t, vpptoken.WithHTTPClient(&http.Client{Transport: rt}))
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		if err := c.Delete(ctx, tokenID); err != nil {
			t.Error("the first attempt had deleted it:", err)
		}
	})
}

func TestBetaOnlyOrderIsRefusedOnV1(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, vpptoken.WithAPIVersion(vpptoken.VersionV1))
	_, err := collect(c.List(t.Context(), vpptoken.WithOrderBy("state", "displayName desc")))
	if !errors.Is(err, vpptoken.ErrNotInVersion) || !strings.Contains(err.Error(), "displayName") {
		t.Error(err)
	}
}

// What a Metadata holds is of the call that it was given to last.
func TestMetadataIsNotOfAnotherCall(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	mock.RegisterResponder(http.MethodGet, itemURL, httpmock.NewStringResponder(http.StatusOK, bareToken))
	var m vpptoken.Metadata
	if _, err := c.Get(t.Context(), tokenID, vpptoken.WithMetadata(&m)); err != nil || m.StatusCode != http.StatusOK {
		t.Fatal(m, err)
	}
	if _, err := c.Get(t.Context(), "..", vpptoken.WithMetadata(&m)); err == nil || m.StatusCode != 0 || m.ClientRequestID != "" {
		t.Error(m, err)
	}
}

func TestRootMustNotNameAVersion(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"https://graph.microsoft.com/beta", "https://graph.microsoft.com/v1.0/", "http://127.0.0.1:1/proxy/beta"} {
		if _, err := vpptoken.NewClient(new(countingSource), vpptoken.WithBaseURL(root)); err == nil || !strings.Contains(err.Error(), "version") {
			t.Errorf("%s: %v", root, err)
		}
	}
}

// A sync that was started is not lost because of what came back with it: nothing of the answer is needed to wait.
func TestStartedSyncIsNotLost(t *testing.T) {
	t.Parallel()
	for _, answer := range []httpmock.Responder{
		httpmock.NewStringResponder(http.StatusNoContent, ""),
		httpmock.NewStringResponder(http.StatusOK, `{"id":"`+tokenID+`","state":4711}`),
	} {
		c, mock := newClient(t)
		reads := 0
		mock.RegisterResponder(http.MethodGet, itemURL, func(*http.Request) (*http.Response, error) {
			if reads++; reads > 1 {
				return httpmock.NewStringResponse(http.StatusForbidden, ""), nil
			}
			return httpmock.NewStringResponse(http.StatusOK, bareToken), nil
		})
		mock.RegisterResponder(http.MethodPost, itemURL+"/syncLicenses", answer)
		if sync, err := c.StartSync(t.Context(), tokenID); err != nil || sync.TokenID != tokenID || reads != 1 {
			t.Errorf("%+v, %v after %d reads", sync, err, reads)
		}
	}
}

// What a caller's header holds stays out of an error also when the answer was a success that can't be used.
func TestUnusableSuccessEchoesNoHeader(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	mock.RegisterResponder(http.MethodGet, itemURL, httpmock.NewStringResponder(http.StatusOK, "{}").HeaderSet(http.Header{"Request-Id": {"canary-key"}}))
	_, err := c.Get(t.Context(), tokenID, vpptoken.WithHeader("X-Api-Key", "canary-key"))
	if err == nil || strings.Contains(err.Error(), "canary-key") {
		t.Error(err)
	}
}
