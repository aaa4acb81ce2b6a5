package vpptokentest_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
)

// fact is a row of the table of properties.
type fact struct {
	name, typ    string
	nullable, v1 bool
}

func facts(t *testing.T) (all []fact) {
	t.Helper()
	text, err := os.ReadFile("../testdata/properties.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatal(rows, err)
	}
	for _, r := range rows[1:] {
		all = append(all, fact{r[0], r[1], r[2] == "true", strings.HasPrefix(r[3], "v1.0")})
	}
	return all
}

// value is a value in JSON that the server must take for a property of that type, and one that it
// must refuse.
func value(t *testing.T, typ string) (good, bad string) {
	t.Helper()
	word := func(words []string) (good, bad string) { return `"` + words[1] + `"`, `"madeUp"` }
	switch typ {
	case "Edm.String":
		return `"x"`, `1`
	case "Edm.Boolean":
		return `true`, `"true"`
	case "Edm.DateTimeOffset":
		return `"2027-11-20T18:13:52.25+02:00"`, `"2027-11-20"`
	case "Collection(Edm.String)":
		return `["0","7"]`, `["0",null]`
	case "Collection(microsoft.graph.vppTokenActionResult)":
		return `[{"actionName":"x","actionState":"done","startDateTime":"2027-11-20T18:13:52Z","lastUpdatedDateTime":"2027-11-20T18:13:52Z"}]`, `[{"actionState":"madeUp"}]`
	case "microsoft.graph.vppTokenAccountType":
		return word(words(vpptoken.AccountType("").Values()))
	case "microsoft.graph.vppTokenState":
		return word(words(vpptoken.State("").Values()))
	case "microsoft.graph.vppTokenSyncStatus":
		return word(words(vpptoken.SyncStatus("").Values()))
	case "microsoft.graph.appleDeviceDeliveryProtocol":
		return word(words(vpptoken.DeliveryProtocol("").Values()))
	}
	t.Fatalf("no value of type %s", typ)
	return "", ""
}

func words[T ~string](values []T) (all []string) {
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}

// The server shows, selects and takes the properties of the table, by its types, nulls and
// versions.
func TestServerFollowsTheFacts(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, version := range []string{"beta", "v1.0"} {
		s.Add(vpptoken.VPPToken{ID: "one"})
		path := "/" + version + collection + "/one"
		var want []string
		for _, f := range facts(t) {
			if version == "beta" || f.v1 {
				want = append(want, f.name)
			}
		}
		if diff := cmp.Diff(want, names(t, s.send("GET", path, "").body)); diff != "" {
			t.Errorf("%s (-table +got):\n%s", version, diff)
		}
		for _, f := range facts(t) {
			in := slices.Contains(want, f.name)
			good, bad := value(t, f.typ)
			for _, tt := range []struct {
				method, path, body string
				ok                 bool
			}{
				{"GET", path + "?$select=" + f.name, "", in},
				{"PATCH", path, `{"` + f.name + `":null}`, in && f.nullable},
				{"PATCH", path, `{"` + f.name + `":` + bad + `}`, false},
				{"PATCH", path, `{"` + f.name + `":` + good + `}`, in && f.name != "id"},
			} {
				if r := s.send(tt.method, tt.path, tt.body); r.status != 200 && tt.ok || r.status != 400 && !tt.ok {
					t.Errorf("%s %s %s: %d %s", tt.method, tt.path, tt.body, r.status, r.body)
				}
			}
			got := s.get("one")[f.name]
			if in && f.name != "id" && f.name != "token" && encoded(t, got) != compact(t, good) {
				t.Errorf("%s: %s after a PATCH of %s", f.name, encoded(t, got), good)
			}
		}
	}
}

// names are the names of an object but for annotations, in order.
func names(t *testing.T, object string) (all []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(object))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := name.(string); ok && !strings.HasPrefix(s, "@") {
			all = append(all, s)
		}
		if err := d.Decode(new(json.RawMessage)); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// compact writes text as encoded writes what was read from it.
func compact(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return encoded(t, v)
}

// A text that was set to be empty is not null, so that a client can tell the two apart.
func TestEmptyIsNotNull(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Add(vpptoken.VPPToken{ID: "one"})
	for _, step := range []struct{ body, want string }{
		{`{"appleId":"","automaticallyUpdateApps":true}`, `""`},
		{`{"displayName":"x"}`, `""`},
		{`{"appleId":null}`, "null"},
		{`{"appleId":"a"}`, `"a"`},
		{`{"appleId":""}`, `""`},
	} {
		s.patch("one", step.body)
		if got := encoded(t, s.get("one")["appleId"]); got != step.want {
			t.Errorf("after %s: %s, want %s", step.body, got, step.want)
		}
	}
	s.Edit("one", func(token *vpptoken.VPPToken) { token.AppleID = "b" })
	if got := s.get("one")["appleId"]; got != "b" {
		t.Errorf("after an edit: %v", got)
	}
}
