package vpptokentest

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/vpptoken/vpptoken"
)

func (g *tenant) list(c *call) (answer, *problem) {
	wanted, p := g.page(c)
	if p != nil {
		return answer{}, p
	}
	rest := g.after(wanted.after)
	rest = rest[min(wanted.skip, len(rest)):]
	shown := rest[:min(wanted.top, len(rest))]

	b := appendJSON([]byte(`{"@odata.context":`), c.context(wanted.sel.context))
	if wanted.count {
		b = strconv.AppendInt(append(b, `,"@odata.count":`...), int64(len(g.entries)), 10)
	}
	if len(shown) < len(rest) {
		next := c.collection() + "?" + wanted.link + "$skiptoken=" + skipToken(shown[len(shown)-1].number)
		b = appendJSON(append(b, `,"@odata.nextLink":`...), next)
	}
	b = append(b, `,"value":[`...)
	for i, e := range shown {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, g.encode(e.read(), view{beta: c.beta, only: wanted.sel.only})...)
	}
	return answer{status: http.StatusOK, body: append(b, "]}"...)}, nil
}

func (g *tenant) get(c *call) (answer, *problem) {
	options, p := c.options("$select")
	if p != nil {
		return answer{}, p
	}
	e, p := g.find(c)
	if p != nil {
		return answer{}, p
	}
	var sel selection
	if value, ok := options["$select"]; ok {
		if sel, p = g.selection(value, c.beta); p != nil {
			return answer{}, p
		}
	}
	return g.entity(c, http.StatusOK, e.read(), sel), nil
}

func (g *tenant) create(c *call) (answer, *problem) {
	list, p := c.entityBody()
	if p != nil {
		return answer{}, p
	}
	t := vpptoken.VPPToken{ID: newGUID(), LastModifiedDateTime: c.now}
	if p := g.merge(&t, list, c.beta); p != nil {
		return answer{}, p
	}
	if t.Token.IsZero() {
		return answer{}, badRequest("A vppToken can't be created without a value of property 'token'.")
	}
	e := fresh(t, c.now)
	g.append(e)
	if t.State == "" {
		g.locate(e)
	}
	return g.entity(c, http.StatusCreated, e.peek(), selection{}), nil
}

func (g *tenant) update(c *call) (answer, *problem) {
	list, p := c.entityBody()
	if p != nil {
		return answer{}, p
	}
	e, p := g.find(c)
	if p != nil {
		return answer{}, p
	}
	t := cloned(e.token)
	t.LastModifiedDateTime = c.now
	if p := g.merge(&t, list, c.beta); p != nil {
		return answer{}, p
	}
	has := func(name string) bool {
		return slices.ContainsFunc(list, func(m member) bool { return m.name == name })
	}
	if has("token") {
		e.uploaded = readContent(t.Token)
	}
	if has("tokenActionResults") {
		e.revoking = nil
	}
	g.put(e, t, has("state"))
	return g.entity(c, http.StatusOK, e.peek(), selection{}), nil
}

func (g *tenant) delete(c *call) (answer, *problem) {
	if _, p := c.options(); p != nil {
		return answer{}, p
	}
	e, p := g.find(c)
	if p != nil {
		return answer{}, p
	}
	i := len(g.entries) - len(g.after(e.number-1))
	g.entries = slices.Delete(g.entries, i, i+1)
	delete(g.byID, c.id)
	g.locate(nil)
	return answer{status: http.StatusNoContent}, nil
}

func (g *tenant) count(c *call) (answer, *problem) {
	if !g.countRoute {
		return answer{}, noRoute()
	}
	if _, p := c.options(); p != nil {
		return answer{}, p
	}
	if !c.accepts("text/plain") {
		return answer{}, &problem{
			http.StatusNotAcceptable, "NotAcceptable", "A count is text/plain, which the Accept header does not ask for.", nil,
		}
	}
	body := "\uFEFF" + strconv.Itoa(len(g.entries))
	return answer{status: http.StatusOK, contentType: "text/plain", body: []byte(body)}, nil
}

