package vpptokentest

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/vpptoken/vpptoken"
)

const tokenType = "microsoft.graph.vppToken"

// member is a property of a JSON object with the text of its value.
type member struct {
	name  string
	value json.RawMessage
}

// members splits a request body into its properties. It refuses what isn't a JSON object as Graph
// accepts it.
func members(contentType string, body []byte) ([]member, *problem) {
	if len(body) == 0 {
		return nil, badRequest("Empty Payload. JSON content expected.")
	}
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != "application/json" {
		return nil, &problem{
			http.StatusUnsupportedMediaType, "UnsupportedMediaType", "The Content-Type of a body is application/json.", nil,
		}
	}
	list, err := object(body)
	if err != nil {
		return nil, badRequest("Unable to read JSON request payload: %v.", err)
	}
	return list, nil
}

func object(text []byte) ([]member, error) {
	switch value := jsontext.Value(text); {
	case value.IsValid():
	case value.IsValid(jsontext.AllowInvalidUTF8(true)):
		return nil, errors.New("not valid UTF-8")
	case value.IsValid(jsontext.AllowDuplicateNames(true)):
		return nil, errors.New("a property appears twice in one object")
	default:
		return nil, errors.New("malformed")
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(text))
	if d.PeekKind() != '{' {
		return nil, errors.New("no object")
	}
	var list []member
	for _, err := d.ReadToken(); err == nil && d.PeekKind() != '}'; { // it is valid, so there are no errors
		name, _ := d.ReadToken()
		m := member{name: name.String()}
		value, _ := d.ReadValue()
		m.value = bytes.Clone(value)
		list = append(list, m)
	}
	return list, nil
}

// merge writes the properties of a body into t, which is the caller's copy. It goes by way of an
// answer, so that t knows afterward which texts are empty and which are null.
func (g *tenant) merge(t *vpptoken.VPPToken, list []member, beta bool) *problem {
	changes := make(map[string]json.RawMessage)
	for _, m := range list {
		if m.name == "@odata.type" {
			if !isType(m.value, tokenType) {
				return badRequest("The @odata.type of the body is not '#%s'.", tokenType)
			}
			continue
		}
		p, ok := g.property(m.name, beta)
		switch {
		case !ok:
			return badRequest("The property '%s' does not exist on type '%s'. "+
				"Make sure to only use property names that are defined by the type.", short(m.name), tokenType)
		case !p.settable:
			return badRequest("The property '%s' is made by the service and can't be part of a body.", p.name)
		case isNull(m.value) && !p.nullable:
			return badRequest("Null in property '%s', which is not nullable.", p.name)
		case !p.takes(m.value, beta):
			return badRequest("The value of property '%s' can't be converted to its type.", p.name)
		case string(m.value) == `"unknownFutureValue"` && p.name == "appleDeviceAppDeliveryProtocolType":
			// Graph accepts it and ignores it.
		default:
			changes[m.name] = m.value
		}
	}
	var merged vpptoken.VPPToken
	if err := json.Unmarshal(g.encode(t, view{beta: true, instead: changes}), &merged); err != nil {
		return badRequest("The body does not make a token.")
	}
	if _, ok := changes["token"]; !ok {
		merged.Token = t.Token
	}
	*t = merged
	return nil
}

// isType accepts a type with and without #.
func isType(value json.RawMessage, names ...string) bool {
	var got string
	if isNull(value) || json.Unmarshal(value, &got) != nil {
		return false
	}
	for _, name := range names {
		if got == name || got == "#"+name {
			return true
		}
	}
	return false
}

// flags reads the body of an action whose parameters are all booleans. What is absent is false.
func flags(contentType string, body []byte, known map[string]*bool) *problem {
	list, p := members(contentType, body)
	if p != nil {
		return p
	}
	for _, m := range list {
		into := known[m.name]
		switch {
		case into == nil:
			return badRequest("The parameter '%s' in the request payload is not a valid parameter for the operation.",
				short(m.name))
		case isNull(m.value) || json.Unmarshal(m.value, into) != nil:
			return badRequest("The value of parameter '%s' can't be converted to type 'Edm.Boolean'.", m.name)
		}
	}
	return nil
}

// nothing checks the body of an operation that has none: an empty object is let through.
func nothing(contentType string, body []byte) *problem {
	if len(body) == 0 {
		return nil
	}
	return flags(contentType, body, nil)
}
