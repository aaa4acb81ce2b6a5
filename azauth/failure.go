package azauth

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"golang.org/x/oauth2"
)

// failure is why there is no token. Its text is this package's own. The original error is only
// reachable through functions, where nothing that prints or logs a chain of errors finds it.
type failure struct {
	text  string
	code  string // as OAuth writes it, "" if unknown
	entra string // "AADSTS" and digits, or ""

	status int // of the answer, 0 if unknown; the client retries after 408, 429 and 5xx
	is     func(target error) bool
	as     func(target any) bool
}

func (f *failure) Error() string { return f.text }

// Is reports what errors.Is would have found in the credential's error.
func (f *failure) Is(target error) bool { return f.is(target) }

// As finds what errors.As would have found in the credential's error. It also provides an OAuth
// error without any text of the server, from which vpptoken takes the code and whether to retry.
func (f *failure) As(target any) bool {
	if f.as != nil && f.as(target) {
		return true
	}
	answer, ok := target.(**oauth2.RetrieveError)
	if !ok || f.code == "" {
		return false
	}
	*answer = &oauth2.RetrieveError{ErrorCode: f.code, ErrorDescription: f.entra}
	if f.status != 0 {
		(*answer).Response = &http.Response{StatusCode: f.status}
	}
	return true
}

const failedCode = "credential_failed" // in place of OAuth's

var (
	// azidentity has no other place for these; without them the text only says less.
	answerStatus = regexp.MustCompile(`(?m)^RESPONSE ([1-5][0-9]{2}):`)
	entraCode    = regexp.MustCompile(`\bAADSTS[0-9]{4,8}\b`)
	oauthCode    = regexp.MustCompile(`"error":\s*"([a-z_]{1,40})"`)
)

// broken is a failure that does not pass.
func broken(text string) *failure {
	return &failure{text: text, code: failedCode, is: func(error) bool { return false }}
}

// failed hides an error of the credential: azidentity's errors print the answer, in which a server
// or a proxy can quote what was sent.
func failed(err error) *failure {
	f := &failure{
		text: "azauth: the credential failed",
		is:   func(target error) bool { return errors.Is(err, target) },
		as:   func(target any) bool { return errors.As(err, target) },
	}
	text := err.Error()
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok {
		f.status = answer.StatusCode
	} else if m := answerStatus.FindStringSubmatch(text); m != nil {
		f.status, _ = strconv.Atoi(m[1])
	}
	if f.status != 0 {
		f.code = failedCode
		f.text += strings.TrimRight(fmt.Sprintf(": %d %s", f.status, http.StatusText(f.status)), " ")
	}
	if m := oauthCode.FindStringSubmatch(text); m != nil {
		f.code = m[1]
		f.text += ": " + f.code
	}
	if f.entra = entraCode.FindString(text); f.entra != "" {
		f.code = cmp.Or(f.code, failedCode)
		f.text += " (" + f.entra + ")"
	}
	return f
}
