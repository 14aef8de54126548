#!/usr/bin/env bash
# ommatid circuit: list, show, import, check; and tools/fetch-connectome, which imports.
# shellcheck disable=SC2317 # functions are called through expect and check
# shellcheck source=tests/expect.bash disable=SC1091,SC2154
source "$(dirname "$0")/expect.bash"
export XDG_DATA_HOME=$work/data
data=$OM_SOURCE_DIR/tests/data/circuit
connectome=$OM_SHARED/connectome/fib25-fib19_v2.2.json

circuit() { "$OMMATID" circuit "$@"; }
printed() { grep -qF -- "$1" "$work/out"; }

# A summary has the counts; tables have a line for each type and pair.
expect 0 "33 types" circuit show
check printed "266 pairs"
check printed "1,159 taps"
check printed "23,793 cells"
check printed "332 free parameters"
expect 0 "at extent 3 (37 columns)" circuit show motion-pathway --extent 3
expect 0 "T5d" circuit show --types
check test "$(wc -l <"$work/out")" -eq 34
expect 0 "TmY15" circuit show --pairs
check test "$(wc -l <"$work/out")" -eq 267
expect 0 '"free_parameters": 332' circuit show --json --types --pairs
expect 2 "--extent" circuit show --extent 0
expect 3 "try: ommatid circuit list" circuit show nothing-of-the-kind

# An imported circuit is named after its file, reads back as the same, and opens by name.
expect 2 "try: ommatid circuit import" circuit import "$data/small.json"
expect 0 "3 types, 4 pairs, 11 taps (2 of them fill gaps)" \
    circuit import "$data/small.json" -o "$work/first.circuit"
check grep -qx "circuit first 1" "$work/first.circuit"
check grep -qx "type Out output=1" "$work/first.circuit"
checksum() { circuit show "$1" --json | grep '"checksum"'; }
check test "$(checksum "$work/first.circuit")" = "$(checksum "$data/small.json")"
expect 1 "exists already" circuit import "$data/small.circuit" -o "$work/first.circuit"
check grep -qx "circuit first 1" "$work/first.circuit"
mkdir -p "$work/data/ommatid"
expect 0 "wrote" circuit import "$data/small.json" -o "$work/data/ommatid/mine.circuit" --name else
expect 0 "else at extent 15" circuit show mine
expect 0 "mine" circuit list
check printed motion-pathway
expect 0 "data/ommatid/mine.circuit" circuit list --json
expect 2 "name 'two words'" circuit import "$data/small.json" -o "$work/x.circuit" --name "two words"
check test ! -e "$work/x.circuit"
expect 3 "edges[0]" circuit import "$data/bad.json" -o "$work/x.circuit"
check test ! -e "$work/x.circuit"
(
    ulimit -f 1
    trap '' XFSZ
    "$OMMATID" circuit import motion-pathway -o "$work/x.circuit" 2>"$work/err"
)
check test $? -eq 1
check test ! -e "$work/x.circuit"

# A check names every fault, remarks what may not be meant, and has exit code 3 for a bad file.
expect 0 "note: pair Wide -> Wide: no connection at extent 15" circuit check "$data/small.circuit"
expect 0 '"good": true' circuit check --json "$data/small.json"
expect 3 "bad.circuit:19: type E" circuit check "$data/bad.circuit"
expect 3 '"good": false' circuit check --json "$data/bad.json"
check test "$(grep -c 'bad.json: ' "$work/out")" -eq 21
expect 3 "truncated.json:4:26" circuit check "$data/truncated.json"
expect 3 "no such file" circuit check "$work/nowhere.circuit"

# The published connectome: not without its checksum, and then by its name.
fetch() { OMMATID=$OMMATID "$OM_SOURCE_DIR/tools/fetch-connectome" "$@"; }
expect 2 "usage" fetch --form x
expect 1 "no such file" fetch --from "$work/nowhere.json"
expect 1 "$work is a folder: name the file in it" fetch --from "$work"
expect 1 "it should be" fetch --from "$data/small.json"
expect 1 "--from FILE" env OMMATID_CONNECTOME_URL="file://$work/nowhere.json" \
    OMMATID="$OMMATID" "$OM_SOURCE_DIR/tools/fetch-connectome"
expect 3 "tools/fetch-connectome" circuit show flyvis-v2.2
if [ -r "$connectome" ]; then
    expect 0 "wrote $XDG_DATA_HOME/ommatid/flyvis-v2.2.circuit" fetch --from "$connectome"
    expect 0 "is there already" fetch
    expect 0 "735 free parameters" circuit show flyvis-v2.2
    for count in "65 types" "605 pairs" "2,378 taps" "45,669 cells" "1,513,231 connections"; do
        check printed "$count"
    done
    check test "$(checksum flyvis-v2.2)" = "$(checksum "$connectome")"
else
    echo "not tested, because it is not here: $connectome"
fi

finish
