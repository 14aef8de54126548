#!/usr/bin/env bash
# ommatid validate on all of the paper's fifty models: the whole table of what is known of them, to the digits
# that an independent computation printed. Minutes long, so only where OM_LONG_TESTS=1 is set.
# shellcheck source=tests/expect.bash disable=SC1091,SC2154
source "$(dirname "$0")/expect.bash"
export XDG_DATA_HOME=$work/data OMP_WAIT_POLICY=passive
paper=$OM_SHARED/paper-ensemble/checkpoints
connectome=$OM_SHARED/connectome/fib25-fib19_v2.2.json
if [[ ${OM_LONG_TESTS:-0} != 1 ]]; then
    echo "skipped: it takes minutes: OM_LONG_TESTS=1"
    exit 77
fi
if ! [ -r "$paper" ] || ! [ -r "$connectome" ] || [[ $OM_SANITIZED = 1 ]]; then
    echo "skipped: the reference data is not there ($OM_SHARED), or there are sanitizers"
    exit 77
fi

mkdir -p "$XDG_DATA_HOME/ommatid"
expect 0 "" "$OMMATID" circuit import "$connectome" -o "$XDG_DATA_HOME/ommatid/flyvis-v2.2.circuit"
expect 0 "" "$OMMATID" import flyvis "$paper" -o "$work/fifty.h5"
expect 0 "" "$OMMATID" validate "$work/fifty.h5" --quiet --json
/usr/bin/python3 - "$work/out" <<'END_OF_PYTHON' || fail "other figures than known"
import json, math, sys
report = json.load(open(sys.argv[1]))
# measure: best ten, all, worst ten, untrained, chance; None: not stated. Two of them are others than printed
# there. It has .42 for the worst ten: its own definitions give .4148, also with the edges as the paper's
# software renders them. And it has .20 for untrained networks: that mean depends on the ten draws.
table = {
    "hits_45": ("5.1", "3.8", "3.0", "2", "2"),
    "hits_30": ("4.7", "3.4", "2.4", "1", "1.3"),
    "dsi_t4": (".55", ".38", ".25", None, None),
    "dsi_t5": (".14", ".13", ".14", None, None),
    "dsi_others": (".023", ".026", ".029", None, None),
    "motion_correlation": (".64", ".54", ".4148", None, None),
    "polarity_correlation": (".73", ".70", ".68", ".53", None),
    "signs_right": ("27.5", "27.1", "26.6", "31", None),
}
wrong = []

def near(what, x, text):
    digits = len(text.partition(".")[2])
    if abs(x - float(text)) > 0.5001 * 10 ** -digits:
        wrong.append(f"{what}: {x:.5f}, known {text}")

for measure, row in table.items():
    for column, text in zip(("best", "all", "worst", "untrained", "chance"), row):
        if text is not None:
            near(f"{measure}, {column}", report["ensemble"][measure][column], text)
for measure in "dsi_t4", "dsi_t5", "dsi_others":
    if not report["ensemble"][measure]["untrained"] < 1e-3:
        wrong.append(f"{measure}: untrained models select directions")
draws = [m["measures"]["motion_correlation"] for m in report["untrained"]]
mean = sum(draws) / len(draws)
error = math.sqrt(sum((x - mean) ** 2 for x in draws) / (len(draws) - 1) / len(draws))
if abs(mean - 0.20) > 3 * math.sqrt(2) * error:
    wrong.append(f"motion_correlation, untrained: {mean:.3f} +- {error:.3f}, known .20 of other draws")
near("signs of the best ten's mean FRI", report["best_mean_signs_right"], "32")
near("its correlation", report["best_mean_polarity_correlation"], ".94")
near("DSI of T4 with task error", report["ensemble"]["dsi_t4"]["spearman"]["r"], "-.55")
near("its p, in 1e-5", 1e5 * report["ensemble"]["dsi_t4"]["spearman"]["p"], "4")
best = (0, 1, 2, 3, 4, 5, 7, 9, 6, 13) # by the authors' re-computed error
distances = [x * math.pi / 180 for m in best
             for x in report["models"][m]["direction_distance_deg"].values() if x is not None]
distances.sort()
middle = len(distances) // 2
near("distance of directions", (distances[middle] + distances[(len(distances) - 1) // 2]) / 2, "0.318")
print("\n".join(wrong))
sys.exit(bool(wrong))
END_OF_PYTHON
finish
