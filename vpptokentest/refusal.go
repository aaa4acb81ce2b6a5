package vpptokentest

import (
	"fmt"
	"net/http"
	"net/url"
)

const entraType = "application/json; charset=utf-8"

// refusal is an error of the authority: OAuth's code and Microsoft Entra's number. It quotes
// nothing that was sent but the tenant.
type refusal struct {
	status  int
	code    string
	number  int
	message string
}

func refuse(code string, number int, message string) *refusal {
	return &refusal{http.StatusBadRequest, code, number, message}
}

func invalidClient(number int, message string) *refusal {
	return &refusal{http.StatusUnauthorized, "invalid_client", number, message}
}

func missing(name string) *refusal {
	return refuse("invalid_request", 900144, "The request body must contain the following parameter: '"+name+"'.")
}

func invalid(code string, number int, name string) *refusal {
	return refuse(code, number, "The provided value for the input parameter '"+name+"' is not valid.")
}

func malformed() *refusal {
	return refuse("invalid_request", 9002313, "Invalid request. Request is malformed or invalid.")
}

func badScope() *refusal {
	return invalid("invalid_scope", 70011, "scope")
}

// refusalOf is the scripted failure of a sign-in.
func refusalOf(status int) *refusal {
	const message = "The test asked for this answer."
	switch {
	case status == http.StatusUnauthorized:
		return invalidClient(7000215, message)
	case status == http.StatusTooManyRequests:
		return &refusal{status, "temporarily_unavailable", 90055, message}
	case status >= http.StatusInternalServerError:
		return &refusal{status, "temporarily_unavailable", 90033, message}
	}
	return &refusal{status, "invalid_grant", 70000, message}
}

func (e *refusal) answer(ids identity) answer {
	at := ids.now.Format("2006-01-02 15:04:05Z")
	return answer{
		status: e.status, contentType: entraType, header: noStore(),
		body: mustJSON(struct {
			Code        string `json:"error"`
			Description string `json:"error_description"`
			Numbers     []int  `json:"error_codes"`
			Timestamp   string `json:"timestamp"`
			Trace       string `json:"trace_id"`
			Correlation string `json:"correlation_id"`
		}{
			e.code,
			fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
				e.number, e.message, ids.requestID, ids.clientRequestID, at),
			[]int{e.number},
			at, ids.requestID, ids.clientRequestID,
		}),
	}
}

func noStore() http.Header {
	return http.Header{"Cache-Control": {"no-store, no-cache"}, "Pragma": {"no-cache"}}
}

// withoutSecrets is the form of a sign-in, or its query, as [Server.Requests] shows it. What is not
// a form of OAuth's may be a secret as a whole.
func withoutSecrets(form string) string {
	values, err := url.ParseQuery(form)
	if err != nil {
		return redacted
	}
	for name := range values {
		switch name {
		case "client_id", "grant_type", "scope", "claims":
		case "client_secret", "client_assertion", "client_assertion_type", "device_code", "refresh_token":
			values.Set(name, redacted)
		default:
			return redacted
		}
	}
	return values.Encode()
}
