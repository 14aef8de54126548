#!/bin/bash
# ommatid bench and tools/bench-compare: what they print, and what they refuse; never how fast.
# shellcheck source=tests/expect.bash disable=SC1091,SC2034,SC2154
source "$(dirname "$0")/expect.bash"
program=("$OMMATID")
export XDG_DATA_HOME=$work/data # no connectome has been fetched
compare=$OM_SOURCE_DIR/tools/bench-compare

# Everything, on a small lattice.
expect 0 "motion-pathway at extent 2, batch 4, 40 time steps" bench --extent 2 --repeats 1 --isa portable
for line in "THE MACHINE" "ONE ITERATION" "ITS STAGES" "EVERYTHING ELSE" "THREADS IN A RANK" \
    "RANKS SIDE BY SIDE" "SAMPLES IN A BATCH" "all 148 flashes and edges" "network, forward" "network, adjoint" \
    "network, both adjoints" "first convolution" "head" "head, adjoint" \
    "first convolution, adjoint" "whole decoder, forward" "whole decoder, adjoint" \
    "augmentation and resampling" "steady state" "optimiser" "portable kernels" "plain ms"; do
    check grep -qF "$line" "$work/out"
done
check test -z "$(awk 'length > 100' "$work/out")"

# A picture of the stages, which is never written over.
if command -v gnuplot >/dev/null; then
    expect 0 "ITS STAGES" bench --extent 2 --repeats 1 --quick --plot "$work/roof.svg"
    for word in "motion-pathway at extent 2" "GFMA/s" "memory bandwidth" "peak of a core" "7  first convolution, adjoint"; do
        check grep -qF "$word" "$work/roof.svg"
    done
    expect 1 "roof.svg" bench --extent 2 --repeats 1 --quick --plot "$work/roof.svg"
fi
expect 2 ".svg" bench --plot "$work/roof.pdf"

# As JSON, which has every key whatever is measured.
cat >"$work/read.py" <<'END'
import json, sys
r = json.load(open(sys.argv[1]))
quick = sys.argv[2] == "quick"
assert r["peak_gfma"] > 0 and r["bandwidth_gb_s"] > 0 and r["machine"]["cores"] >= 1
assert [p["isa"] for p in r["machine"]["peaks"]][-1] == "portable"
for key, penalty in ("iteration", False), ("iteration_with_penalty", True):
    i = r[key]
    assert i["name"] == key and i["penalty"] is penalty and i["threads"] == int(sys.argv[3])
    assert i["clock"] == ("thread_cpu" if i["threads"] == 1 else "wall")
    assert i["ms"] > 0 and i["share_of_peak"] > 0 and len(i["ms_spread"]) == 2
    assert i["ms_spread"][0] <= i["ms"] <= i["ms_spread"][1] and i["ms_least"] <= i["ms"]
names = [k["name"] for k in r["kernels"]]
assert names == ["network_forward", "network_adjoint", "network_adjoint_penalised", "first_convolution",
                 "head_forward", "head_adjoint", "first_convolution_adjoint", "decoder_forward",
                 "decoder_adjoint"], names
work = {k["name"]: k["m_fma"] for k in r["kernels"]}
whole = sum(work[k] for k in ("network_forward", "network_adjoint", "decoder_forward", "decoder_adjoint"))
assert abs(r["iteration"]["m_fma"] - whole) < 1e-9 * whole
both = whole - work["network_adjoint"] + work["network_adjoint_penalised"]
assert abs(r["iteration_with_penalty"]["m_fma"] - both) < 1e-9 * whole
for k in r["kernels"]:
    assert k["mb"] > 0 and k["gb_s"] > 0 and ("ms_plain" in k) is not quick, k
assert {"films", "steady_state", "optimiser"} <= {p["name"] for p in r["everything_else"]["parts"]}
assert r["everything_else"]["share_of_iteration"] > 0
for key in "threads", "ranks", "batches", "battery":
    assert (key in r) is not quick, key
if not quick:
    assert r["battery"]["conditions"] == 148 and r["battery"]["s_per_model_and_core"] > 0
    assert r["battery"]["s_per_model_and_core_all_at_work"] > 0 and 1 < r["battery"]["rank_mb"] < 500
    assert [b["batch"] for b in r["batches"]] == [1, 2, 4, 8, 16]
    for b in r["batches"]:
        assert b["all_cores"]["threads"] == r["machine"]["cores"] and b["all_cores"]["speed"] > 0
    assert r["ranks"][0]["ranks"] == 1 and r["ranks"][0]["speed"] == 1
    assert r["threads"][0]["threads"] == 1 and r["ranks"][-1]["ranks"] == r["machine"]["cores"]
END
expect 0 "" bench --extent 1 --repeats 2 --json --quiet --circuit "$OM_TEST_DATA/circuit/small.circuit"
check python3 "$work/read.py" "$work/out" full 1
check test ! -s "$work/err"
expect 0 '"circuit": "motion-pathway"' bench --extent 2 --repeats 3 --json --quick --threads 2 --circuit motion-pathway
check python3 "$work/read.py" "$work/out" quick 2

# The connectome once it has been fetched.
mkdir -p "$XDG_DATA_HOME/ommatid"
cp "$OM_TEST_DATA/circuit/small.circuit" "$XDG_DATA_HOME/ommatid/flyvis-v2.2.circuit"
expect 0 "small at extent 3" bench --quick --repeats 1 --extent 3

# Wrong use.
expect 2 "instruction set 'sse9' is unknown" bench --isa sse9
expect 2 "--threads '0'" bench --threads 0
expect 2 "--repeats '101'" bench --repeats 101
expect 2 "--extent '61'" bench --extent 61
expect 2 "one argument too many" bench store.h5
expect 2 "try: --quick" bench --quik
expect 3 "no circuit 'nowhere'" bench --circuit nowhere

# Two builds, in turns.
program=("$compare")
expect 0 "quartiles of 2 pairs" --repeats 2 "$OMMATID" "$(dirname "$OMMATID")" -- --extent 1 --repeats 1
for name in iteration iteration_with_penalty network_forward first_convolution_adjoint films; do
    check grep -qE "^$name +[0-9.]+ +[0-9.]+ +[0-9.]+   \([0-9.]+ - [0-9.]+\)$" "$work/out"
done
check test "$(grep -c '^pair' "$work/err")" = 2
expect 0 "usage:" --help
expect 2 "usage:" "$OMMATID"
expect 2 "there is no such program" "$OMMATID" "$work/nothing"
expect 2 "--repeats 'x'" --repeats x "$OMMATID" "$OMMATID"
expect 2 "--help is no option" "$OMMATID" "$OMMATID" -- --help
expect 1 "bench failed" "$OMMATID" "$OMMATID" -- --extent 0
finish
