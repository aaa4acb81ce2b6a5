package vpptokentest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/vpptoken/vpptoken"
)

// property is a row of Microsoft's table: how it is written in answers, and what a body may hold for it.
type property struct {
	name     string
	typ      string // as the metadata calls it
	nullable bool
	beta     bool // v1.0 does not have it
	encode   func(b []byte, t *vpptoken.VPPToken) []byte
	decode   func(t *vpptoken.VPPToken, value []byte, beta bool) bool // false: not of the type; nil: not in a body
}

// schema is the table, in its order.
func schema() []property {
	type token = vpptoken.VPPToken
	return []property{
		{name: "id", typ: "Edm.String", encode: func(b []byte, t *token) []byte { return appendJSON(b, t.ID) }},
		text("organizationName", func(t *token) *string { return &t.OrganizationName }),
		word("vppTokenAccountType", "microsoft.graph.vppTokenAccountType",
			func(t *token) *vpptoken.AccountType { return &t.AccountType }),
		text("appleId", func(t *token) *string { return &t.AppleID }),
		when("expirationDateTime", func(t *token) *time.Time { return &t.ExpirationDateTime }),
		when("lastSyncDateTime", func(t *token) *time.Time { return &t.LastSyncDateTime }),
		{
			name: "token", typ: "Edm.String", nullable: true,
			encode: func(b []byte, _ *token) []byte { return append(b, "null"...) },
			decode: func(t *token, value []byte, _ bool) bool {
				var s string
				ok := json.Unmarshal(value, &s) == nil
				t.Token = vpptoken.NewSecret(s)
				return ok
			},
		},
		when("lastModifiedDateTime", func(t *token) *time.Time { return &t.LastModifiedDateTime }),
		state("state"),
		onBeta(results("tokenActionResults")),
		word("lastSyncStatus", "microsoft.graph.vppTokenSyncStatus",
			func(t *token) *vpptoken.SyncStatus { return &t.LastSyncStatus }),
		truth("automaticallyUpdateApps", func(t *token) *bool { return &t.AutomaticallyUpdateApps }),
		text("countryOrRegion", func(t *token) *string { return &t.CountryOrRegion }),
		onBeta(truth("dataSharingConsentGranted", func(t *token) *bool { return &t.DataSharingConsentGranted })),
		onBeta(text("displayName", func(t *token) *string { return &t.DisplayName })),
		onBeta(text("locationName", func(t *token) *string { return &t.LocationName })),
		onBeta(truth("claimTokenManagementFromExternalMdm", func(t *token) *bool { return &t.ClaimTokenManagementFromExternalMDM })),
		onBeta(texts("roleScopeTagIds", func(t *token) *[]string { return &t.RoleScopeTagIDs })),
		onBeta(delivery("appleDeviceAppDeliveryProtocolType")),
	}
}

func onBeta(p property) property {
	p.beta = true
	return p
}

// plain is a property whose value encoding/json reads and writes as the service does.
func plain[T any](name, typ string, field func(*vpptoken.VPPToken) *T) property {
	return property{
		name: name, typ: typ,
		encode: func(b []byte, t *vpptoken.VPPToken) []byte { return appendJSON(b, *field(t)) },
		decode: func(t *vpptoken.VPPToken, value []byte, _ bool) bool {
			var v T
			ok := json.Unmarshal(value, &v) == nil
			*field(t) = v
			return ok
		},
	}
}

func truth(name string, field func(*vpptoken.VPPToken) *bool) property {
	return plain(name, "Edm.Boolean", field)
}

func when(name string, field func(*vpptoken.VPPToken) *time.Time) property {
	return plain(name, "Edm.DateTimeOffset", field)
}

// text is null when it is empty: a VPPToken does not tell the two apart.
func text(name string, field func(*vpptoken.VPPToken) *string) property {
	p := plain(name, "Edm.String", field)
	p.nullable = true
	p.encode = func(b []byte, t *vpptoken.VPPToken) []byte { return appendText(b, *field(t)) }
	return p
}

func texts(name string, field func(*vpptoken.VPPToken) *[]string) property {
	p := plain(name, "Collection(Edm.String)", field)
	p.encode = func(b []byte, t *vpptoken.VPPToken) []byte {
		if len(*field(t)) == 0 {
			return append(b, "[]"...)
		}
		return appendJSON(b, *field(t))
	}
	decode := p.decode
	p.decode = func(t *vpptoken.VPPToken, value []byte, beta bool) bool {
		elements, ok := array(value)
		return ok && !slices.ContainsFunc(elements, isNull) && decode(t, value, beta)
	}
	return p
}

