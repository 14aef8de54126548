#!/usr/bin/env bash
# How a run begins: what status says before there is a store, ranks that have nothing to do, a store in which
# nothing is left to do, and wishes to stop that come before anything has begun.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
not_sanitized
export OMP_WAIT_POLICY=passive
spec=$data/tiny.yaml
sed 's/training: 8/training: 100000/' "$spec" >"$work/many.yaml"

# nothing of a run is left: no rank, no lock, no store
nothing_left() {
    wait_for_ranks "$1"
    pgrep -f "ommatid run .*$1" >/dev/null && fail "ranks are left"
    check test -z "$(find "$work" -name "$(basename "$1")*")"
}

# while films are rendered
store=$work/many.h5
"$OMMATID" run "$work/many.yaml" -o "$store" -n 2 2>"$work/run" &
for ((i = 0; i < 300; i++)); do
    grep -q "^rendering" "$work/run" && break
    sleep 0.1
done
expect 0 "$store: a run is being prepared (films are rendered)" "$OMMATID" status "$store"
check grep -qE "by +process [0-9]+ on .* since 20" "$work/out"
expect 0 '"state": "preparing"' "$OMMATID" status "$store" --json
check python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); assert s["models"] == [] and s["name"] is None' "$work/out"
"$OMMATID" status "$store" --watch >"$work/watched" 2>"$work/err" &
watching=$!
sleep 0.5
kill -TERM %1
wait %1
check test $? = 75
wait $watching # the run is gone, and there is no store
check test $? = 3
check grep -q "being prepared" "$work/watched"
nothing_left "$store"
expect 3 "cannot be opened" "$OMMATID" status "$store"

# many ranks, which take long to start, are told to stop before they have
for after in 0.2 0.6 1; do
    store=$work/early.h5
    "$OMMATID" run "$work/many.yaml" -o "$store" --layout 24x1 2>"$work/err" &
    for ((i = 0; i < 100; i++)); do # it listens from before it says so
        grep -q "a coordinator" "$work/err" && break
        sleep 0.05
    done
    sleep $after
    kill -TERM $!
    wait $!
    check test $? = 75
    check grep -qE "ommatid: stopped before (it|training) began" "$work/err"
    nothing_left "$store"
done

# more ranks than models
expect 0 "warning: 2 of 5 ranks will have nothing to do: 3 models are left to train" "$OMMATID" run "$spec" -o "$work/tiny.h5" -n 5
check grep -q "try: -n 3" "$work/err"

# all is done: no film is rendered, and nothing but the moment of the last run changes
cp "$work/tiny.h5" "$work/before.h5"
for ranks in 1 2; do
    expect 0 "tiny: nothing is left to do: 3 of 3 models trained" "$OMMATID" run "$spec" -o "$work/tiny.h5" -n $ranks
    grep -q "^rendering" "$work/err" && fail "films are rendered, but nothing is left to do"
    same "$work/before.h5" "$work/tiny.h5"
done
# other films are told by rendering them
sed 's/training: 8/training: 8, contrast: 0.3/' "$spec" >"$work/other.yaml"
expect 3 "the scenes' checksum" "$OMMATID" run "$work/other.yaml" -o "$work/tiny.h5" -n 1
finish
