#!/bin/bash
# Ensembles of which models diverge: they are set back, given up and replaced, and all of it is the same,
# bit for bit, on any number of ranks, in units of any length, and killed in between.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
not_sanitized
export OMP_WAIT_POLICY=passive

# same_ways A B: as same, and they came to it in the same ways.
same_ways() {
    local dataset
    same "$1" "$2"
    for dataset in stream retries replaced_at status iteration; do
        check h5diff -q "$1" "$2" "/model/$dataset" "/model/$dataset"
    done
    expect 0 "whole: " "$OMMATID" check "$2"
}
# number STORE FIELD: what rank --json says of each model, in the order of the ranking.
number() {
    "$OMMATID" rank "$1" --json | sed -n "s/.*\"$2\": \([0-9a-z]*\),*$/\1/p" | xargs
}

# At its first rate every model's voltages explode, by far, within three iterations. At half of it all are well but
# model 4, whose replacement is well again. The first pass, of two iterations, is the only one at such rates.
spec=$work/warm.yaml
sed 's/models: 3/models: 5/; s/1.0e-3, 1.0e-4/1.5, 1.0e-3/' "$data/tiny.yaml" |
    sed 's/iterations: 90/iterations: 60, schedule_stop: 2, steps: 2, retries: 1, replace: 1/' >"$spec"
expect 0 "5 of 5 models trained" "$OMMATID" run "$spec" -o "$work/one.h5" -n 1 --threads 1 --unit 100
check test "$(grep -c "back to 0, at rate 0.75, retry 1 of 1" "$work/err")" = 6
grep -q "after 1 retry, the last at rate .*: begun anew, stream 1000004" "$work/err" || fail "no word of a replacement"
expect 0 "whole: 5 models, 5 done" "$OMMATID" check "$work/one.h5"
check test "$(number "$work/one.h5" stream | tr ' ' '\n' | sort -n | xargs)" = "0 1 2 3 1000004"
check test "$(number "$work/one.h5" retries)" = "1 1 1 1 1"
expect 0 "model 4: of stream 1000004, replaces stream 4, which diverged after iteration 2" \
    "$OMMATID" rank "$work/one.h5"
expect 0 "model 3: set back 1 time after diverging, to 0.5 of its learning rate" "$OMMATID" rank "$work/one.h5"
expect 0 "retries     5, of 5 models: at half the learning rate each time" "$OMMATID" status "$work/one.h5"
expect 0 "replaced    1 time, in 1 row" "$OMMATID" status "$work/one.h5"
expect 0 "(stream 1000004: replaces stream 4, which diverged after iteration 2)" \
    "$OMMATID" status "$work/one.h5" --all
expect 0 '"rate_factor": 0.5' "$OMMATID" status "$work/one.h5" --json
expect 0 "begun anew 1 x, set back 1 x" "$OMMATID" check "$work/one.h5" --all

# one iteration at a time, some at a time; on two ranks, which pass models on to each other
expect 0 "" "$OMMATID" run "$spec" -o "$work/short.h5" -n 1 --threads 2 --unit 0.01 --quiet
same_ways "$work/one.h5" "$work/short.h5"
expect 0 "" "$OMMATID" run "$spec" -o "$work/two.h5" -n 2 --unit 0.05 --quiet
same_ways "$work/one.h5" "$work/two.h5"

# killed again and again, on the way to 300 iterations in all
store=$work/killed.h5
for kill in "1 5" "2 60" "1 120" "2 180"; do
    read -r ranks iterations <<<"$kill"
    "$OMMATID" run "$spec" -o "$store" -n "$ranks" --unit 0.02 --quiet 2>/dev/null &
    pid=$!
    wait_for_training "$store" "$iterations"
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    wait_for_ranks "$store"
    iterations=$(iterations_of "$store")
    [[ $iterations -lt 300 ]] || fail "all $iterations iterations were done before it was killed"
    expect 0 "whole: " "$OMMATID" check "$store"
done
check "$OMMATID" run "$spec" -o "$store" -n 1 --quiet
same_ways "$work/one.h5" "$store"

# retries that are used up: the last finite state, and why
sed 's/1.0e-3, 1.0e-4/10, 10/; s/every: 20/every: 2/; s/iterations/retries: 2, iterations/' "$data/tiny.yaml" >"$work/hot.yaml"
for unit in 0.01 10; do
    expect 1 "3 diverged" "$OMMATID" run "$work/hot.yaml" -o "$work/hot-$unit.h5" -n 1 --unit $unit
done
same_ways "$work/hot-0.01.h5" "$work/hot-10.h5"
check test "$(number "$work/hot-10.h5" retries)" = "2 2 2"
expect 0 "after 2 retries, the last at rate" "$OMMATID" status "$work/hot-10.h5"
expect 0 "set back 2 x" "$OMMATID" check "$work/hot-10.h5" --all

# without retries a model is given up at once
sed 's/retries: 2/retries: 0/' "$work/hot.yaml" >"$work/none.yaml"
expect 1 "3 diverged" "$OMMATID" run "$work/none.yaml" -o "$work/none.h5" -n 2 --unit 0.01
check test "$(number "$work/none.h5" retries)" = "0 0 0"
grep -q "back to\|retr" "$work/err" && fail "a retry that nobody asked for"
expect 3 "train.retries is 0 in the store, 2 in the spec" "$OMMATID" run "$work/hot.yaml" -o "$work/none.h5" -n 1
finish