func (g *tenant) syncLicenses(c *call) (answer, *problem) {
	e, p := g.findFor(c, nothing(c.contentType, c.body))
	if p != nil {
		return answer{}, p
	}
	if g.refuseSyncs != 0 && e.syncs() {
		return answer{}, &problem{status: g.refuseSyncs}
	}
	before := *e.peek() // the answer knows nothing yet of the sync that it starts
	e.start(c.now, g.syncFor)
	return g.entity(c, http.StatusOK, &before, selection{}), nil
}

// revokeLicenses leaves an action result, which says how far it is.
func (g *tenant) revokeLicenses(c *call) (answer, *problem) {
	var notify, untracked bool
	e, p := g.findFor(c, flags(c.contentType, c.body, map[string]*bool{
		"notifyManagedDevices": &notify, "revokeUntrackedLicenses": &untracked,
	}))
	if p != nil {
		return answer{}, p
	}
	e.revoke(c.now, g.syncFor)
	return answer{status: http.StatusNoContent}, nil
}

func (g *tenant) syncLicenseCounts(c *call) (answer, *problem) {
	if _, p := c.options(); p != nil {
		return answer{}, p
	}
	if p := nothing(c.contentType, c.body); p != nil {
		return answer{}, p
	}
	return answer{status: http.StatusNoContent}, nil
}

func (g *tenant) licensesForApp(c *call) (answer, *problem) {
	if _, p := c.options(); p != nil {
		return answer{}, p
	}
	context := c.origin + "/" + c.version + "/$metadata#Collection(microsoft.graph.vppTokenLicenseSummary)"
	b := appendJSON([]byte(`{"@odata.context":`), context)
	b = append(b, `,"value":[`...)
	for i, l := range g.licenses[c.bundleID] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"appleId":`...), l.AppleID)
		b = appendText(append(b, `,"organizationName":`...), l.OrganizationName)
		b = appendText(append(b, `,"vppTokenId":`...), l.VPPTokenID)
		b = appendJSON(append(b, `,"availableLicenseCount":`...), l.AvailableLicenseCount)
		b = append(appendJSON(append(b, `,"usedLicenseCount":`...), l.UsedLicenseCount), '}')
	}
	return answer{status: http.StatusOK, body: append(b, "]}"...)}, nil
}

// find checks that the token of the path is there.
func (g *tenant) find(c *call) (*entry, *problem) {
	if e := g.byID[c.id]; e != nil {
		return e, nil
	}
	return nil, noToken(c.id)
}

// findFor is find for an action, whose body has been looked at already.
func (g *tenant) findFor(c *call, body *problem) (*entry, *problem) {
	if _, p := c.options(); p != nil {
		return nil, p
	}
	if body != nil {
		return nil, body
	}
	return g.find(c)
}

// entity is the answer that shows one token.
func (g *tenant) entity(c *call, status int, t *vpptoken.VPPToken, sel selection) answer {
	v := view{beta: c.beta, context: c.context(sel.context + "/$entity"), only: sel.only}
	return answer{status: status, body: g.encode(t, v)}
}

func (c *call) collection() string {
	return c.origin + "/" + c.version + "/deviceAppManagement/vppTokens"
}

func (c *call) context(end string) string {
	return c.origin + "/" + c.version + "/$metadata#deviceAppManagement/vppTokens" + end
}

// entityBody checks a request that carries a token, or a part of one.
func (c *call) entityBody() ([]member, *problem) {
	if _, p := c.options(); p != nil {
		return nil, p
	}
	return members(c.contentType, c.body)
}

// accepts reports whether the Accept header asks for a type, or for nothing in particular.
func (c *call) accepts(want string) bool {
	if len(c.accept) == 0 {
		return true
	}
	for part := range strings.SplitSeq(strings.Join(c.accept, ","), ",") {
		kind, _, err := mime.ParseMediaType(part)
		if err == nil && (kind == want || kind == "*/*" || kind == strings.SplitN(want, "/", 2)[0]+"/*") {
			return true
		}
	}
	return false
}
