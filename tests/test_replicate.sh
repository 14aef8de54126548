#!/bin/bash
# run --replicate: models that are trained once more come out as the store has them, on any layout; a state that
# was changed, and has its checksum all the same, is found. The store is only read.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
not_sanitized
export OMP_WAIT_POLICY=passive # there are more threads than cores
spec=$data/tiny.yaml store=$work/tiny.h5
audit() { expect "$1" "$2" "$OMMATID" run "$spec" -o "$store" --replicate "${@:3}"; }
printed() { grep -qE -- "$1" "$work/out" "$work/err" || { fail "'$1' is not printed:"; cat "$work/out" "$work/err"; }; }

audit 3 "No such file" 1
check "$OMMATID" run "$spec" -o "$store" -n 2 --threads 1 --unit 0.1 --quiet
sum=$(md5sum <"$store")

# on another layout than the store's; the same models each time; more than there are: all
audit 0 "1 rank x 2 threads (last trained with 2 x 1)" 1
check test "$(grep -c "equal at iteration 90" "$work/out")" = 1
cp "$work/out" "$work/first"
audit 0 "" 1 --layout 2x1 --quiet
check cmp "$work/first" "$work/out"
check test ! -s "$work/err"
audit 0 "last trained with 2 x 1, too" 1 --layout 2x1
check grep -qF "try: --threads 2" "$work/err"
audit 0 "" 9 --layout 2x2
check test "$(grep -c "equal at iteration 90" "$work/out")" = 3
grep -qF "$(cat "$work/first")" "$work/out" || fail "another state for the same model"
expect 0 "model 2: equal" mpirun -n 2 "$OMMATID" run "$spec" -o "$store" --replicate 3

# by other kernels the last bits differ, and the audit says that there are others
check test "$(grep -c kernels "$work/err")" = 0
expect 1 "1 of 1 models came out otherwise" env OMMATID_ISA=plain "$OMMATID" run "$spec" -o "$store" --replicate 1
printed "begun with [a-z0-9]* kernels, these are plain"

# what is refused
audit 2 "from 1 to" 0
sed 's/seed: 5/seed: 6/' "$spec" >"$work/other.yaml"
expect 3 "seed is 5 in the store" "$OMMATID" run "$work/other.yaml" -o "$store" --replicate 1
check test "$sum" = "$(md5sum <"$store")"
check test -z "$(find "$work" -name 'tiny.h5?*')"

# stopped: there is nothing to go on from
"$OMMATID" run "$data/longer.yaml" -o "$work/longer.h5" -n 2 --quiet || fail "longer"
sum=$(md5sum <"$work/longer.h5")
for layout in 1x1 2x1; do
    rm -f "$work/err" # of the command before: it must not be taken for this one's
    "$OMMATID" run "$data/longer.yaml" -o "$work/longer.h5" --replicate 3 --layout $layout 2>"$work/err" &
    pid=$!
    for ((i = 0; i < 300; i++)); do
        grep -qs "iterations/s" "$work/err" && break
        sleep 0.1
    done
    kill -TERM $pid
    wait $pid
    check test $? = 75
    check grep -q "stopped: models were not compared" "$work/err"
done
expect 75 "ommatid: time limit: " mpirun -n 2 "$OMMATID" run "$data/longer.yaml" -o "$work/longer.h5" --replicate 3 \
    --time-limit 1s
check test "$sum" = "$(md5sum <"$work/longer.h5")"

# damaged MODEL BYTE WHAT: that byte of the store is another; the audit sees it, and trains the other models.
damaged() {
    cp "$store" "$work/damaged.h5"
    python3 -c "
with open('$work/damaged.h5', 'r+b') as file:
    file.seek($2)
    byte = file.read(1)[0]
    file.seek($2)
    file.write(bytes([byte ^ 64]))" || fail "changing a byte"
    expect 1 "1 of 3 models are damaged in" "$OMMATID" run "$spec" -o "$work/damaged.h5" --replicate 3
    printed "^model $1: damaged: $3"
    check test "$(grep -c ": equal at iteration 90" "$work/out")" = 2
    check grep -qF "try: ommatid check $work/damaged.h5" "$work/err"
}
slot_of_1=$("$OMMATID" check "$store" --json | python3 -c "
import json, sys
model = json.load(sys.stdin)['models'][1]
print(model[model['counts']]['byte'])")
damaged 1 $((slot_of_1 + 3000)) "/checkpoint/[ab]: its state does not have its checksum: the newest commit is lost"
row_of_0=$(h5dump -p -H -d /params/strength "$store" | awk '/OFFSET/ { print $2 }')
damaged 0 $((row_of_0 + 5)) "/params/strength: its row is not that of the model's state"

# one bit of a parameter (the strength of one pair) is changed, and the checksums of its slot made anew: check
# cannot know of it
attribute() { h5dump -a "/checkpoint/$1" "$store" | sed -n 's/.*(0): *//p'; }
at=$(($(attribute at_params) + 4 * $(attribute strength)))
python3 - "$store" "$("$OMMATID" check "$store" --json)" $at <<'END' || fail "changing a state"
import ctypes, json, struct, sys

HEADER = 64
hash_of = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
hash_of.restype, hash_of.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
model = json.loads(sys.argv[2])["models"][1]
begin = model[model["counts"]]["byte"]
with open(sys.argv[1], "r+b") as file:
    file.seek(begin)
    numbers = list(struct.unpack("<8Q", file.read(HEADER)))
    body = bytearray(file.read(numbers[3]))
    assert hash_of(bytes(body), len(body)) == numbers[6]
    body[int(sys.argv[3])] ^= 1
    numbers[6] = hash_of(bytes(body), len(body))
    head = struct.pack("<7Q", *numbers[:7])
    file.seek(begin)
    file.write(head + struct.pack("<Q", hash_of(head, len(head))) + body)
END
expect 0 "whole: 3 models" "$OMMATID" check "$store"
audit 1 "1 of 3 models came out otherwise" 3
printed "^model 0: equal"
printed "^model 1: differs at iteration 90 .*: params: strength of [^ ]* -> [^ ]*: [-0-9.e]+, in the store "
printed "^model 2: equal"

# what is not finished is not compared
sed 's/models: 3/models: 2/' "$data/longer.yaml" >"$work/half.yaml"
"$OMMATID" run "$work/half.yaml" -o "$work/half.h5" -n 1 --unit 0.1 --quiet 2>/dev/null &
pid=$!
wait_for_training "$work/half.h5"
kill -TERM $pid
wait $pid
expect 3 "none of its 2 models is finished" "$OMMATID" run "$work/half.yaml" -o "$work/half.h5" --replicate 1
finish
