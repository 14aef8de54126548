#!/bin/bash
# The same ensemble on any number of ranks and threads: the same models, bit for bit.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
export OMP_WAIT_POLICY=passive # there are more threads than cores
spec=$data/tiny.yaml

expect 0 "3 of 3 models trained" "$OMMATID" run "$spec" -o "$work/one.h5" -n 1 --threads 1
check test -s "$work/one.h5" -a ! -e "$work/one.h5.lock"

# run starts its own ranks, and says how
expect 0 "mpirun" "$OMMATID" run "$spec" -o "$work/two.h5" -n 2 --unit 0.1 --verbose
# where the ranks' time went: shares of one whole, for people and for tools
sed -nE 's/^engine: training ([0-9.]+) %, store writes ([0-9.]+) %, waiting ([0-9.]+) %, coordinator [0-9.]+ % of a core.*/\1 \2 \3/p' \
    "$work/err" | awk '{ n++; all = $1 + $2 + $3 } END { exit !(n == 1 && all > 99.9 && all < 100.1) }' ||
    { fail "no shares of time"; cat "$work/err"; }
same "$work/one.h5" "$work/two.h5"
expect 0 "3 trainers" "$OMMATID" run "$spec" -o "$work/three.h5" -n 3 --threads 1 --unit 0.05
same "$work/one.h5" "$work/three.h5"
expect 0 "" "$OMMATID" run "$spec" -o "$work/threads.h5" -n 2 --threads 2 --quiet
check test ! -s "$work/err"
same "$work/one.h5" "$work/threads.h5"

# under mpirun it uses the ranks that it is given: 3 that train and one that coordinates, or 1 alone
expect 0 "3 of 3 models trained" mpirun -n 4 "$OMMATID" run "$spec" -o "$work/mpirun.h5" --unit 0.1
same "$work/one.h5" "$work/mpirun.h5"
expect 0 "3 of 3 models trained" mpirun -n 1 "$OMMATID" run "$spec" -o "$work/alone.h5" --threads 2
same "$work/one.h5" "$work/alone.h5"
expect 2 "launcher" mpirun -n 2 "$OMMATID" run "$spec" -o "$work/refused.h5" -n 2

# a finished store is ranked again, not trained again
cp "$work/one.h5" "$work/again.h5"
expect 0 "3 of 3 models trained" "$OMMATID" run "$spec" -o "$work/again.h5" -n 1
same "$work/one.h5" "$work/again.h5"

# films from a file are the same as films rendered on the spot
"$OMMATID" scenes make -o "$work/films.h5" --training 8 --validation 3 --extent 3 --frames 7 \
    --seed 1 --quiet || fail "scenes make"
sed "s|procedural, training: 8, validation: 3|$work/films.h5|" "$spec" >"$work/films.yaml"
expect 0 "3 of 3 models trained" "$OMMATID" run "$work/films.yaml" -o "$work/filmed.h5" -n 2
for group in params history validation; do
    check h5diff -q "$work/one.h5" "$work/filmed.h5" "/$group" "/$group"
done

# every model is itself: the same whether 2 or 3 are trained, and different from the others
sed 's/models: 3/models: 2/' "$spec" >"$work/fewer.yaml"
expect 0 "2 of 2 models trained" "$OMMATID" run "$work/fewer.yaml" -o "$work/fewer.h5" -n 1
for model in 0 1; do
    for table in params history; do
        "$OMMATID" export "$work/one.h5" -t $table -m $model >"$work/of-three"
        "$OMMATID" export "$work/fewer.h5" -t $table -m $model >"$work/of-two"
        check cmp "$work/of-three" "$work/of-two"
    done
done
"$OMMATID" export "$work/one.h5" -t history -m 0 | cut -d, -f2- >"$work/model-0"
"$OMMATID" export "$work/one.h5" -t history -m 1 | cut -d, -f2- >"$work/model-1"
cmp -s "$work/model-0" "$work/model-1" && fail "models 0 and 1 have the same history"

# by transforms: other bits than by direct sums, the same on any ranks and threads; the store says which
sed 's/iterations: 90/iterations: 20, convolution: fft/' "$spec" >"$work/fft.yaml"
check "$OMMATID" run "$work/fft.yaml" -o "$work/fft-one.h5" -n 1 --threads 1 --quiet
check "$OMMATID" run "$work/fft.yaml" -o "$work/fft-two.h5" -n 2 --threads 2 --unit 0.05 --quiet
same "$work/fft-one.h5" "$work/fft-two.h5"
sed 's/iterations: 90/iterations: 20/' "$spec" >"$work/auto.yaml"
check "$OMMATID" run "$work/auto.yaml" -o "$work/auto.h5" -n 2 --quiet
h5diff -q "$work/fft-one.h5" "$work/auto.h5" /params /params && fail "transforms and direct sums give the same bits"
sed 's/iterations: 90/iterations: 20, convolution: direct/' "$spec" >"$work/direct.yaml"
expect 0 "3 of 3 models trained" "$OMMATID" run "$work/direct.yaml" -o "$work/auto.h5" -n 1
expect 3 "convolution is direct in the store" "$OMMATID" run "$work/fft.yaml" -o "$work/auto.h5" -n 1

# models that diverge end at the same state, however their iterations were cut into units
sed 's/1.0e-3, 1.0e-4/2, 2/; s/every: 20/every: 2/; s/iterations/retries: 0, explode: 0, iterations/' "$spec" >"$work/hot.yaml"
expect 1 "3 diverged" "$OMMATID" run "$work/hot.yaml" -o "$work/hot-one.h5" -n 1 --unit 0.01
expect 1 "3 diverged" "$OMMATID" run "$work/hot.yaml" -o "$work/hot-two.h5" -n 2 --unit 10
same "$work/hot-one.h5" "$work/hot-two.h5"
expect 0 "diverged" "$OMMATID" rank "$work/hot-one.h5"
grep -q nan "$work/out" && fail "rank prints nan"
expect 0 "diverged" "$OMMATID" rank "$work/hot-one.h5" --csv
grep -q nan "$work/out" && fail "rank --csv prints nan"

# what is printed of a store
expect 0 "mean flow" "$OMMATID" rank "$work/one.h5"
expect 0 "place,model,status" "$OMMATID" rank "$work/one.h5" --csv --top 2
check test "$(wc -l <"$work/out")" = 3
expect 0 '"by": "l2norm"' "$OMMATID" rank "$work/one.h5" --by l2norm --json
expect 0 "finished" "$OMMATID" status "$work/one.h5"
expect 0 "resting_potential" "$OMMATID" export "$work/one.h5"
expect 0 '"conv1_weight"' "$OMMATID" export "$work/one.h5" -m 2 --json
expect 2 "not of history" "$OMMATID" export "$work/one.h5" -t history --json
expect 2 "not both" "$OMMATID" rank "$work/one.h5" --csv --json
expect 2 "models 0 to 2" "$OMMATID" export "$work/one.h5" -m 3
expect 0 "" "$OMMATID" export "$work/one.h5" -t models -o "$work/models.csv"
expect 1 "already" "$OMMATID" export "$work/one.h5" -t models -o "$work/models.csv"
finish
