package azauth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// ErrTenant means that [WithTenantGuard] refused an access token. errors.Is finds it in the
// client's errors too.
var ErrTenant = errors.New("the tenant guard refused the access token")

var guid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// WithTenantGuard refuses every access token whose tid claim is not the given tenant, so that a
// login left over from another tenant can't read or change that tenant's VPP tokens. tenantID is a
// GUID; a domain name is an error, because access tokens do not carry it. The guard reads the token
// but does not verify it, which is the service's task. It refuses an unreadable token too. Without
// this option the source accepts access tokens of every tenant.
func WithTenantGuard(tenantID string) Option {
	return func(s *store) error {
		if !guid.MatchString(tenantID) {
			return errors.New("WithTenantGuard: a tenant id is a GUID")
		}
		s.tenant = tenantID
		return nil
	}
}

// checkTenant never puts a part of the token into its errors.
func checkTenant(tenant, token string) error {
	if tenant == "" {
		return nil
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return refused("it is opaque, so its tenant can't be checked")
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	var claims struct {
		TenantID string `json:"tid"`
	}
	switch {
	case err != nil || json.Unmarshal(payload, &claims) != nil:
		return refused("it is opaque, so its tenant can't be checked")
	case claims.TenantID == "":
		return refused("it names no tenant")
	case !strings.EqualFold(claims.TenantID, tenant):
		return refused("it is of another tenant")
	}
	return nil
}

func refused(why string) *failure {
	return &failure{
		text: "azauth: " + ErrTenant.Error() + ": " + why, code: "tenant_guard", status: http.StatusOK, // final: no retry
		is: func(target error) bool { return target == ErrTenant }, //nolint:errorlint // this is what errors.Is asks
	}
}
