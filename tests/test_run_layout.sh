#!/bin/bash
# What run says of ranks and threads, how it starts them, and what it refuses; never how fast.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
export OMP_WAIT_POLICY=passive # there may be more threads than cores
spec=$data/tiny.yaml
cores=$(nproc)
sed 's/iterations: 90/iterations: 5000000/; s/record_every: 10/record_every: 10000/; s/every: 20/every: 10000/' "$spec" >"$work/long.yaml"

# said PATTERN: exactly one line about the layout was printed, and it is of this form.
said() {
    if [[ $(grep -c '^layout:' "$work/err") != 1 ]] || ! grep -qE -- "^layout: $1\$" "$work/err"; then
        fail "expected one line 'layout: $1', got: $(grep '^layout:' "$work/err")"
    fi
}
warned() { grep -q '^warning:' "$work/err"; }
# begin WORDS...: a run that is stopped as soon as it trains; its standard error is in $work/err.
begin() {
    "$OMMATID" run "$@" -o "$work/long.h5" 2>"$work/err" &
    for ((i = 0; i < 300; i++)); do
        "$OMMATID" status "$work/long.h5" >"$work/status" 2>/dev/null
        grep -q '^  job ' "$work/status" && break
        sleep 0.1
    done
    kill -TERM $!
    wait $!
    check test $? = 75
}

# What is asked for is done, and the models are the same.
expect 0 "3 of 3 models trained" "$OMMATID" run "$spec" -o "$work/one.h5" --layout 1x1
said '1 rank x 1 thread \(as asked for\)'
warned && fail "1 x 1 is no more than there are cores"
expect 0 "2 trainers and a coordinator" "$OMMATID" run "$spec" -o "$work/two.h5" --layout 2x2 --verbose
said '2 ranks x 2 threads \(as asked for\)'
if [[ $cores -lt 4 ]]; then
    check grep -qF "warning: 2 x 2 is more than the $cores core" "$work/err"
    check grep -q -- "--bind-to none" "$work/err"
fi
same "$work/one.h5" "$work/two.h5"
expect 0 "" "$OMMATID" run "$spec" -o "$work/three.h5" -n 3
said "3 ranks x $((cores / 3 > 1 ? cores / 3 : 1)) threads? \(ranks as asked for\)"
same "$work/one.h5" "$work/three.h5"
expect 0 "" "$OMMATID" run "$spec" -o "$work/threads.h5" --threads "$cores"
said "1 rank x $cores threads? \(threads as asked for\)"
same "$work/one.h5" "$work/threads.h5"

# A short run does not wait.
expect 0 "3 of 3 models trained" "$OMMATID" run "$spec" -o "$work/short.h5"
if [[ $cores -gt 1 ]]; then
    all_cores="$((cores < 3 ? cores : 3)) ranks x 1 thread \(one for each core or model: too short a run to measure\)"
    said "$all_cores"
    # Nor does a runtime that was told to bind its threads hide the cores.
    expect 0 "" env OMP_PROC_BIND=true OMP_PLACES=cores "$OMMATID" run "$spec" -o "$work/bound.h5"
    said "$all_cores"
    same "$work/one.h5" "$work/bound.h5"
fi
same "$work/one.h5" "$work/short.h5"
# On one core there is nothing to choose.
if command -v taskset >/dev/null; then
    first=$(taskset -cp $$ | sed 's/.*: *//; s/[-,].*//')
    expect 0 "" taskset -c "$first" "$OMMATID" run "$spec" -o "$work/core.h5"
    said '1 rank x 1 thread \(there is one core\)'
fi
# Nothing is left to do, or little: chosen anew.
expect 0 "3 of 3 models trained" "$OMMATID" run "$spec" -o "$work/two.h5"
[[ $cores -gt 1 ]] && said '1 rank x 1 thread \(one for each core or model: too short a run to measure\)'

