#!/usr/bin/env bash
# tools/setup installs exactly what is missing, as root or with sudo, and otherwise says what to run;
# where nothing is missing it touches nothing. Stand-ins for the system's programs write down how
# they are called.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bash=$(command -v bash)
failed=0

stand_in() { # NAME BODY
    printf '#!%s\necho "%s $*" >>"%s/calls"\n%s\n' "$bash" "$1" "$work" "$2" >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}

# machine USER_ID MISSING...: as root (0) or not, with these packages missing and sudo there.
machine() {
    rm -rf "${work:?}/bin" "$work/calls"
    mkdir "$work/bin"
    : >"$work/calls"
    printf '%s\n' "${@:2}" >"$work/missing"
    stand_in id "echo $1"
    # shellcheck disable=SC2016
    stand_in dpkg-query 'while read -r name; do [ "$name" = "${!#}" ] && exit 1; done <"'"$work"'/missing"
echo -n installed'
    stand_in apt-get true
    # shellcheck disable=SC2016
    stand_in env 'shift; exec "$@"'
    # shellcheck disable=SC2016
    stand_in sudo 'exec "$@"'
    ln -s "$(command -v dirname)" "$work/bin/dirname"
}

# setup STATUS TEXT ARGUMENTS...: runs it and checks exit status and what it says.
setup() {
    local status=0
    PATH=$work/bin "$bash" "$OM_SOURCE_DIR/tools/setup" "${@:3}" >"$work/log" 2>&1 </dev/null || status=$?
    if [ $status != "$1" ] || ! grep -qF -- "$2" "$work/log"; then
        echo "FAILED: exit $status, expected $1 and '$2':"
        cat "$work/log"
        failed=1
    fi
}

# called LINE...: the calls of apt-get and sudo, in order.
called() {
    local calls
    calls=$(grep -E '^(apt-get|sudo)' "$work/calls" || true)
    if [ "$calls" != "$(printf '%s\n' "$@")" ]; then
        printf 'FAILED: calls were:\n%s\n  expected:\n%s\n' "$calls" "$(printf '%s\n' "$@")"
        failed=1
    fi
}

install="apt-get install -y --no-install-recommends"

machine 1000
setup 0 "all packages are there"
called ""

machine 0 libgsl-dev libpng-dev libcmocka-dev
setup 0 "missing: libgsl-dev libpng-dev"
called "apt-get update -q" "$install libgsl-dev libpng-dev"

machine 0 libcmocka-dev
setup 0 "missing: libcmocka-dev" --tests
called "apt-get update -q" "$install libcmocka-dev"

machine 1000 libgsl-dev
setup 0 "installing with sudo"
called "sudo env DEBIAN_FRONTEND=noninteractive apt-get update -q" "apt-get update -q" \
    "sudo env DEBIAN_FRONTEND=noninteractive $install libgsl-dev" "$install libgsl-dev"

machine 1000 libgsl-dev
rm "$work/bin/sudo"
setup 1 "  apt-get update && $install libgsl-dev"
called ""

machine 0 libgsl-dev
stand_in apt-get 'exit 100'
setup 1 "could not be installed"

# A program that is there from elsewhere will do; a library must be the package.
machine 0 cmake libgsl-dev
stand_in cmake true
setup 0 "missing: libgsl-dev"
called "apt-get update -q" "$install libgsl-dev"

machine 0 libgsl-dev
rm "$work/bin/apt-get"
setup 1 "apt-get is not here"

machine 0
setup 2 "usage: tools/setup" --everything
exit $failed
