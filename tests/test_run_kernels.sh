#!/bin/bash
# A store says what kernels it was begun with; a run that goes on with others is warned.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154,SC2034
source "$(dirname "$0")/ensemble.bash"
export OMP_WAIT_POLICY=passive
spec=$data/longer.yaml store=$work/begun.h5 warning="begun with portable kernels, rank 0 goes on with"

# stop KERNELS: begins or goes on with them until something was trained.
stop() {
    OMMATID_ISA=$1 "$OMMATID" run "$spec" -o "$store" -n 1 --unit 1 2>"$work/err" &
    local pid=$!
    wait_for_training "$store"
    kill -INT $pid
    wait $pid
    check test $? = 75
}
stop portable
check grep -q '"portable"' <(h5dump -a /kernels "$store")
check test "$(grep -c warning "$work/err")" = 0
OMMATID_ISA=plain "$OMMATID" run "$spec" -o "$store" -n 1 --unit 1 2>"$work/err" &
pid=$!
for ((i = 0; i < 300; i++)); do
    grep -q "$warning plain" "$work/err" && break
    sleep 0.1
done
check grep -q "$warning plain" "$work/err"
check grep -q "OMMATID_ISA=portable" "$work/err"
kill -INT $pid
wait $pid
check test $? = 75

# nothing to say where they are the same, nor where nothing is left to train
program=(timeout 300 env OMMATID_ISA=portable)
expect 0 "" "$OMMATID" run "$spec" -o "$store" -n 1 --quiet
check test ! -s "$work/err"
program=(timeout 120 env OMMATID_ISA=plain)
expect 0 "" "$OMMATID" run "$spec" -o "$store" -n 1 --quiet
check test ! -s "$work/err"
finish