# A long one measures, and status knows what was chosen; the run that goes on from there does not measure again.
if [[ $cores -gt 1 ]]; then
    for again in first second; do
        done_before=$("$OMMATID" status "$work/long.h5" --json 2>/dev/null | sed -n 's/^  "iterations": \([0-9]*\),/\1/p')
        begin "$work/long.yaml"
        if [[ $again = first ]]; then
            said "[0-9]+ ranks? x [0-9]+ threads? \([0-9.]+ iterations/s(; [0-9]+ x [0-9]+: [0-9.]+(, [0-9]+ x [0-9]+: [0-9.]+)*)?\)"
        else
            said "[0-9]+ ranks? x [0-9]+ threads? \(as the run before measured; another: --layout\)"
            check test "$chosen" = "$(sed -nE 's/^layout: ([0-9]+) ranks? x ([0-9]+) .*/\1x\2/p' "$work/err")"
        fi
        chosen=$(sed -nE 's/^layout: ([0-9]+) ranks? x ([0-9]+) .*/\1x\2/p' "$work/err")
        check grep -qF "layout $chosen, measured on $cores cores," "$work/status"
        if [[ $again = first ]]; then check test -z "$done_before"; else check test "${done_before:-0}" -gt 0; fi
    done
    "$OMMATID" run "$work/long.yaml" -o "$work/other.h5" 2>"$work/err" &
    sleep 1 # it measures
    kill -TERM $!
    wait $!
    check test $? = 75
    check test ! -e "$work/other.h5"
    expect 1 "is not a lock" bash -c "touch '$work/long.h5.lock'; '$OMMATID' run '$work/long.yaml' -o '$work/long.h5'"
    rm "$work/long.h5.lock"
fi

# Quiet is quiet; under somebody else's mpirun rank 0 says what there is, once.
expect 0 "" "$OMMATID" run "$spec" -o "$work/quiet.h5" --layout 2x1 --quiet
check test ! -s "$work/err"
expect 0 "" mpirun -n 3 "$OMMATID" run "$spec" -o "$work/mpirun.h5" --threads 1
said '2 ranks x 1 thread \(ranks by the launcher\)'
same "$work/one.h5" "$work/mpirun.h5"
expect 0 "" mpirun -n 1 "$OMMATID" run "$spec" -o "$work/alone.h5" --threads 2 --quiet
check test ! -s "$work/err"

# Wrong use.
for bad in 2by1 x 2x "2 x 1" 2x1x1 0x1 2x0 -1x2 2 1x1025 4097x1 1.5x1 " 2x1" 999999999999999999x1; do
    expect 2 "--layout '$bad': expected ranks x threads, as in 4x2" "$OMMATID" run "$spec" -o "$work/bad.h5" "--layout=$bad"
done
expect 2 "not with -n" "$OMMATID" run "$spec" -o "$work/bad.h5" --layout 2x1 -n 2
expect 2 "not with --threads" "$OMMATID" run "$spec" -o "$work/bad.h5" --layout 2x1 --threads 2
expect 2 "launcher" mpirun -n 2 "$OMMATID" run "$spec" -o "$work/bad.h5" --layout 2x1
echo "modles: 3" >"$work/bad.yaml"
expect 3 "bad.yaml:1" "$OMMATID" run "$work/bad.yaml" -o "$work/bad.h5"
expect 3 "no-such.yaml" "$OMMATID" run "$work/no-such.yaml" -o "$work/bad.h5"

# More memory than there is: said before anything is rendered or created.
sed 's/batch: 3, frames: 7/batch: 4096, frames: 10000/; s/training: 8/training: 4096/' "$spec" >"$work/big.yaml"
for ranks in 1 2; do
    expect 1 "out of memory: $ranks rank" "$OMMATID" run "$work/big.yaml" -o "$work/bad.h5" -n "$ranks"
    check grep -q "try: smaller train.batch" "$work/err"
    check test "$(grep -c "out of memory" "$work/err")" = 1
    grep -q "^rendering" "$work/err" && fail "rendered before memory was checked"
done
check test -z "$(find "$work" -name 'bad.h5*')"
expect 2 "4096 ranks x 1024 threads on" "$OMMATID" run "$OM_TEST_DATA/ensemble/tiny.yaml" -o "$work/storm.h5" --layout 4096x1024
check test ! -e "$work/storm.h5"
finish
