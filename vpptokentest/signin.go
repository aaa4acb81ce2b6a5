package vpptokentest

import (
	"net/http"
	"strings"
)

// isSignIn tells a request to the authority from one to Graph: /<tenant>/oauth2/...
func isSignIn(r *http.Request) bool {
	path := strings.SplitN(r.URL.Path, "/", 4)
	return len(path) == 4 && path[2] == "oauth2"
}
