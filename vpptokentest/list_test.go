package vpptokentest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

type listPage struct {
	Count    *int             `json:"@odata.count"`
	NextLink string           `json:"@odata.nextLink"`
	Context  string           `json:"@odata.context"`
	Value    []map[string]any `json:"value"`
}

func (s *service) page(link string) listPage {
	s.t.Helper()
	r := s.send("GET", link, "")
	var p listPage
	if err := json.Unmarshal([]byte(r.body), &p); err != nil || r.status != 200 {
		s.t.Fatalf("GET %s: %d %v %s", link, r.status, err, r.body)
	}
	return p
}

// all follows the links from link and returns the ids, and how many each page had.
func (s *service) all(link string) (ids []string, sizes []int) {
	s.t.Helper()
	for link != "" {
		p := s.page(link)
		for _, m := range p.Value {
			id, _ := m["id"].(string)
			ids = append(ids, id)
		}
		sizes = append(sizes, len(p.Value))
		link = p.NextLink
	}
	return ids, sizes
}

func addMany(s *service, n int) (ids []string) {
	for i := range n {
		ids = append(ids, s.Add(vpptoken.VPPToken{ID: fmt.Sprintf("token-%04d", i), DisplayName: "Token"}))
	}
	return ids
}

func TestPaging(t *testing.T) {
	t.Parallel()
	s := newService(t)
	want := addMany(s, 250)
	for _, tt := range []struct {
		query string
		skip  int
		sizes []int
	}{
		{"", 0, []int{100, 100, 50}},
		{"?$top=100", 0, []int{100, 100, 50}},
		{"?$top=250", 0, []int{250}},
		{"?$top=125", 0, []int{125, 125}},
		{"?$top=1000000", 0, []int{250}},
		{"?%24top=240", 0, []int{240, 10}},
		{"?$top=90&$skip=10", 10, []int{90, 90, 60}},
		{"?$skip=250", 250, []int{0}},
		{"?$skip=999", 250, []int{0}},
		{"?$top=90&other=1", 0, []int{90, 90, 70}},
	} {
		ids, sizes := s.all("/v1.0" + collection + tt.query)
		if !slices.Equal(ids, want[tt.skip:]) || !slices.Equal(sizes, tt.sizes) {
			t.Errorf("%q: %d tokens on pages of %v, want %d on pages of %v, in order",
				tt.query, len(ids), sizes, len(want)-tt.skip, tt.sizes)
		}
	}
}

func TestNextLink(t *testing.T) {
	t.Parallel()
	s := newService(t)
	addMany(s, 3)
	p := s.page("/beta" + collection + "?$top=2&$count=true&$select=displayName,id")
	if p.Count == nil || *p.Count != 3 {
		t.Errorf("@odata.count = %v, want 3", p.Count)
	}
	if want := s.URL() + "/beta/$metadata#deviceAppManagement/vppTokens(displayName,id)"; p.Context != want {
		t.Errorf("@odata.context = %s, want %s", p.Context, want)
	}
	link, err := url.Parse(p.NextLink)
	if err != nil {
		t.Fatal(err)
	}
	if got := link.Scheme + "://" + link.Host + link.Path; got != s.URL()+"/beta"+collection {
		t.Errorf("the next link leads to %s", got)
	}
	if link.Query().Get("$skiptoken") == "" || link.Query().Get("$top") != "2" {
		t.Errorf("next link = %s, want $top and a $skiptoken", p.NextLink)
	}
	p = s.page(p.NextLink)
	if len(p.Value) != 1 || p.NextLink != "" || len(p.Value[0]) != 2 || p.Value[0]["id"] != "token-0002" {
		t.Errorf("last page = %v", p)
	}
	if p := s.page("/beta" + collection + "?$count=false"); p.Count != nil {
		t.Errorf("@odata.count = %d, want none", *p.Count)
	}
	m := s.want(s.send("GET", "/beta"+collection+"/token-0000?$select=state", ""), 200)
	if len(m) != 2 || m["state"] != "valid" {
		t.Errorf("$select=state gives %v", m)
	}
}

// A token that goes between two pages makes no other one appear twice or not at all.
func TestPagingWhileTokensGo(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ids := addMany(s, 6)
	p := s.page("/beta" + collection + "?$top=3")
	for _, id := range []string{ids[0], ids[2], ids[3]} {
		s.send("DELETE", "/beta"+collection+"/"+id, "")
	}
	rest, _ := s.all(p.NextLink)
	if !slices.Equal(rest, ids[4:]) {
		t.Errorf("after three deletions the second page has %v, want %v", rest, ids[4:])
	}
}

func TestThousandsOfTokens(t *testing.T) {
	t.Parallel()
	s := newService(t, vpptokentest.WithCountRoute())
	want := addMany(s, 3200)
	ids, sizes := s.all("/beta" + collection + "?$top=5000")
	if !slices.Equal(ids, want) || !slices.Equal(sizes, []int{1000, 1000, 1000, 200}) {
		t.Errorf("%d tokens on pages of %v, want 3200 on pages of at most 1000", len(ids), sizes)
	}
	if r := s.send("GET", "/beta"+collection+"/$count", ""); strings.TrimPrefix(r.body, "\uFEFF") != "3200" {
		t.Errorf("count = %q", r.body)
	}
}
