#!/bin/bash
# A race has the same survivors on any number of ranks and however often it is killed, and they are the models that
# training without a race gives.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
not_sanitized
export OMP_WAIT_POLICY=passive # there are more threads than cores
spec=$data/race.yaml
sed '/^race/d' "$spec" >"$work/all.yaml"

expect 0 "2 of 6 models trained" "$OMMATID" run "$spec" -o "$work/one.h5" -n 1 --threads 1
for line in "race at iteration 40: 3 of 6 models go on" "race at iteration 100: 2 of 6 models go on" \
    "4 stopped by the race"; do
    check grep -qF "$line" "$work/err"
done
expect 0 "2 of 6 models trained" "$OMMATID" run "$spec" -o "$work/three.h5" -n 3 --threads 1 --unit 0.05
same "$work/one.h5" "$work/three.h5"

# killed before the first rung, between the rungs and after the second, of 720 and 1,260 iterations in all; then nothing is
# left to do, and the race is decided as before
long=$work/long.yaml store=$work/killed.h5
sed 's/iterations: 200/iterations: 600/; s/40, 100/120, 300/' "$spec" >"$long"
check "$OMMATID" run "$long" -o "$work/long.h5" -n 2 --threads 1 --quiet
for kill in "2 200" "1 840" "3 1400"; do
    read -r ranks iterations <<<"$kill"
    "$OMMATID" run "$long" -o "$store" -n "$ranks" --threads 1 --unit 0.05 --quiet 2>/dev/null &
    pid=$!
    wait_for_training "$store" "$iterations"
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    wait_for_ranks "$store"
    iterations=$(iterations_of "$store")
    [[ $iterations -lt 1860 ]] || fail "all $iterations iterations were done before it was killed"
done
check "$OMMATID" run "$long" -o "$store" -n 2 --quiet
same "$work/long.h5" "$store"
expect 0 "2 of 6 models trained" "$OMMATID" run "$long" -o "$store" --threads 1
same "$work/long.h5" "$store"
expect 0 "whole: 6 models, 2 done, 4 stopped" "$OMMATID" check "$store"
store=$work/three.h5

# what is told of it
expect 0 "finished" "$OMMATID" status "$store" --all
for line in "2 done, 0 running, 0 waiting, 4 stopped" "620 of 620 (100.0 %)" \
    "4 of 6 stopped (3 at iteration 40, 1 at 100); 48 % of the iterations saved" \
    "stopped by the race at iteration 40: place 6 of 6" "stopped by the race at iteration 100: place 3 of 3"; do
    check grep -qF "$line" "$work/out"
done
expect 0 "48 % of the iterations saved" "$OMMATID" rank "$store"
check grep -q "stopped at 100$" "$work/out"
cat >"$work/read.py" <<'END'
import json, sys
r, all_ = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
assert r["race"]["at"] == [40, 100] and r["race"]["stopped"] == [3, 1] and r["race"]["iterations_saved"] == 580
assert all_["race"] is None
models = r["models"]
assert [m["place"] for m in models] == [1, 2, 3, 4, 5, 6]
assert [m["status"] for m in models] == 2 * ["done"] + 4 * ["stopped"]
assert [m["iteration"] for m in models] == [200, 200, 100, 40, 40, 40]
errors = [m["epe"] for m in models]
assert errors[0] < errors[1] and errors[3] < errors[4] < errors[5]
assert sorted(m["model"] for m in models[:2]) != [0, 1]
print(*(m["model"] for m in models))
END
check "$OMMATID" run "$work/all.yaml" -o "$work/all.h5" -n 2 --quiet
"$OMMATID" rank "$store" --json >"$work/rank.json"
"$OMMATID" rank "$work/all.h5" --json >"$work/rank-all.json"
check python3 "$work/read.py" "$work/rank.json" "$work/rank-all.json"

# the models are those of training without a race; those that were stopped, up to there
read -ra models < <(python3 "$work/read.py" "$work/rank.json" "$work/rank-all.json")
table() { "$OMMATID" export "$1" -t "$2" -m "$3" 2>/dev/null; }
for i in 0 1; do
    for t in params history validation; do
        check cmp <(table "$store" $t "${models[i]}") <(table "$work/all.h5" $t "${models[i]}")
    done
done
check cmp <(table "$store" history "${models[2]}" | head -n 11) <(table "$work/all.h5" history "${models[2]}" | head -n 11)
check test "$(table "$store" validation "${models[2]}" | grep -c '[0-9]$')" = 6 # 0, 20, ..., 100

# places are what other commands go by
check "$OMMATID" predict "$store" --experiment flashes --models top:3 --quiet -o "$work/top.h5"
check grep -q "(0): ${models[0]}, ${models[1]}, ${models[2]}$" <(h5dump -d /model "$work/top.h5")

# with other settings it is another ensemble
sed 's/40, 100/40, 120/' "$spec" >"$work/other.yaml"
expect 3 "race.at is [40, 100] in the store, [40, 120] in the spec" "$OMMATID" run "$work/other.yaml" -o "$store" -n 1
sed 's/keep: 0.5/keep: 0.4/' "$spec" >"$work/other.yaml"
expect 3 "race.keep is 0.5 in the store, 0.4 in the spec" "$OMMATID" run "$work/other.yaml" -o "$store" -n 1
expect 3 "race.at is [40, 100] in the store, [] in the spec" "$OMMATID" run "$work/all.yaml" -o "$store" -n 1
expect 3 "race.at is [] in the store, [40, 100] in the spec" "$OMMATID" run "$spec" -o "$work/all.h5" -n 1

# a store that was tampered with contradicts its race: the best model was not stopped
cp "$store" "$work/false.h5"
offset=$(h5dump -p -H -d /model/status "$store" | awk '/OFFSET/ { print $2 }')
printf '\3' | dd of="$work/false.h5" bs=1 seek=$((offset + 4 * models[0])) conv=notrunc status=none
expect 3 "false.h5: the race at iteration 100: model ${models[0]} is at place" "$OMMATID" run "$spec" -o "$work/false.h5" -n 2
check grep -q "but was stopped" "$work/err"

# what it would cost
expect 0 "6 models to iteration 40, 3 to 100, 2 to the end" "$OMMATID" plan "$spec" -n 1 --rate 10
check grep -qF "48 % of the iterations saved; without it 2 min" "$work/out"
expect 0 '"seconds_without"' "$OMMATID" plan "$spec" -n 1 --rate 10 --json

# a race of which every model diverges ends all the same, and says so
sed 's/1.0e-3, 5.0e-4/2, 2/' "$spec" >"$work/hot.yaml"
expect 1 "no model could be trained to the end: 6 diverged" "$OMMATID" run "$work/hot.yaml" -o "$work/hot.h5" -n 2
expect 0 "iterations  6 of 6 (100.0 %)" "$OMMATID" status "$work/hot.h5"
# of models that diverge before a rung and between rungs counts what they did
sed 's/seed: 5/seed: 7/; s/training: 8/training: 16/; s/batch: 3/batch: 8, explode: 1.6, retries: 2/; s/40, 100/40, 80/' "$spec" |
    sed '/^init/d' >"$work/warm.yaml"
check "$OMMATID" run "$work/warm.yaml" -o "$work/warm.h5" -n 2 --quiet
expect 0 "2 stopped, 3 diverged" "$OMMATID" status "$work/warm.h5"
check grep -q "iterations  \([0-9]*\) of \1 (100.0 %)" "$work/out"
finish
