#!/bin/bash
# Ensembles of control circuits and of untrained models: the same on any ranks, after any stop, and to every
# command a store like others.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
not_sanitized
export OMP_WAIT_POLICY=passive
tiny=$data/tiny.yaml

# with EDIT...: the spec of the tests, changed by sed's words
with() { sed "$@" "$tiny"; }
control="counts: shuffled, signs: shuffled, filters: rotated, without: [T5d, L4]"
with "s/extent: 3/extent: 3, $control/; s/iterations: 90/iterations: 30/" >"$work/control.yaml"

# a control is trained as any circuit is: the same bits as from the file that shows what it is
check "$OMMATID" run "$work/control.yaml" -o "$work/control.h5" -n 1 --threads 1 --quiet
check "$OMMATID" circuit export "$work/control.yaml" -o "$work/control.circuit" --quiet
with "s|motion-pathway|$work/control.circuit|; s/iterations: 90/iterations: 30/" >"$work/file.yaml"
check "$OMMATID" run "$work/file.yaml" -o "$work/file.h5" -n 2 --threads 1 --unit 0.05 --quiet
same "$work/control.h5" "$work/file.h5"
checksum() { "$OMMATID" circuit show "$@" --json | grep -o '"checksum": "[^"]*"'; }
check test "$(checksum "$work/control.yaml")" = "$(checksum "$work/control.circuit" --extent 3)"
for table in type sign du dv count filled tap_edges; do
    check h5diff -q "$work/control.h5" "$work/file.h5" /circuit/$table /circuit/$table
done
expect 0 "31 types" "$OMMATID" circuit show "$work/control.yaml"
check grep -q "without T5d, L4 (seed 5)" "$work/out"
check grep -q "are there with their sign" "$work/out"
expect 0 '"share_with_count": 0.' "$OMMATID" circuit show "$work/control.yaml" --json
expect 0 "at extent 5 (91 columns)" "$OMMATID" circuit show "$work/control.yaml" --extent 5
check test "$(checksum "$work/control.yaml")" = "$(checksum "$work/control.yaml" --extent 3)"
expect 0 "whole: 3 models" "$OMMATID" check "$work/control.h5"

# another control, or task, is another ensemble: the key is named, the store stays as it is
sum=$(md5sum <"$work/control.h5")
refuse() { # refuse EDIT MESSAGE
    sed "$1" "$work/control.yaml" >"$work/other.yaml"
    expect 3 "$2" "$OMMATID" run "$work/other.yaml" -o "$work/control.h5" -n 1
}
refuse 's/counts: shuffled/counts: equal/' "circuit.counts is shuffled in the store, equal in the spec"
refuse 's/signs: shuffled/signs: known/' "circuit.signs is shuffled in the store, known in the spec"
refuse 's/filters: rotated/filters: measured/' "circuit.filters is rotated in the store, measured in the spec"
refuse 's/T5d, L4/T5d/' "circuit.without is [T5d, L4] in the store, [T5d] in the spec"
refuse 's/^train: {/train: { task: none,/' "train.task is flow in the store, none in the spec"
check test "$sum" = "$(md5sum <"$work/control.h5")"
sed 's/T5d, L4/T5d, L6/' "$work/control.yaml" >"$work/other.yaml"
expect 3 "other.yaml:5: circuit.without: circuit motion-pathway has no type 'L6'; the nearest is R6" \
    "$OMMATID" run "$work/other.yaml" -o "$work/none.h5" -n 1
check test ! -e "$work/none.h5"

# untrained models: checked once, at 0, and then a store like others
with 's/^train: {/train: { task: none,/' >"$work/none.yaml"
expect 0 "3 of 3 models checked, untrained" "$OMMATID" run "$work/none.yaml" -o "$work/none.h5" -n 1
expect 0 "3 of 3 models checked" "$OMMATID" run "$work/none.yaml" -o "$work/two.h5" -n 2 --threads 2
same "$work/none.h5" "$work/two.h5"
expect 0 "3 of 3 models checked" "$OMMATID" run "$work/none.yaml" -o "$work/none.h5" -n 1
same "$work/none.h5" "$work/two.h5"
expect 0 "3 done, 0 running, 0 waiting" "$OMMATID" status "$work/none.h5" --all
check grep -q "models stay untrained" "$work/out"
grep -q nan "$work/out" && fail "status prints nan"
expect 0 '"iteration": 0' "$OMMATID" rank "$work/none.h5" --json
expect 0 "whole: 3 models, 3 done" "$OMMATID" check "$work/none.h5"
expect 0 "not trained" "$OMMATID" export "$work/none.h5" -t history
expect 0 "2,0," "$OMMATID" export "$work/none.h5" -t validation
expect 0 "models/s a rank" "$OMMATID" plan "$work/none.yaml" -n 2
expect 0 "equivalent" "$OMMATID" compare "$work/none.h5" "$work/two.h5"
check "$OMMATID" predict "$work/none.h5" -e flashes -o "$work/flashes.h5" --quiet
expect 0 "directions within" "$OMMATID" validate "$work/none.h5" --quiet
expect 0 "dsi_t4" "$OMMATID" rank "$work/none.h5" --by dsi_t4

# they are the models that others of that seed start from: their first check is the same
check "$OMMATID" run "$tiny" -o "$work/trained.h5" -n 1 --quiet
"$OMMATID" export "$work/trained.h5" -t validation | grep -E '^(model|[0-9]+,0),' >"$work/first"
"$OMMATID" export "$work/none.h5" -t validation >"$work/only"
check cmp "$work/first" "$work/only"

# stopped while models are checked: the rest follows with the next run
with 's/^train: {/train: { task: none,/; s/models: 3/models: 60/; s/extent: 3/extent: 8/; s/validation: 3/validation: 12/' \
    >"$work/many.yaml"
check "$OMMATID" run "$work/many.yaml" -o "$work/whole.h5" -n 2 --quiet
for signal in TERM KILL; do
    rm -f "$work/parts.h5"
    "$OMMATID" run "$work/many.yaml" -o "$work/parts.h5" -n 1 --threads 1 --quiet 2>"$work/err" &
    run=$!
    for ((i = 0; i < 600; i++)); do
        "$OMMATID" status "$work/parts.h5" --json 2>"$work/status" | grep -q '"status": "done"' && break
        sleep 0.05
    done
    kill -$signal $run
    wait $run
    code=$?
    wait_for_ranks "$work/parts.h5"
    done=$("$OMMATID" status "$work/parts.h5" --json | grep -c '"status": "done"')
    check test "$done" -ge 1
    if [[ $done -eq 60 ]]; then
        echo "note: $signal came too late to stop anything"
    elif [[ $signal = TERM && $code -ne 75 ]]; then
        fail "stopped by TERM: exit $code, expected 75"
    fi
    expect 0 "60 of 60 models checked" "$OMMATID" run "$work/many.yaml" -o "$work/parts.h5" -n 2
    same "$work/whole.h5" "$work/parts.h5"
done
finish
