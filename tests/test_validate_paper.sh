#!/usr/bin/env bash
# ommatid validate on two of the models that were published with the paper, against the figures that their
# authors' documentation prints.
# shellcheck source=tests/expect.bash disable=SC1091,SC2154
source "$(dirname "$0")/expect.bash"
export XDG_DATA_HOME=$work/data OMP_WAIT_POLICY=passive
paper=$OM_SHARED/paper-ensemble/checkpoints
connectome=$OM_SHARED/connectome/fib25-fib19_v2.2.json
if ! [ -r "$paper" ] || ! [ -r "$connectome" ]; then
    echo "skipped: the reference data is not there ($OM_SHARED)"
    exit 77
fi
if [[ $OM_SANITIZED = 1 ]]; then
    echo "skipped: networks of full size are too slow with sanitizers; test_validate.sh has small ones"
    exit 77
fi

mkdir -p "$work/two" "$XDG_DATA_HOME/ommatid"
cp -r "$paper/0000" "$paper/0007" "$work/two"
expect 0 "" "$OMMATID" circuit import "$connectome" -o "$XDG_DATA_HOME/ommatid/flyvis-v2.2.circuit"
expect 0 "" "$OMMATID" import flyvis "$work/two" -o "$work/two.h5"
expect 0 "" mpirun -n 2 "$OMMATID" validate "$work/two.h5" --threads 1 --quiet --json
cp "$work/out" "$work/all.json"
expect 0 "" "$OMMATID" validate "$work/two.h5" --quiet --speed 19 --json
cp "$work/out" "$work/19.json"
/usr/bin/python3 - "$work" <<'END_OF_PYTHON' || fail "other figures than published"
import json, sys
work = sys.argv[1]
everything, one_speed = (json.load(open(f"{work}/{name}.json")) for name in ("all", "19"))
types, model = one_speed["types"], one_speed["models"][0]
t4c, l1 = types.index("T4c"), types.index("L1")

def near(x, expected, limit):
    assert abs(x - expected) <= limit, (x, expected)

near(everything["models"][0]["fri"][l1], -0.33354023, 1e-6)
near(everything["models"][1]["fri"][l1], -0.3565678, 1e-6)
near(model["dsi_on"][t4c], 0.6274, 5e-5)
near(model["preferred_direction_on_deg"][t4c], 56.236, 2e-3)
near(model["measures"]["motion_correlation"], 0.8878, 5e-5)
curves = {"T4a": 0.93699976, "T4b": 0.71944945, "T4c": 0.53721791, "T4d": 0.85661054,
          "T5a": 0.84125431, "T5b": 0.90320938, "T5c": 0.94956469, "T5d": 0.90100506}
for name, r in curves.items():
    near(model["curve_correlation"][name], r, 1e-5)
assert [m["measures"]["hits_45"] for m in everything["models"]] == [8, 4]
# untrained models: hardly selective, two directions by luck, and nearly every sign
ensemble = everything["ensemble"]
assert ensemble["dsi_t4"]["untrained"] < 1e-3 and ensemble["dsi_t5"]["untrained"] < 1e-3
assert ensemble["hits_45"]["untrained"] == 2 and ensemble["hits_30"]["untrained"] == 1
assert ensemble["signs_right"]["untrained"] == 31
near(ensemble["polarity_correlation"]["untrained"], 0.53, 5e-3)
END_OF_PYTHON
finish
