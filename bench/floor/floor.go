// Package floor is the program that a skilled user writes by hand on net/http, go-retryablehttp and
// oauth2: structs of pointers, encoding/json, and no more care than the job asks for. It is the
// measure of what the client costs.
package floor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/oauth2"
)

// Token is a vppToken, as it is read, and as the body of a PATCH: what is nil is left out.
type Token struct {
	ODataType                           *string         `json:"@odata.type,omitempty"`
	ID                                  *string         `json:"id,omitempty"`
	OrganizationName                    *string         `json:"organizationName,omitempty"`
	AccountType                         *string         `json:"vppTokenAccountType,omitempty"`
	AppleID                             *string         `json:"appleId,omitempty"`
	ExpirationDateTime                  *time.Time      `json:"expirationDateTime,omitempty"`
	LastSyncDateTime                    *time.Time      `json:"lastSyncDateTime,omitempty"`
	Token                               *string         `json:"token,omitempty"`
	LastModifiedDateTime                *time.Time      `json:"lastModifiedDateTime,omitempty"`
	State                               *string         `json:"state,omitempty"`
	TokenActionResults                  []*ActionResult `json:"tokenActionResults,omitempty"`
	LastSyncStatus                      *string         `json:"lastSyncStatus,omitempty"`
	AutomaticallyUpdateApps             *bool           `json:"automaticallyUpdateApps,omitempty"`
	CountryOrRegion                     *string         `json:"countryOrRegion,omitempty"`
	DataSharingConsentGranted           *bool           `json:"dataSharingConsentGranted,omitempty"`
	DisplayName                         *string         `json:"displayName,omitempty"`
	LocationName                        *string         `json:"locationName,omitempty"`
	ClaimTokenManagementFromExternalMDM *bool           `json:"claimTokenManagementFromExternalMdm,omitempty"`
	RoleScopeTagIDs                     []string        `json:"roleScopeTagIds,omitempty"`
	AppDeliveryProtocolType             *string         `json:"appleDeviceAppDeliveryProtocolType,omitempty"`
}

// ActionResult is a vppTokenActionResult or a vppTokenRevokeLicensesActionResult.
type ActionResult struct {
	ODataType           *string    `json:"@odata.type,omitempty"`
	ActionName          *string    `json:"actionName,omitempty"`
	ActionState         *string    `json:"actionState,omitempty"`
	StartDateTime       *time.Time `json:"startDateTime,omitempty"`
	LastUpdatedDateTime *time.Time `json:"lastUpdatedDateTime,omitempty"`
	ActionFailureReason *string    `json:"actionFailureReason,omitempty"`
	TotalLicensesCount  *int       `json:"totalLicensesCount,omitempty"`
	FailedLicensesCount *int       `json:"failedLicensesCount,omitempty"`
}

// Client makes the requests.
type Client struct {
	http       *retryablehttp.Client
	collection string
}

// New returns a client of the service at root, such as "https://graph.microsoft.com". Without a
// base, the transport of go-retryablehttp carries the requests.
func New(root string, ts oauth2.TokenSource, base http.RoundTripper) *Client {
	c := retryablehttp.NewClient()
	c.Logger = nil
	if base == nil {
		base = c.HTTPClient.Transport
	}
	c.HTTPClient.Transport = &oauth2.Transport{Source: oauth2.ReuseTokenSource(nil, ts), Base: base}
	return &Client{http: c, collection: root + "/beta/deviceAppManagement/vppTokens"}
}

// Update sends what is not nil in change and returns the token of the answer.
func (c *Client) Update(ctx context.Context, id string, change *Token) (*Token, error) {
	body, err := json.Marshal(change)
	if err != nil {
		return nil, err
	}
	var t Token
	if err := c.do(ctx, http.MethodPatch, c.collection+"/"+id, body, &t); err != nil {
		return nil, err
	}
	return &t, nil
}

// Get reads one token.
func (c *Client) Get(ctx context.Context, id string) (*Token, error) {
	var t Token
	if err := c.do(ctx, http.MethodGet, c.collection+"/"+id, nil, &t); err != nil {
		return nil, err
	}
	return &t, nil
}

// List reads all tokens, one page at a time.
func (c *Client) List(ctx context.Context) iter.Seq2[*Token, error] {
	return func(yield func(*Token, error) bool) {
		for url := c.collection; url != ""; {
			var page struct {
				NextLink string   `json:"@odata.nextLink"`
				Value    []*Token `json:"value"`
			}
			if err := c.do(ctx, http.MethodGet, url, nil, &page); err != nil {
				yield(nil, err)
				return
			}
			for _, t := range page.Value {
				if !yield(t, nil) {
					return
				}
			}
			url = page.NextLink
		}
	}
}

func (c *Client) do(ctx context.Context, method, url string, body []byte, into any) error {
	var payload any // a nil []byte would count as a body
	if body != nil {
		payload = body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, method, url, payload)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("client-request-id", newGUID())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
