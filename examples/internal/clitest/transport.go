package clitest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken/vpptokentest"
)

// Through returns a context in which a program sends everything, the sign-in too, through
// transport.
func Through(ctx context.Context, transport http.RoundTripper) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: transport})
}

// Answer is an answer to r with a body of JSON.
func Answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// Forward lets srv answer a request that is for another host. The links in the answer lead to that
// host, as the real service's do.
func Forward(r *http.Request, srv *vpptokentest.Server) (*http.Response, error) {
	root, err := url.Parse(srv.URL())
	if err != nil {
		return nil, err
	}
	host := r.URL.Host
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = root.Scheme, root.Host, ""
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	body = bytes.ReplaceAll(body, []byte(srv.URL()), []byte("https://"+host))
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer.Header.Del("Content-Length")
	return answer, nil
}
