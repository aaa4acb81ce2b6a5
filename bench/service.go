package bench

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// InMemory is the address under which a Service is its own transport.
const InMemory = "https://graph.microsoft.com"

// PageSize is how many tokens a page of a Service holds.
const PageSize = 999

// TokenID is the id of the token that a Service lets be read and changed.
const TokenID = "00000000-0000-4000-8000-000000000007"

const collection = "/beta/deviceAppManagement/vppTokens"

// Service holds the answers of Microsoft Graph, made once, so that what is measured is the client.
// It is a transport and a handler.
type Service struct {
	answers map[string][]byte // by path and query
	header  http.Header
}

// NewService returns a service at root whose list has that many tokens.
func NewService(root string, tokens int) *Service {
	s := &Service{answers: make(map[string][]byte), header: http.Header{
		"Content-Type": {
			"application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
		},
		"Request-Id": {"0d9a4d15-94c4-4b1c-8d5c-5e2f3a5a1a11"},
		"Date":       {"Fri, 20 Nov 2026 15:00:00 GMT"},
	}}
	link := collection
	for first := 0; first < tokens; first += PageSize {
		page := fmt.Appendf(nil, `{"@odata.context":"%s/beta/$metadata#deviceAppManagement/vppTokens",`, root)
		next := fmt.Sprintf("%s?$skiptoken=%06d", collection, first+PageSize)
		if first+PageSize < tokens {
			page = fmt.Appendf(page, `"@odata.nextLink":"%s%s",`, root, next)
		}
		page = append(page, `"value":[`...)
		for i := first; i < min(first+PageSize, tokens); i++ {
			if i > first {
				page = append(page, ',')
			}
			page = appendToken(append(page, '{'), i)
		}
		s.answers[link] = append(page, "]}"...)
		link = next
	}
	entity := fmt.Appendf(nil, `{"@odata.context":"%s/beta/$metadata#deviceAppManagement/vppTokens/$entity",`, root)
	s.answers[collection+"/"+TokenID] = appendToken(append(entity, `"@odata.type":"#microsoft.graph.vppToken",`...), 7)
	return s
}

// appendToken writes the members of token number i. One in ten has a property that the client does
// not know, one in eight the result of a revocation, one in five no names, and the rest what most
// tokens of a tenant look like.
func appendToken(b []byte, i int) []byte {
	b = fmt.Appendf(b, `"id":"00000000-0000-4000-8000-%012d","organizationName":"Nordwind School District","vppTokenAccountType":"education",`, i)
	b = fmt.Appendf(b, `"appleId":"apps-%d@nordwind.example","expirationDateTime":"2027-03-01T17:09:22Z",`, i)
	b = append(b, `"lastSyncDateTime":"2026-11-20T14:50:53.4972449Z","token":null,"lastModifiedDateTime":"2026-11-20T14:50:53.5002993Z",`...)
	results := ""
	if i%8 == 0 {
		results = `{"@odata.type":"#microsoft.graph.vppTokenRevokeLicensesActionResult","actionName":"revokeLicenses","actionState":"failed",` +
			`"startDateTime":"2026-11-19T07:00:00Z","lastUpdatedDateTime":"2026-11-19T07:05:00.5Z",` +
			`"actionFailureReason":"appleFailure","totalLicensesCount":40,"failedLicensesCount":3}`
	}
	b = fmt.Appendf(b,
		`"state":"valid","tokenActionResults":[%s],"lastSyncStatus":"completed","automaticallyUpdateApps":true,`,
		results)
	b = append(b, `"countryOrRegion":"no","dataSharingConsentGranted":true,`...)
	if i%5 == 4 {
		b = append(b, `"displayName":null,"locationName":null,`...)
	} else {
		b = fmt.Appendf(b, `"displayName":"Nordwind, school %d","locationName":"Nordwind %d",`, i, i)
	}
	b = append(b, `"claimTokenManagementFromExternalMdm":false,"roleScopeTagIds":["0"],"appleDeviceAppDeliveryProtocolType":"default"`...)
	if i%10 == 9 {
		b = fmt.Appendf(b, `,"lastAppCount":%d`, i)
	}
	return append(b, '}')
}

// RoundTrip answers in memory. The header is shared: the clients only read it.
func (s *Service) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, err := io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	body, status := s.answer(req)
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}, nil
}

// ServeHTTP answers over a connection.
func (s *Service) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	body, status := s.answer(req)
	maps.Copy(w.Header(), s.header)
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (s *Service) answer(req *http.Request) ([]byte, int) {
	key := req.URL.Path
	if req.URL.RawQuery != "" {
		key += "?" + req.URL.RawQuery
	}
	body, ok := s.answers[key]
	if !ok {
		return []byte(`{"error":{"code":"ResourceNotFound","message":"no such address"}}`), http.StatusNotFound
	}
	return body, http.StatusOK
}

// Serve starts a service on loopback and returns its root.
func Serve(tokens int) (root string, server *httptest.Server) {
	server = httptest.NewUnstartedServer(nil)
	root = "http://" + server.Listener.Addr().String()
	server.Config.Handler = NewService(root, tokens)
	server.Start()
	return root, server
}