// known is an enum of the root package.
type known interface {
	~string
	IsKnown() bool
}

// word is an enum: a body may hold only the words of the metadata.
func word[T known](name, typ string, field func(*vpptoken.VPPToken) *T) property {
	p := plain(name, typ, field)
	decode := p.decode
	p.decode = func(t *vpptoken.VPPToken, value []byte, beta bool) bool {
		return decode(t, value, beta) && (*field(t)).IsKnown()
	}
	return p
}

// state lacks a word on v1.0.
func state(name string) property {
	p := word(name, "microsoft.graph.vppTokenState", func(t *vpptoken.VPPToken) *vpptoken.State { return &t.State })
	decode := p.decode
	p.decode = func(t *vpptoken.VPPToken, value []byte, beta bool) bool {
		return decode(t, value, beta) && (beta || t.State != vpptoken.StateDuplicateLocationID)
	}
	return p
}

// delivery has a word that Graph accepts in a body and ignores.
func delivery(name string) property {
	field := func(t *vpptoken.VPPToken) *vpptoken.DeliveryProtocol { return &t.AppDeliveryProtocolType }
	p := word(name, "microsoft.graph.appleDeviceDeliveryProtocol", field)
	decode := p.decode
	p.decode = func(t *vpptoken.VPPToken, value []byte, beta bool) bool {
		before := *field(t)
		ok := decode(t, value, beta)
		if *field(t) == vpptoken.DeliveryProtocolUnknownFutureValue {
			*field(t) = before
		}
		return ok
	}
	return p
}

func results(name string) property {
	return property{
		name: name, typ: "Collection(microsoft.graph.vppTokenActionResult)",
		encode: func(b []byte, t *vpptoken.VPPToken) []byte {
			b = append(b, '[')
			for i := range t.TokenActionResults {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendResult(b, &t.TokenActionResults[i])
			}
			return append(b, ']')
		},
		decode: func(t *vpptoken.VPPToken, value []byte, _ bool) bool {
			elements, ok := array(value)
			t.TokenActionResults = make([]vpptoken.ActionResult, len(elements))
			for i, e := range elements {
				ok = ok && decodeResult(e, &t.TokenActionResults[i])
			}
			return ok
		},
	}
}

// view is how much of a token an answer shows.
type view struct {
	beta    bool
	context string          // the @odata.context; "" for an element of a list
	only    map[string]bool // from $select; nil for everything
}

// encode writes every property of the version, as Graph does, and then those of Extra.
func (g *tenant) encode(t *vpptoken.VPPToken, v view) []byte {
	b := make([]byte, 0, 1024)
	put := func(name string) {
		sep := byte(',')
		if len(b) == 0 {
			sep = '{'
		}
		b = append(appendJSON(append(b, sep), name), ':')
	}
	if v.context != "" {
		put("@odata.context")
		b = appendJSON(b, v.context)
	}
	if t.ODataType != "" {
		put("@odata.type")
		b = appendJSON(b, t.ODataType)
	}
	for _, p := range g.schema {
		if p.beta && !v.beta || v.only != nil && !v.only[p.name] {
			continue
		}
		put(p.name)
		b = p.encode(b, t)
	}
	if v.only == nil {
		for _, name := range slices.Sorted(maps.Keys(t.Extra)) {
			put(name)
			b = append(b, t.Extra[name]...)
		}
	}
	return append(b, '}')
}

// property finds a property by its exact name.
func (g *tenant) property(name string, beta bool) (property, bool) {
	for _, p := range g.schema {
		if p.name == name && (beta || !p.beta) {
			return p, true
		}
	}
	return property{}, false
}

func isNull(value json.RawMessage) bool { return string(bytes.TrimSpace(value)) == "null" }

func array(value []byte) (elements []json.RawMessage, ok bool) {
	return elements, json.Unmarshal(value, &elements) == nil && elements != nil
}

// appendJSON adds nothing when v has no JSON, as a time in the year 10000; Add and Edit see to it that there is none.
func appendJSON(b []byte, v any) []byte {
	encoded, err := json.Marshal(v)
	if err != nil {
		return b
	}
	return append(b, encoded...)
}

func appendText[T ~string](b []byte, s T) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendJSON(b, s)
}
