package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/vpptoken/vpptoken"
)

// metadata is what is needed of a CSDL document
// (https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html).
type metadata struct {
	Schemas []struct {
		Namespace   string       `xml:"Namespace,attr"`
		EntityTypes []entityType `xml:"EntityType"`
		EnumTypes   []enumType   `xml:"EnumType"`
	} `xml:"DataServices>Schema"`
}

type entityType struct {
	Name       string     `xml:"Name,attr"`
	BaseType   string     `xml:"BaseType,attr"`
	Properties []property `xml:"Property"`
}

type property struct {
	Name     string `xml:"Name,attr"`
	Type     string `xml:"Type,attr"`
	Nullable string `xml:"Nullable,attr"` // absent means true
}

type enumType struct {
	Name    string `xml:"Name,attr"`
	Members []struct {
		Name string `xml:"Name,attr"`
	} `xml:"Member"`
}

const namespace = "microsoft.graph"

func readMetadata(name string) (*metadata, error) {
	f, err := os.Open(name) //nolint:gosec // the file that was asked for
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var m metadata
	if err := xml.NewDecoder(f).Decode(&m); err != nil { //nolint:gosec // it fills plain strings
		return nil, fmt.Errorf("the metadata can't be read: %w", err)
	}
	return &m, nil
}

func (m *metadata) entity(name string) *entityType {
	for _, s := range m.Schemas {
		for i := range s.EntityTypes {
			if s.Namespace == namespace && s.EntityTypes[i].Name == name {
				return &s.EntityTypes[i]
			}
		}
	}
	return nil
}

// properties returns those of an entity, inherited ones first.
func (m *metadata) properties(name string) (all []property, err error) {
	for range 16 { // no chain of base types is that long
		e := m.entity(name)
		if e == nil {
			return nil, fmt.Errorf("the metadata has no %s", name)
		}
		all = append(slices.Clone(e.Properties), all...)
		if e.BaseType == "" {
			return all, nil
		}
		name = plain(e.BaseType)
	}
	return nil, errors.New("the base types of the metadata lead in a circle")
}

// compare reports what the metadata of a version has and the facts lack, and vice versa.
func (m *metadata) compare(facts []fact, version string) (differences []string, err error) {
	properties, err := m.properties("vppToken")
	if err != nil {
		return nil, err
	}
	note := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	for _, p := range properties {
		i := slices.IndexFunc(facts, func(f fact) bool { return f.name == p.Name })
		switch {
		case i < 0:
			note("new property %s (%s)", p.Name, plain(p.Type))
		case !slices.Contains(facts[i].versions, version):
			note("property %s is in this version now", p.Name)
		case plain(facts[i].typ) != plain(p.Type):
			note("property %s is %s, known as %s", p.Name, plain(p.Type), plain(facts[i].typ))
		case !isCollection(p) && facts[i].nullable != (p.Nullable != "false"):
			note("property %s: nullable is %t, known as %t", p.Name, p.Nullable != "false", facts[i].nullable)
		}
	}
	for _, f := range facts {
		gone := !slices.ContainsFunc(properties, func(p property) bool { return p.Name == f.name })
		if gone && slices.Contains(f.versions, version) {
			note("property %s is gone", f.name)
		}
	}
	return append(differences, m.newWords()...), nil
}

// isCollection: there Nullable speaks of the elements.
func isCollection(p property) bool { return strings.HasPrefix(p.Type, "Collection(") }

// newWords lists the members of enums for which this module has no constant. A missing member is no
// news: versions differ.
func (m *metadata) newWords() (differences []string) {
	known := map[string][]string{
		"vppTokenAccountType":         words(vpptoken.AccountType("").Values()),
		"vppTokenState":               words(vpptoken.State("").Values()),
		"vppTokenSyncStatus":          words(vpptoken.SyncStatus("").Values()),
		"actionState":                 words(vpptoken.ActionState("").Values()),
		"vppTokenActionFailureReason": words(vpptoken.ActionFailureReason("").Values()),
		"appleDeviceDeliveryProtocol": words(vpptoken.DeliveryProtocol("").Values()),
	}
	for _, s := range m.Schemas {
		for _, e := range s.EnumTypes {
			list, ok := known[e.Name]
			if s.Namespace != namespace || !ok {
				continue
			}
			for _, member := range e.Members {
				if !slices.Contains(list, member.Name) {
					differences = append(differences, fmt.Sprintf("new word %s of %s", member.Name, e.Name))
				}
			}
		}
	}
	return differences
}

func words[T ~string](values []T) (all []string) {
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}

// plain strips the namespaces and their alias from a type.
func plain(typ string) string {
	return strings.NewReplacer("microsoft.graph.", "", "graph.", "", "Edm.", "").Replace(typ)
}
