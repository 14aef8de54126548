#!/bin/bash
# A sweep's points: trained in one run or one by one, on any ranks, killed and resumed, they come out the same;
# those that are missing are named.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
not_sanitized
export OMP_WAIT_POLICY=passive
spec=$work/sweep.yaml pooled=$work/pooled.h5
cat >"$spec" <<'END'
name: swept
seed: 5
models: 2
circuit: { extent: 3 }
scenes: { training: 8, validation: 3 }
train: { iterations: 40, batch: 3, frames: 7, learning_rate: [1.0e-3, 1.0e-4], record_every: 10 }
validate: { every: 10 }
sweep:
  train.task: [none, flow]
  circuit.without: [[], [T5d]]
  train.iterations: [40, 20]
END
same_points() { # same_points A B POINTS...
    local a=$1 b=$2 point group
    shift 2
    for point in "$@"; do
        for group in params history validation ranking circuit; do
            [ "$group$point" = "history$((point % 4))" ] && continue # untrained: there is none
            h5diff "$a" "$b" "/point/$point/$group" "/point/$point/$group" >"$work/diff" 2>&1 ||
                { fail "point $point: /$group differs"; head -n 3 "$work/diff"; }
        done
    done
}

# one run of all points
expect 0 "16 of 16 models trained" "$OMMATID" run "$spec" -o "$pooled" -n 3 --threads 1 --unit 0.05
expect 0 "8 points" "$OMMATID" status "$pooled"
check test "$(grep -c finished "$work/out")" = 8
expect 0 "circuit.without  train.iterations" "$OMMATID" rank "$pooled"
expect 0 "whole: 2 models, 2 done" "$OMMATID" check "$pooled"
check test "$(grep -c '^whole' "$work/out")" = 8
expect 0 "2 of 2 models trained" "$OMMATID" run "$spec" -o "$pooled" # nothing is left to do
expect 3 "holds a sweep" "$OMMATID" export "$pooled" -t models
expect 0 "model,status" "$OMMATID" export "$pooled:6" -t models
expect 0 "2 models, by EPE" "$OMMATID" rank "$pooled:6"
expect 0 "P(better)" "$OMMATID" rank "$pooled" --against 5
expect 2 "expected a point from 0 to 7" "$OMMATID" rank "$pooled" --against 8
expect 0 '"against": 4' "$OMMATID" rank "$pooled" --against 4 --json
expect 0 '"verdict"' "$OMMATID" compare "$pooled:4" "$pooled:5" --json

# point by point, and merged; one is missing, another is trained on other ranks
for point in 0 1 2 4 5 6 7; do
    check "$OMMATID" run "$spec:$point" -o "$work/alone.point$point.h5" -n $((1 + point % 2)) --threads 1 --quiet
done
expect 1 "point 3 (train.task none, circuit.without [T5d], train.iterations 20): there is no" \
    "$OMMATID" merge "$spec" -o "$work/alone.h5"
check grep -q "1 of 8 points are missing" "$work/err"
same_points "$pooled" "$work/alone.h5" 0 1 2 # the numbers of axes go on through all of a file
expect 0 "missing" "$OMMATID" status "$work/alone.h5"
expect 0 "its job has left no store" "$OMMATID" rank "$work/alone.h5"
expect 1 "exists already" "$OMMATID" merge "$spec" -o "$work/alone.h5"
check "$OMMATID" run "$spec:3" -o "$work/alone.point3.h5" -n 1 --quiet
rm "$work/alone.h5"
check "$OMMATID" merge "$spec" -o "$work/alone.h5" --quiet
same_points "$pooled" "$work/alone.h5" 0 1 2 3 4 5 6 7
"$OMMATID" rank "$pooled" --json >"$work/a" && "$OMMATID" rank "$work/alone.h5" --json >"$work/b"
check cmp "$work/a" "$work/b"
expect 0 "whole: 2 models" "$OMMATID" check "$work/alone.h5"

# killed and gone on with, also by another number of ranks
sed 's/iterations: 40,/iterations: 400,/; s/\[40, 20\]/[400, 200]/' "$spec" >"$work/longer.yaml"
check "$OMMATID" run "$work/longer.yaml" -o "$work/whole.h5" -n 2 --quiet
for ranks in 2 1; do
    "$OMMATID" run "$work/longer.yaml" -o "$work/parts.h5" -n $ranks --threads 1 --unit 0.05 --quiet 2>/dev/null &
    run=$!
    wait_for_training "$work/parts.h5"
    kill -KILL $run
    wait $run 2>/dev/null
    wait_for_ranks "$work/parts.h5"
done
check "$OMMATID" run "$work/longer.yaml" -o "$work/parts.h5" -n 2 --quiet
same_points "$work/whole.h5" "$work/parts.h5" 4 5 6 7

# what does not belong together
expect 0 " points, " "$OMMATID" plan "$spec" --rate 100
expect 2 "a point is not trained inside the file of its sweep" "$OMMATID" run "$spec:4" -o "$pooled:4"
expect 0 "model 1: equal" "$OMMATID" run "$spec:4" -o "$pooled:4" --replicate 2
expect 3 "there is no point 8" "$OMMATID" run "$spec:8" -o "$work/none.h5"
sed 's/seed: 5/seed: 6/' "$spec" >"$work/other.yaml"
expect 3 "seed is 5 in the store, 6 in the spec" "$OMMATID" run "$work/other.yaml" -o "$pooled"
sed '/circuit.without/d' "$spec" >"$work/fewer.yaml"
expect 3 "holds a sweep of 8 points, not 4" "$OMMATID" run "$work/fewer.yaml" -o "$pooled" -n 1
rm "$work/alone.h5"
expect 3 "was not made from the spec of point 0" "$OMMATID" merge "$work/other.yaml" -o "$work/alone.h5"
check test ! -e "$work/alone.h5"
finish
