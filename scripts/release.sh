#!/usr/bin/env bash
# release.sh check vX.Y.Z   the tree is fit to be that release
# release.sh notes vX.Y.Z   the changelog's entry
# release.sh api            the exported API did not break since the last tag
set -euo pipefail
cd "$(dirname "$0")/.."

apidiff_version=v0.0.0-20261014143641-f0251eb4aa3e

notes() {
  awk -v want="## ${1#v}" '/^## / { on = index($0 " ", want " ") == 1; next } on' CHANGELOG.md
}

api() {
  local last
  last=$(git describe --tags --abbrev=0 --match 'v[0-9]*' "${1:-HEAD}" 2>/dev/null || true)
  if [ -z "$last" ]; then
    echo "api: no release yet, nothing to compare with"
    return
  fi
  local old report package
  old=$(mktemp -d)
  git worktree add -q --detach "$old" "$last"
  trap 'git worktree remove --force "$old"' RETURN
  for package in . ./contenttoken ./health ./renew ./fleet ./vpptokentest; do
    [ -d "$old/$package" ] || continue
    (cd "$old" && go run "golang.org/x/exp/cmd/apidiff@$apidiff_version" -w "$old/exported" "$package")
    report=$(go run "golang.org/x/exp/cmd/apidiff@$apidiff_version" -incompatible "$old/exported" "$package")
    if [ -n "$report" ]; then
      printf 'api: %s breaks against %s:\n%s\n' "$package" "$last" "$report"
      # Before 1.0.0 a minor version may break, when the changelog says how.
      [[ "$last" == v0.* && -n "$(notes "v$(version)")" && "$last" != "v$(version)" ]] || return 1
    fi
  done
  echo "api: compared with $last"
}

version() { sed -n 's|^const product = "vpptoken/\(.*\)"$|\1|p' version.go; }

case "${1:-}" in
check)
  [ "v$(version)" = "$2" ] || { echo "version.go says $(version), the tag says $2"; exit 1; }
  [ -n "$(notes "$2")" ] || { echo "CHANGELOG.md has no entry for $2"; exit 1; }
  grep -q "vpptoken/vpptoken $2\$" azauth/go.mod || { echo "azauth/go.mod requires another version of the root"; exit 1; }
  api "$2^"
  ;;
notes) notes "$2" ;;
api) api ;;
*) sed -n '2,4p' "$0"; exit 2 ;;
esac
