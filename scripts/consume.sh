#!/usr/bin/env bash
# consume.sh vX.Y.Z: what users get by that tag of this clone. Builds the zips as a module proxy would, serves them from a
# file-based GOPROXY, and builds from them: a consumer by a plain go get, the root's packages, and every module of the
# repository without its replace. What is not committed, or left out of a zip, shows here and not at the first user's.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:?usage: consume.sh vX.Y.Z}
module=$(go list -m)
clone=$PWD
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT

step() { printf '   %s (%d s so far)\n' "$*" "$SECONDS"; }

step "the zips of $module@$version and its azauth"
mkdir "$work/empty"
(
  # The clone stands in for the module's address.
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$clone.insteadOf" GIT_CONFIG_VALUE_0="https://$module"
  export GOMODCACHE="$work/fetched" GOPROXY=direct GONOSUMDB="$module" GOFLAGS=-modcacherw
  go -C "$work/empty" mod download "$module@$version" "$module/azauth@$version"
)

# From here on these modules come out of those zips; a module cache of its own keeps them apart from real releases. What
# others wrote comes from the cache that there is, then from the proxy. Without paths in them, builds are shared by runs.
GOPROXY="file://$work/fetched/cache/download,file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY)"
GOFLAGS="$(go env GOFLAGS) -modcacherw -trimpath"
export GOPROXY GOFLAGS GONOSUMDB="$module" GOMODCACHE="$work/used"

step "a consumer, by go get"
mkdir "$work/consumer"
sed "s|MODULE|$module|" > "$work/consumer/main.go" <<'GO'
// A consumer that uses every package of the module, and says what it is to a service.
package main

import (
	"context"
	"fmt"
	"log"
	"slices"
	"time"

	"MODULE"
	"MODULE/azauth"
	"MODULE/contenttoken"
	"MODULE/fleet"
	"MODULE/health"
	"MODULE/renew"
	"MODULE/vpptokentest"
)

func main() {
	ctx, srv := context.Background(), vpptokentest.NewServer()
	defer srv.Close()
	client, id := srv.Client(), srv.Add(vpptoken.VPPToken{DisplayName: "before"})
	update := func(ctx context.Context, id string) (*vpptoken.VPPToken, error) {
		return client.Update(ctx, id, vpptoken.NewPatch().SetDisplayName("after"))
	}
	for r := range fleet.ForEach(ctx, slices.Values([]string{id}), 1, update) {
		if r.Err != nil || r.Value.DisplayName != "after" {
			log.Fatal(r.Value, r.Err)
		}
		_ = health.Assess(r.Value, time.Now(), health.Policy{})
	}
	if _, err := contenttoken.Parse(nil); err == nil {
		log.Fatal("nothing is a content token")
	}
	if _, err := renew.MakePlan(ctx, client, id, nil, renew.Options{}); err == nil {
		log.Fatal("nothing can be planned without a file")
	}
	if _, err := azauth.New(nil, vpptoken.CloudGlobal); err == nil {
		log.Fatal("nothing can sign in without a credential")
	}
	fmt.Println(srv.Requests()[0].Header.Get("User-Agent"))
}
GO
cd "$work/consumer"
go mod init example.com/consumer 2>/dev/null
go get "$module@$version" "$module/azauth@$version" 2>/dev/null
agent=$(go run .)
case $agent in
"vpptoken/${version#v}"*) ;;
*)
  echo "the consumer introduces itself as $agent, not as ${version#v}" >&2
  exit 1
  ;;
esac

step "the root out of its zip: packages, examples, tests, documents"
cp -R "$work/used/$module@$version" "$work/root"
cd "$work/root"
chmod -R u+w .
for file in LICENSE README.md CHANGELOG.md SECURITY.md $(git -C "$clone" ls-files -- 'docs/*' '*testdata/*' ':!examples/*'); do
  [ -e "$file" ] || [ -e "$clone/${file%%/*}/go.mod" ] || { echo "the zip has no $file" >&2; exit 1; }
done
go vet ./...
go test . ./docs ./contenttoken ./examples/... ./internal/quickstart

for nest in $(git -C "$clone" ls-files -- '*/go.mod' | sed 's|/go\.mod$||'); do
  step "$nest, without its replace"
  mkdir -p "$work/nested/$nest"
  cp -R "$clone/$nest/." "$work/nested/$nest"
  cd "$work/nested/$nest"
  go mod edit -dropreplace="$module" -dropreplace="$module/azauth"
  go build -mod=mod ./... # what it writes goes with the scratch
  [ "$(go list -m -f '{{.Version}}{{.Replace}}' "$module")" = "$version<nil>" ] || { echo "$nest does not build from $version" >&2; exit 1; }
done
cd "$clone"
step "a consumer of $module@$version builds and runs, and so does everything here"
