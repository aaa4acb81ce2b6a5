#!/usr/bin/env bash
# Builds the module's zip as a module proxy would, serves it from a file-based GOPROXY, and builds a consumer from it by a
# plain go get: what is not committed, or is left out of the zip, shows here and not at the first user's.
set -euo pipefail
cd "$(dirname "$0")/.."

module=$(go list -m)
version=v0.1.0
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT

# A copy of the repository, tagged as a release would be, stands in for the module's address.
git clone -q . "$work/origin"
git -C "$work/origin" tag -f "$version" >/dev/null
[ -d azauth ] && git -C "$work/origin" tag -f "azauth/$version" >/dev/null

GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$work/origin.insteadOf" GIT_CONFIG_VALUE_0="https://$module" \
  GOMODCACHE="$work/fetched" GOPROXY=direct GONOSUMDB="$module" GOFLAGS=-modcacherw \
  bash -c 'cd "$1" && go mod download "$2@$3" "$2/azauth@$3"' - "$work" "$module" "$version"

mkdir "$work/consumer"
cd "$work/consumer"
cat > main.go <<GO
// A consumer that uses every package of the module.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"$module"
	"$module/azauth"
	"$module/contenttoken"
	"$module/fleet"
	"$module/health"
	"$module/renew"
	"$module/vpptokentest"
)

func main() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	id := srv.Add(vpptoken.VPPToken{DisplayName: "before"})
	t, err := srv.Client().Update(context.Background(), id, vpptoken.NewPatch().SetDisplayName("after"))
	if err != nil || t.DisplayName != "after" {
		fmt.Fprintln(os.Stderr, "update:", t, err)
		os.Exit(1)
	}
	verdict := health.Assess(t, time.Now(), health.Policy{})
	_, parseErr := contenttoken.Parse(nil)
	_, planErr := renew.MakePlan(context.Background(), nil, "", nil, renew.Options{})
	for r := range fleet.ForEach(context.Background(), func(yield func(int) bool) { yield(1) }, 1,
		func(_ context.Context, k int) (int, error) { return k, nil }) {
		fmt.Println(t.DisplayName, verdict.Level, parseErr != nil, planErr != nil, r.Value)
	}
	_ = azauth.New
}
GO
export GOPROXY="file://$work/fetched/cache/download,$(go env GOPROXY)" GONOSUMDB="$module" GOMODCACHE="$work/used" GOFLAGS=-modcacherw
go mod init example.com/consumer 2>/dev/null
go get "$module@$version" "$module/azauth@$version" 2>/dev/null
go run .
echo "a consumer of $module@$version builds and runs"
