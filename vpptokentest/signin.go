package vpptokentest

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/vpptoken/vpptoken"
)

const (
	bearerLife     = 3599 * time.Second // as seen
	deviceCodeLife = 15 * time.Minute
	deviceGrant    = "urn:ietf:params:oauth:grant-type:device_code"
)

// Cloud returns this server as a cloud: its Graph and its sign-in, for applications and with a
// device code. To test a program, swap its cloud.
func (s *Server) Cloud() vpptoken.Cloud {
	c, err := vpptoken.NewCloud(s.URL(), s.URL())
	if err != nil {
		panic(fmt.Sprintf("vpptokentest: Cloud: %v", err))
	}
	return c
}

// Credentials returns what the sign-in of [Server.Cloud] accepts. They are made up, and different
// for each server. A device code needs only the tenant and the client id.
func (s *Server) Credentials() (tenant, clientID, clientSecret string) {
	return s.authority.tenant, s.authority.clientID, s.authority.secret
}

// authority is the sign-in of one tenant with one application.
type authority struct {
	tenant, clientID, secret string
	static                   string // the access token of TokenSource
	now                      func() time.Time

	mu      sync.Mutex
	bearers map[string]time.Time // when each ends
	refresh map[string]bool
	codes   map[string]*deviceCode
}

type deviceCode struct {
	ends    time.Time
	offline bool // a refresh token was asked for
	polled  bool // before: the person has entered the code since
	spent   bool
}

func newAuthority(now func() time.Time) *authority {
	return &authority{
		tenant: newGUID(), clientID: newGUID(), secret: rand.Text() + "~" + rand.Text(), static: rand.Text(), now: now,
		bearers: make(map[string]time.Time), refresh: make(map[string]bool), codes: make(map[string]*deviceCode),
	}
}

// isSignIn tells a request to the authority from one to Graph: /<tenant>/oauth2/...
func isSignIn(r *http.Request) bool {
	path := strings.SplitN(r.URL.Path, "/", 4)
	return len(path) == 4 && path[2] == "oauth2"
}

// check returns nil for an access token that is valid for Graph.
func (a *authority) check(authorization string) *problem {
	bearer, ok := strings.CutPrefix(authorization, "Bearer ")
	a.mu.Lock()
	ends, issued := a.bearers[bearer]
	a.mu.Unlock()
	switch {
	case authorization == "":
		return unauthorized("Access token is empty.")
	case ok && subtle.ConstantTimeCompare([]byte(bearer), []byte(a.static)) == 1:
		return nil
	case !ok || !issued:
		return unauthorized("Access token validation failure. This server did not issue the token.")
	case !a.now().Before(ends):
		return unauthorized("Lifetime validation failed, the token is expired.")
	}
	return nil
}

