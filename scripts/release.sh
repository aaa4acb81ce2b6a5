#!/usr/bin/env bash
# release.sh set vX.Y.Z       version.go, CHANGELOG.md and the nested go.mod files say that version
# release.sh check vX.Y.Z     the tree is fit to be that release
# release.sh notes vX.Y.Z     the changelog's entry
# release.sh api              the exported API did not break since the last tag
# release.sh dry-run [vX.Y.Z] set, commit, tag, check and consume it, all in a scratch clone; without a version the next minor
set -euo pipefail
cd "$(dirname "$0")/.."
self=scripts/release.sh

apidiff_version=v0.0.0-20261014143641-f0251eb4aa3e
untagged="(not tagged yet)"

version() { sed -n 's|^const product = "vpptoken/\(.*\)"$|\1|p' version.go; }

# The nested modules: all but the root are set, azauth alone is tagged.
nested() { git ls-files -- '*/go.mod' | sed 's|/go\.mod$||'; }

# The changelog's newest heading, as "0.1.0 (not tagged yet)".
heading() { sed -n 's/^## //p' CHANGELOG.md | head -n 1; }

notes() {
  awk -v want="## ${1#v}" '/^## / { on = index($0 " ", want " ") == 1; next } on' CHANGELOG.md
}

# rewrite FILE SED-SCRIPT: sed -i, which is written differently on every system.
rewrite() {
  local text
  text=$(sed "$2" "$1")
  printf '%s\n' "$text" > "$1"
}

set_version() {
  local module nest name
  case $(heading) in
  *"$untagged") rewrite CHANGELOG.md "s/^## .*$untagged\$/## ${1#v} ($(date -u +%Y-%m-%d))/" ;;
  "${1#v} "*) ;;
  *)
    echo "CHANGELOG.md has no entry for $1: write one below '## ${1#v} $untagged'" >&2
    return 1
    ;;
  esac
  rewrite version.go "s|^const product = .*|const product = \"vpptoken/${1#v}\"|"
  module=$(go list -m)
  for nest in $(nested); do
    for name in "$module" "$module/azauth"; do
      if grep -q "$name v" "$nest/go.mod"; then go -C "$nest" mod edit -require="$name@$1"; fi
    done
  done
}

check() {
  local nest stale
  [ "v$(version)" = "$1" ] || { echo "version.go says $(version), not ${1#v}" >&2; return 1; }
  [ -n "$(notes "$1")" ] || { echo "CHANGELOG.md has no entry for $1" >&2; return 1; }
  case $(heading) in *"$untagged") echo "CHANGELOG.md says of $1: $untagged" >&2; return 1 ;; esac
  for nest in $(nested); do
    stale=$(grep -E "vpptoken(/azauth)? v" "$nest/go.mod" | grep -v " $1\$" || true)
    [ -z "$stale" ] || { echo "$nest/go.mod requires $stale" >&2; return 1; }
  done
  if git rev-parse -q --verify "refs/tags/$1" >/dev/null; then api "$1^"; else api HEAD; fi
}

# apidiff FOLDER FLAGS: compares the package of a folder, which may be a module of its own.
apidiff() (
  cd "$1"
  shift
  go run "golang.org/x/exp/cmd/apidiff@$apidiff_version" "$@" .
)

api() {
  local last old report package now
  last=$(git describe --tags --abbrev=0 --match 'v[0-9]*' "$1" 2>/dev/null || true)
  if [ -z "$last" ]; then
    echo "api: no release yet, nothing to compare with"
    return
  fi
  now=$(heading)
  now=v${now%% *}
  old=$(mktemp -d)
  git worktree add -q --detach "$old" "$last"
  trap "git worktree remove --force '$old'" EXIT
  for package in . ./contenttoken ./health ./renew ./fleet ./vpptokentest ./azauth; do
    [ -d "$old/$package" ] || continue
    apidiff "$old/$package" -w "$old/exported"
    report=$(apidiff "./$package" -incompatible "$old/exported")
    if [ -n "$report" ]; then
      printf 'api: %s breaks against %s:\n%s\n' "$package" "$last" "$report"
      # Before 1.0.0 a minor version may break, when the changelog says how; a patch never may.
      [[ "$last" == v0.* && -n "$(notes "$now")" && "${last%.*}" != "${now%.*}" ]] || return 1
    fi
  done
  echo "api: compared with $last"
}

dry_run() {
  local want=$1 work
  if [ -z "$want" ]; then
    want=v$(version)
    case $(heading) in *"$untagged") want=$(echo "$want" | awk -F. '{ print $1 "." $2 + 1 ".0" }') ;; esac
  fi
  work=$(mktemp -d)
  trap "rm -rf '$work'" EXIT
  git clone -q . "$work/clone"
  cd "$work/clone"
  bash scripts/release.sh set "$want"
  git -c user.name=release -c user.email=release@example.com -c commit.gpgsign=false -c core.hooksPath=/dev/null \
    commit -q -a --allow-empty -m "Release ${want#v}"
  git show --stat --format=%s
  git -c tag.gpgsign=false tag -f "$want" >/dev/null
  git -c tag.gpgsign=false tag -f "azauth/$want" >/dev/null
  bash scripts/release.sh check "$want"
  bash scripts/consume.sh "$want"
  echo "dry run: $want could be released"
}

case "${1:-} ${2:-}" in
"set v"[0-9]*.*.*) set_version "$2" ;;
"check v"[0-9]*.*.*) check "$2" ;;
"notes v"[0-9]*.*.*) notes "$2" ;;
"api ") api HEAD ;;
"dry-run " | "dry-run v"[0-9]*.*.*) dry_run "${2:-}" ;;
*)
  sed -n '2,6s/^# //p' "$self" >&2
  exit 2
  ;;
esac
