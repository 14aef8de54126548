#!/bin/bash
# ommatid check: what is whole, beside a run, after kills, and with damage of every kind; what it says of damage
# holds for what run then does.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
export OMP_WAIT_POLICY=passive
prove() { expect "$1" "$2" "$OMMATID" check "${@:3}"; }
printed() { grep -qF -- "$1" "$work/out" || { fail "'$1' is not printed:"; cat "$work/out"; }; }
# flip FILE BYTE: changes one byte of it.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    # shellcheck disable=SC2059
    printf "\\x$(printf %02x $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
# offset_of FILE MODEL SLOT: where a slot begins; newest_of FILE MODEL: which one counts.
of_model() { "$OMMATID" check "$1" --json | python3 -c "
import json, sys
m = json.load(sys.stdin)['models'][$2]
print($3)"; }
newest_of() { of_model "$1" "$2" "m['counts']"; }
offset_of() { of_model "$1" "$2" "m['$3']['byte']"; }

# no store
prove 2 "something is missing"
prove 3 "No such file" "$work/missing.h5"
prove 3 "not a file" "$work"
echo "a text" >"$work/text.h5"
prove 3 "not an HDF5 file" "$work/text.h5"
: >"$work/empty.h5"
prove 3 "not an HDF5 file" "$work/empty.h5"
mkfifo "$work/pipe.h5"
prove 3 "not a file" "$work/pipe.h5"
check "$OMMATID" scenes make -o "$work/films.h5" --training 2 --validation 1 --extent 3 --frames 7 --quiet
prove 3 "not a store" "$work/films.h5"

# whole, and left as it is
spec=$data/tiny.yaml
check "$OMMATID" run "$spec" -o "$work/whole.h5" -n 2 --quiet
sum=$(md5sum <"$work/whole.h5")
prove 0 "whole: 3 models, 3 done" "$work/whole.h5"
grep -n ' $' "$work/out" && fail "lines end in spaces"
grep -q "^model " "$work/out" && fail "nothing is notable, but models are listed"
prove 0 "has nothing to do: done at 90" "$work/whole.h5" --all
check test "$(grep -c "done at 90" "$work/out")" = 3
prove 0 '"whole": true' "$work/whole.h5" --json
printed '"findings": []'
check test "$sum" = "$(md5sum <"$work/whole.h5")"
check test -z "$(find "$work" -name 'whole.h5?*')"
"$OMMATID" check "$work/whole.h5" >/dev/full 2>"$work/err"
check test $? = 1
"$OMMATID" check "$work/whole.h5" --json >/dev/full 2>"$work/err"
check test $? = 1

# repaired STORE ...: the same run command, with more options perhaps, makes of it what it would have been.
repaired() {
    check "$OMMATID" run "$spec" -o "$1" -n 1 --quiet "${@:2}"
    same "$work/whole.h5" "$1"
    prove 0 "whole: 3 models, 3 done" "$1"
}
# the newest state of a model: the older one counts, and what is lost is trained again
store=$work/newest.h5
cp "$work/whole.h5" "$store"
slot=$(newest_of "$store" 1)
at=$(offset_of "$store" 1 "$slot")
flip "$store" $((at + 1000))
prove 1 "damage: model 1: /checkpoint/$slot: its state does not have its checksum" "$store"
printed "(byte $at of the file)"
printed "goes on at"
printed "DAMAGED: 3 models, 1 to go on, 2 done"
check grep -qE "; (1 fault|([2-9]|[0-9]{2,}) faults)\$" "$work/out"
printed "try: the same run command"
grep -nE ' $|1 faults' "$work/out" && fail "odd lines"
repaired "$store"
# its header
cp "$work/whole.h5" "$store"
flip "$store" $((at + 8))
prove 1 "/checkpoint/$slot: its header does not have its checksum" "$store"
repaired "$store"
# both: it fails, the others do not, and what is left of it can be exported until it is to begin anew
cp "$work/whole.h5" "$store"
flip "$store" $(($(offset_of "$store" 2 a) + 1000))
flip "$store" $(($(offset_of "$store" 2 b) + 40))
prove 1 "no slot holds a whole state, but it was trained" "$store"
printed "is refused: no state of it can be used"
printed "--retrain-damaged"
prove 1 '"resume": "refused"' "$store" --json
for ranks in 1 2; do
    expect 1 "tiny: 2 of 3 models trained" "$OMMATID" run "$spec" -o "$store" -n $ranks
    for line in "model 2: no slot holds a whole state, but it was trained" "1 of 3 models failed: model 2"; do
        check grep -qF "$line" "$work/err"
    done
done
expect 0 "failed" "$OMMATID" status "$store"
"$OMMATID" export "$store" -t params -m 2 >"$work/params"
check cmp "$work/params" <("$OMMATID" export "$work/whole.h5" -t params -m 2)
repaired "$store" --retrain-damaged
# the older state: nothing is lost
cp "$work/whole.h5" "$store"
other=$(tr ab ba <<<"$(newest_of "$store" 0)")
flip "$store" $(($(offset_of "$store" 0 "$other") + 1000))
prove 0 "note: model 0: /checkpoint/$other: holds a commit that was not finished, or damage" "$store"
printed "whole: 3 models"

# a circuit that is damaged is refused by run, in the same words
store=$work/circuit.h5
cp "$work/whole.h5" "$store"
at=$(h5dump -pH -d /circuit/count "$store" | sed -n 's/.*OFFSET \([0-9]*\).*/\1/p')
flip "$store" $((at + 4))
prove 1 "/circuit" "$store"
what=$(sed -n 's/^damage: //p' "$work/out" | head -n 1 | sed 's/ (byte.*//')
for ranks in 1 2; do
    expect 3 "circuit.h5: damaged: ${what:-?}" "$OMMATID" run "$spec" -o "$store" -n $ranks
done
grep -q "^rendering" "$work/err" && fail "films are rendered for a damaged store"

# models that diverged are whole
sed 's/1.0e-3, 1.0e-4/2, 2/; s/every: 20/every: 2/; s/iterations/retries: 0, explode: 0, iterations/' "$spec" >"$work/hot.yaml"
expect 1 "3 diverged" "$OMMATID" run "$work/hot.yaml" -o "$work/hot.h5" -n 1 --unit 0.01
prove 0 "whole: 3 models, 3 diverged" "$work/hot.h5"
prove 0 "has nothing to do: diverged at" "$work/hot.h5" --all

# cut short; then given back its length, as it advises
store=$work/cut.h5
head -c 300000 "$work/whole.h5" >"$store"
prove 1 "is cut short: 300000 of $(stat -c %s "$work/whole.h5") bytes are there" "$store"
printed "truncate -s"
prove 1 '"models": null' "$store" --json
truncate -s "$(stat -c %s "$work/whole.h5")" "$store"
prove 1 "no slot holds a whole state, but it was trained" "$store"
repaired "$store" --retrain-damaged
head -c 20 "$work/whole.h5" >"$store"
prove 3 "" "$store"

# killed at any moment: nothing is damaged
store=$work/killed.h5
spec=$data/longer.yaml
for ranks in 1 1 2; do
    "$OMMATID" run "$spec" -o "$store" -n $ranks --unit 0.05 --quiet 2>/dev/null &
    pid=$!
    for ((i = 0; i < 300; i++)); do
        "$OMMATID" check "$store" 2>/dev/null | grep -q "held by process" && break
        sleep 0.1
    done
    wait_for_training "$store"
    for ((i = 0; i < 10; i++)); do
        prove 0 "held by process" "$store" # beside the run
        prove 0 '"state": "live"' "$store" --json
    done
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    wait_for_ranks "$store"
    # a copy may be behind; the state may not
    "$OMMATID" check "$store" >"$work/out"
    grep -E "^damage" "$work/out" | grep -vE "its row is not" && fail "a kill has damaged $store"
    # (ranks whose launcher was killed end in good order)
    [[ $ranks -eq 1 ]] && printed "stale, the next run takes it over: process"
done
finish