// do answers a request to the authority.
func (a *authority) do(r *http.Request, body []byte, ids identity) answer {
	path := strings.Split(r.URL.Path, "/")
	if len(path) != 5 || path[3] != "v2.0" || path[4] != "token" && path[4] != "devicecode" {
		return answer{status: http.StatusNotFound}
	}
	form, no := readForm(r, body)
	if no == nil {
		no = a.checkClient(path[1], form)
	}
	if no != nil {
		return no.answer(ids)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	f := &flow{authority: a, form: form, root: origin(r), now: a.now()}
	var members map[string]any
	if path[4] == "devicecode" {
		members, no = f.deviceCode()
	} else {
		members, no = f.token()
	}
	if no != nil {
		return no.answer(ids)
	}
	return answer{status: http.StatusOK, contentType: entraType, header: noStore(), body: mustJSON(members)}
}

// readForm takes a secret from HTTP Basic too, as OAuth 2.0 says.
func readForm(r *http.Request, body []byte) (url.Values, *refusal) {
	if r.Method != http.MethodPost {
		return nil, refuse("invalid_request", 900561, "The endpoint only accepts POST requests.")
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	form, err := url.ParseQuery(string(body))
	if err != nil || kind != "application/x-www-form-urlencoded" && len(body) > 0 {
		return nil, malformed()
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, malformed()
		}
	}
	id, secret, basic := r.BasicAuth()
	for name, value := range map[string]string{"client_id": id, "client_secret": secret} {
		value, err := url.QueryUnescape(value)
		if basic && err == nil && !form.Has(name) {
			form.Set(name, value)
		}
	}
	return form, nil
}

// checkClient does not ask for a secret, but one that is there must be right.
func (a *authority) checkClient(tenant string, form url.Values) *refusal {
	person := form.Get("grant_type") != "client_credentials"
	secret := form.Get("client_secret")
	switch {
	case !strings.EqualFold(tenant, a.tenant) && (!person || tenant != "organizations"):
		return refuse("invalid_request", 90002, "Tenant '"+short(tenant)+"' not found. Check to make sure "+
			"you have the correct tenant ID and are signing into the correct cloud.")
	case form.Get("client_id") == "":
		return missing("client_id")
	case !strings.EqualFold(form.Get("client_id"), a.clientID):
		return refuse("unauthorized_client", 700016, "The application was not found in the directory.")
	case secret != "" && subtle.ConstantTimeCompare([]byte(secret), []byte(a.secret)) != 1:
		return invalidClient(7000215, "Invalid client secret provided.")
	}
	return nil
}

// flow is one request of a client that is known; the authority's lock is held.
type flow struct {
	*authority
	form url.Values
	root string // of Graph
	now  time.Time
}

func (f *flow) token() (map[string]any, *refusal) {
	switch grant := f.form.Get("grant_type"); grant {
	case "":
		return nil, missing("grant_type")
	case "client_credentials":
		switch {
		case f.form.Get("client_secret") == "":
			return nil, invalidClient(7000216, "'client_secret' is required for the 'client_credentials' grant type.")
		case f.form.Get("scope") == "":
			return nil, missing("scope")
		case f.form.Get("scope") != f.root+"/.default":
			return nil, badScope()
		}
		return f.issue(false), nil
	case "refresh_token":
		switch {
		case f.form.Get("refresh_token") == "":
			return nil, missing("refresh_token")
		case !f.refresh[f.form.Get("refresh_token")]:
			return nil, invalid("invalid_grant", 70000, "refresh_token")
		case f.form.Get("scope") != "" && !f.isScope():
			return nil, badScope()
		}
		return f.issue(true), nil
	case deviceGrant:
		return f.redeem()
	}
	return nil, refuse("unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
}

// deviceCode begins the sign-in of a user. The interval is shorter than Entra's 5 s: tests wait for
// it.
func (f *flow) deviceCode() (map[string]any, *refusal) {
	switch {
	case f.form.Get("scope") == "":
		return nil, missing("scope")
	case !f.isScope():
		return nil, badScope()
	}
	code, user, uri := rand.Text()+rand.Text(), rand.Text()[:9], f.root+"/devicelogin"
	offline := strings.Contains(" "+f.form.Get("scope")+" ", " offline_access ")
	f.codes[code] = &deviceCode{ends: f.now.Add(deviceCodeLife), offline: offline}
	return map[string]any{
		"user_code": user, "device_code": code, "verification_uri": uri,
		"expires_in": int(deviceCodeLife / time.Second), "interval": 1,
		"message": "To sign in, use a web browser to open the page " + uri + " and enter the code " + user + ".",
	}, nil
}

// redeem answers a poll: the person enters the code between the first and the second.
func (f *flow) redeem() (map[string]any, *refusal) {
	code := f.codes[f.form.Get("device_code")]
	switch {
	case f.form.Get("device_code") == "":
		return nil, missing("device_code")
	case code == nil:
		return nil, invalid("bad_verification_code", 70000, "device_code")
	case code.spent:
		return nil, refuse("invalid_grant", 54005, "The code was already redeemed, please retry with a new valid code.")
	case !f.now.Before(code.ends):
		return nil, invalid("expired_token", 70020, "device_code")
	case !code.polled:
		code.polled = true
		return nil, refuse("authorization_pending", 70016, "Authorization is pending. Continue polling.")
	}
	code.spent = true
	return f.issue(code.offline), nil
}

func (f *flow) issue(refresh bool) map[string]any {
	bearer, life := rand.Text()+rand.Text(), int(bearerLife/time.Second)
	f.bearers[bearer] = f.now.Add(bearerLife)
	members := map[string]any{
		"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": bearer,
	}
	if refresh {
		members["refresh_token"] = rand.Text() + rand.Text()
		f.refresh[fmt.Sprint(members["refresh_token"])] = true
	}
	return members
}

// isScope reports whether a person's scope is of Graph. A permission without a resource is Graph's.
func (f *flow) isScope() bool {
	graph := false
	for scope := range strings.FieldsSeq(f.form.Get("scope")) {
		switch scope {
		case "openid", "profile", "email", "offline_access":
			continue
		}
		name, of := strings.CutPrefix(scope, f.root+"/")
		if name == "" || !of && strings.ContainsAny(name, ":/") {
			return false
		}
		graph = true
	}
	return graph
}
