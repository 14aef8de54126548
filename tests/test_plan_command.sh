#!/usr/bin/env bash
# ommatid plan: what it counts is what a run takes, and what it refuses.
# shellcheck source=tests/expect.bash disable=SC1091,SC2154
source "$(dirname "$0")/expect.bash"
spec=$OM_TEST_DATA/ensemble/tiny.yaml
plan() { "$OMMATID" plan "$@"; }

expect 0 "tiny: 3 models x 90 iterations, motion-pathway at extent 3" plan "$spec" --rate 3
for line in "speed        3 iterations/s a rank" "node hours" "MB a rank, " "store" "messages/s"; do
    check grep -qF "$line" "$work/out"
done
check test ! -s "$work/err"
expect 0 "ranks have no model: expected 3 at most" plan "$spec" -n 5 --rate 3
# ranks of a team share a batch's quads: two of them take half the time, if all goes well
sed 's/batch: 3/batch: 8/' "$spec" >"$work/pairs.yaml"
check grep -q "batch: 8" "$work/pairs.yaml"
expect 0 "teams of 2 ranks to a model" plan "$work/pairs.yaml" -n 7 --rate 3 --spread 0 --varies 0
check grep -qF "team         2 times as fast" "$work/out"
check grep -qF "1 rank has no model: expected 6 at most" "$work/out"
expect 0 '"team": 1' plan "$work/pairs.yaml" -n 7 --team 1 --rate 3 --json
expect 2 "a team of 3: expected at most 2" plan "$work/pairs.yaml" --team 3 --rate 3
expect 2 "a team of 2, but 1 rank trains" plan "$work/pairs.yaml" -n 1 --team 2 --rate 3
cores=$(nproc)
expect 0 "on $cores rank" plan "$spec" # measured
check grep -q "1 node" "$work/out"
check grep -q "measured here on" "$work/out"
check grep -q "measuring" "$work/err"

# nodes multiply what one of them has; --layout says it; a node that is not like this machine is told
expect 0 "on $((3 * cores)) ranks of 1 thread, 3 nodes" plan "$spec" --nodes 3 --rate 3
expect 0 "on 12 ranks of 2 threads, 3 nodes" plan "$spec" --nodes 3 --layout 4X2 --rate 3
check test ! -s "$work/err"
expect 0 "warning: 1 rank x $((cores + 1)) threads on a node are more than the $cores core" plan "$spec" --layout "1x$((cores + 1))"
expect 0 "" plan "$spec" --layout "$((cores + 1))x1" --quiet
check test ! -s "$work/err"
expect 2 "--layout says both numbers: not with -n" plan "$spec" --layout 2x1 -n 2
expect 2 "expected 100000 in all at most" plan "$spec" --layout 4096x1 --nodes 100000
expect 2 "--layout '2by1'" plan "$spec" --layout 2by1
# many more ranks than models take no time to speak of
expect 0 "on 100000 ranks" plan "$spec" -n 100000 --rate 3

# three models of 90 iterations at 3 a second on one rank: 90 s and a little for what is written
cat >"$work/read.py" <<'END'
import json, os, sys
p = json.load(open(sys.argv[1]))
assert p["models"] == 3 and p["iterations"] == 90 and p["ranks"] == p["nodes"] == 1 and not p["measured"]
assert 90 < p["seconds"] < 92 and p["seconds_range"][0] <= p["seconds"] <= p["seconds_range"][1]
assert abs(p["node_hours"] * 3600 - p["seconds"]) < 1e-6 and 0 < p["idle_share"] < 0.02
assert p["failed_units"] == 0 and p["failed_models"] == 0 and 0 < p["coordinator_busy_share"] < 0.01
assert 0 < p["rank_mb"] < p["node_mb"]
size = os.path.getsize(sys.argv[2])
assert size <= p["store_mb"] * 1e6 < 1.3 * size, (p["store_mb"], size) # what describes the data is estimated
END
check "$OMMATID" run "$spec" -o "$work/tiny.h5" -n 1 --quiet
expect 0 '"name": "tiny"' plan "$spec" -n 1 --rate 3 --spread 0 --varies 0 --json
check python3 "$work/read.py" "$work/out" "$work/tiny.h5"

# of a sweep's points the largest counts in memory, and all in time, wherever they stand; points that cost the
# same are measured once
sweep() { cat "$spec" - <<<"sweep: { $1 }" >"$work/sweep.yaml"; }
cat >"$work/read-sweep.py" <<'END'
import json, sys
p, alone = json.load(open(sys.argv[1])), [json.load(open(f)) for f in sys.argv[2:]]
assert len(p["points"]) == len(alone) and p["models"] == sum(a["models"] for a in alone)
assert p["iterations"] == sum(a["models"] * a["iterations"] for a in alone)
assert p["rank_mb"] == max(a["rank_mb"] for a in alone)
assert abs(p["store_mb"] - sum(a["store_mb"] for a in alone)) < 1e-9
assert 0.95 < p["seconds"] / sum(a["seconds"] for a in alone) < 1.05, (p["seconds"], [a["seconds"] for a in alone])
END
for order in '[3, 5]' '[5, 3]'; do
    sweep "circuit.extent: $order, train.iterations: [30, 600]"
    expect 0 "4 points, 12 models, 3780 iterations in all" plan "$work/sweep.yaml" -n 1 --rate 3
    expect 0 '"points"' plan "$work/sweep.yaml" -n 1 --rate 3 --spread 0 --varies 0 --json
    mv "$work/out" "$work/all.json"
    for point in 0 1 2 3; do
        plan "$work/sweep.yaml:$point" -n 1 --rate 3 --spread 0 --varies 0 --json >"$work/$point.json"
    done
    check python3 "$work/read-sweep.py" "$work/all.json" "$work"/[0-3].json
done
sweep "circuit.counts: [measured, equal], init.decoder.std: [0.001, 0.002], train.task: [none, flow]"
expect 0 '"kinds_measured": 1' plan "$work/sweep.yaml" --json
check grep -q '"kinds_of_points": 1' "$work/out"
sweep "train.batch: [1, 4]"
expect 0 "of 2 kinds of point" plan "$work/sweep.yaml"
# one model of a long point is not shared out to ranks
sweep "train.iterations: [30, 3000]"
expect 0 "time         16 min" plan "$work/sweep.yaml" -n 6 --rate 3 --spread 0 --varies 0

# failures cost time, and are told
expect 0 "given up after two in a row" plan "$spec" -n 2 --rate 1 --fails 0.4 --unit 2

expect 0 "when the last model is given up" plan "$spec" -n 2 --rate 1 --fails 0.5 --unit 0.1
expect 2 "SPEC" plan
expect 3 "no-such.yaml" plan "$work/no-such.yaml"
grep -q measuring "$work/err" && fail "says that it measures, but there is no spec"
expect 2 "5 nodes for 2 ranks: expected a rank or more on each" plan "$spec" -n 2 --nodes 5
expect 2 "--rate" plan "$spec" --rate 0
echo "modles: 3" >"$work/bad.yaml"
expect 3 "modles" plan "$work/bad.yaml"
finish
