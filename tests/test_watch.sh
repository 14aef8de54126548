#!/bin/bash
# Reading a store while ranks write into it: no reader fails or sees nonsense, and the models are none the worse.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
export OMP_WAIT_POLICY=passive
sed 's/iterations: 90/iterations: 400/' "$data/tiny.yaml" >"$work/spec.yaml"
spec=$work/spec.yaml
store=$work/read.h5

check "$OMMATID" run "$spec" -o "$work/alone.h5" -n 2 --quiet

# many small units: ranks commit all the time
"$OMMATID" run "$spec" -o "$store" -n 2 --unit 0.01 --quiet 2>"$work/run-err" &
run=$!
# begun as soon as there is anything to see, mostly before anybody trains
until [[ -e $store || -e $store.lock ]]; do sleep 0.01; done
"$OMMATID" status "$store" --watch --all >"$work/watched" 2>"$work/watch-err" &
watch=$!
wait_for_training "$store"
reads=0 before=0
while kill -0 $run 2>/dev/null; do
    for reader in status rank "export -t history" "export -t params"; do
        # shellcheck disable=SC2086 # words
        "$OMMATID" $reader "$store" >"$work/out" 2>"$work/err" || { fail "$reader"; cat "$work/err"; }
    done
    iterations=$("$OMMATID" status "$store" --json | sed -n 's/.*"iterations": \([0-9]*\).*/\1/p')
    check test "${iterations:-0}" -ge "$before"
    before=${iterations:-0}
    reads=$((reads + 1))
done
wait $run
check test $? = 0
check test $reads -gt 0
check test ! -s "$work/run-err"
# it watches until nobody trains any more, and says so
wait $watch
check test $? = 0
check test ! -s "$work/watch-err"
check grep -q "^tiny: finished" "$work/watched"
same "$work/alone.h5" "$store"
expect 0 "" "$OMMATID" check "$store"

# a run that was killed is not taken for one that trains
sed 's/iterations: 90/iterations: 90000/' "$data/tiny.yaml" >"$work/endless.yaml"
"$OMMATID" run "$work/endless.yaml" -o "$work/killed.h5" -n 1 --quiet 2>"$work/run-err" &
run=$!
wait_for_training "$work/killed.h5"
expect 0 "tiny: training" "$OMMATID" status "$work/killed.h5"
kill -KILL $run
wait $run 2>/dev/null
expect 0 "tiny: silent" "$OMMATID" status "$work/killed.h5" --watch
check grep -q "it has probably died" "$work/out"
finish
