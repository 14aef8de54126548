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
expect 3 "alone.h5: holds no point 3 of its sweep" "$OMMATID" rank "$work/alone.h5:3"
expect 3 "alone.point0.h5: holds no sweep, so no point 3" "$OMMATID" rank "$work/alone.point0.h5:3"
expect 3 "alone.h5: lacks point 3: it was merged without it" "$OMMATID" run "$spec" -o "$work/alone.h5" -n 1

# merged again in place of that; another notation, or section slurm, makes no other ensemble
sed 's/1.0e-3/0.001/; $a slurm: { time: 10 }' "$spec" >"$work/noted.yaml"
sed 's/seed: 5/seed: 6/' "$spec" >"$work/other.yaml"
check "$OMMATID" run "$work/other.yaml:3" -o "$work/alone.point3.h5" -n 1 --quiet
expect 1 "left out: point 3 (train.task none, circuit.without [T5d], train.iterations 20): $work/alone.point3.h5: \
belongs to another ensemble: seed is 6 in the store, 5 in the spec" "$OMMATID" merge "$work/noted.yaml" -o "$work/alone.h5"
sed 's/validation: 3/validation: 4/' "$spec" >"$work/films.yaml"
expect 3 "its films are of other settings" "$OMMATID" merge "$work/films.yaml" -o "$work/alone.h5"
rm "$work/alone.point3.h5"
OMMATID_ISA=portable check "$OMMATID" run "$spec:3" -o "$work/alone.point3.h5" -n 1 --quiet
expect 0 "was begun with" "$OMMATID" merge "$spec" -o "$work/alone.h5"
rm "$work/alone.point3.h5"
expect 1 "holds point 3, which cannot be had anew: there is no" "$OMMATID" merge "$spec" -o "$work/alone.h5"
rm "$work/alone.h5"
check "$OMMATID" run "$spec:3" -o "$work/alone.point3.h5" -n 1 --quiet
check "$OMMATID" merge "$spec" -o "$work/alone.h5" --quiet
same_points "$pooled" "$work/alone.h5" 0 1 2 3 4 5 6 7
"$OMMATID" rank "$pooled" --json >"$work/a" && "$OMMATID" rank "$work/alone.h5" --json >"$work/b"
check cmp "$work/a" "$work/b"
expect 0 "whole: 2 models" "$OMMATID" check "$work/alone.h5"

# points that are not trained to the end are merged, and named; while one is trained it is left out
sed '/^sweep/,$d; s/iterations: 40,/iterations: 40000,/' "$spec" >"$work/half.yaml"
echo 'sweep: { circuit.without: [[], [T5d]] }' >>"$work/half.yaml"
half=$work/half.h5
reached() { "$OMMATID" status "$1" --json 2>/dev/null | sed -n '0,/"iterations"/s/.*"iterations": \([0-9]*\).*/\1/p'; }
train_on() { # SPEC STORE [MERGE-WORDS...]: a little further, and stopped; meanwhile it is merged
    local before i
    before=$(reached "$2")
    "$OMMATID" run "$1" -o "$2" -n 1 --unit 0.05 --quiet 2>/dev/null &
    local run=$!
    for ((i = 0; i < 300; i++)); do
        [ "$(reached "$2")" -gt "${before:-0}" ] 2>/dev/null && break
        sleep 0.05
    done
    if [ $# -gt 2 ]; then expect "${@:3}"; fi
    kill -INT $run
    wait $run
}
train_on "$work/half.yaml:0" "$work/half.point0.h5"
train_on "$work/half.yaml:1" "$work/half.point1.h5" 1 "left out: point 1 (circuit.without [T5d]): $work/half.point1.h5: is being trained by process" \
    "$OMMATID" merge "$work/half.yaml" -o "$half"
expect 1 "2 of 2 points in $half are not trained to the end" "$OMMATID" merge "$work/half.yaml" -o "$half"
check grep -q "^not finished: point 0 (circuit.without \[\]): .* % trained" "$work/err"
expect 0 "not trained to the end: point 0 (" "$OMMATID" rank "$half"
expect 0 '"finished": false' "$OMMATID" rank "$half" --json
expect 0 "0  stopped" "$OMMATID" status "$half"
train_on "$work/half.yaml:1" "$work/half.point1.h5"
check cp "$half" "$work/before.h5"
expect 1 "2 of 2 points in $half are not" "$OMMATID" merge "$work/half.yaml" -o "$half"
same_points "$half" "$work/before.h5" 0
h5diff "$half" "$work/before.h5" /point/1/history /point/1/history >/dev/null && fail "point 1 is not merged anew"
h5dump -d /point/1/run/trainers "$half" | grep -q '(0): 0$' || fail "the merged file is taken for one in training"
train_on "$work/half.yaml" "$half" 0 "swept: training" "$OMMATID" status "$half:0"
expect 1 "$half: exists already, and was trained on: its point" "$OMMATID" merge "$work/half.yaml" -o "$half"

# a race: what stopped models do not train is not missing
sed 's/iterations: 40000,/iterations: 40,/; /^sweep/d' "$work/half.yaml" >"$work/race.yaml"
printf 'race: { keep: 0.5, at: [10] }\nsweep: { seed: [1, 2] }\n' >>"$work/race.yaml"
check "$OMMATID" run "$work/race.yaml" -o "$work/race.h5" -n 2 --threads 1 --quiet
expect 0 '"iterations_total": 100' "$OMMATID" status "$work/race.h5" --json
check test "$(grep -c '"iterations": 50,' "$work/out")" = 2
check test "$(grep -c '"stopped": 1,' "$work/out")" = 2
expect 0 "0  finished      1        1        0        0      0      100.0 %" "$OMMATID" status "$work/race.h5"

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
sed 's/\[\[\], \[T5d\]\]/[[], [Nope]]/' "$spec" >"$work/bad.yaml"
expect 3 "$work/bad.yaml:10: point 2: circuit.without: circuit motion-pathway has no type 'Nope'" \
    "$OMMATID" run "$work/bad.yaml:2" -o "$work/none.h5"
expect 3 "$work/bad.yaml:10: point 2: circuit.without" "$OMMATID" run "$work/bad.yaml" -o "$work/none.h5" -n 1
expect 3 "there is no point 8" "$OMMATID" run "$spec:8" -o "$work/none.h5"
expect 3 "seed is 5 in the store, 6 in the spec" "$OMMATID" run "$work/other.yaml" -o "$pooled"
sed '/circuit.without/d' "$spec" >"$work/fewer.yaml"
expect 3 "holds a sweep of 8 points, not 4" "$OMMATID" run "$work/fewer.yaml" -o "$pooled" -n 1
expect 3 "no point of the sweep has left a store" "$OMMATID" merge "$work/other.yaml" -o "$work/none.h5"
check cp "$work/alone.point0.h5" "$work/alone-it.h5"
check cp "$work/alone.point0.h5" "$work/alone-it.point0.h5"
expect 1 "exists already, and holds no sweep" "$OMMATID" merge "$spec" -o "$work/alone-it.h5"
finish
