# What the tools that fetch published files share. Sourced, by scripts that have set -euo pipefail.
# shellcheck disable=SC2034 # most of it is for them
tool=$(basename "$0")
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
raw=https://raw.githubusercontent.com/TuragaLab/flyvis # the paper's software
data=${XDG_DATA_HOME:-}
[[ $data == /* ]] || data=$HOME/.local/share # a relative one is invalid and is to be ignored
folder=$data/ommatid

fail() {
    printf "$tool: %s\n" "$@" >&2
    exit 1
}

# find_program: into $program, the ommatid that does the rest.
find_program() {
    program=${OMMATID:-$tools/../build/release/ommatid}
    [ -x "$program" ] || program=$(command -v ommatid) ||
        fail "the program ommatid is not here. Build it, then repeat this:" \
            "  cmake --preset release && cmake --build --preset release"
}

fetch() { # URL FILE
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --connect-timeout 20 --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget --quiet --timeout=20 --tries=2 --output-document="$2" "$1"
    else
        fail "neither curl nor wget is here. Run this as root, then repeat:" \
            "  apt-get install curl"
    fi
}

sum_of() { # FILE: its SHA-256, or nothing
    local sum=
    [ ! -r "$1" ] || read -r sum _ < <(sha256sum <"$1")
    printf %s "$sum"
}
