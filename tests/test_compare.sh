#!/usr/bin/env bash
# ommatid compare: its numbers against arithmetic done here, what is left out, what is refused.
# shellcheck disable=SC2317 # functions are called through expect and check
# shellcheck source=tests/expect.bash disable=SC1091,SC2154
source "$(dirname "$0")/expect.bash"
export OMP_WAIT_POLICY=passive # there are more threads than cores
compare() { timeout 120 "$OMMATID" compare "$@"; }
# train NAME MODELS SEED [SCENES]: a store of models that have been trained a little.
train() {
    sed "s/^models:.*/models: $2/; s/^seed:.*/seed: $3/; s/validation: 3/validation: ${4:-3}/" \
        "$OM_TEST_DATA/ensemble/tiny.yaml" >"$work/$1.yaml"
    expect 0 "" timeout 120 "$OMMATID" run "$work/$1.yaml" -o "$work/$1.h5" -n 1 --quiet
}
# epe NAME: the EPE of its models.
epe() { "$OMMATID" rank "$work/$1.h5" --by epe --csv | awk -F, 'NR > 1 { print $6 }'; }
# column NAME: that of the line of EPE of $work/out.
column() {
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) k = i }
        $1 == "epe" { print $k }' "$work/out"
}

train a 4 5
train b 3 77
train one 1 5
train elsewhere 3 5 4

# Numbers: differences, Welch's t and degrees of freedom, Mann and Whitney's U, from what rank says.
expect 0 "epe," compare "$work/a.h5" "$work/b.h5" --csv
{
    epe a | sed 's/^/a /'
    epe b | sed 's/^/b /'
} | awk '{ v[$1, n[$1]++] = $2; s[$1] += $2 }
    END {
        for (g in n) {
            m = s[g] / n[g]
            q = 0
            for (i = 0; i < n[g]; i++) q += (v[g, i] - m) ^ 2
            e[g] = q / (n[g] - 1) / n[g]
        }
        for (i = 0; i < n["a"]; i++)
            for (j = 0; j < n["b"]; j++) {
                u += v["a", i] > v["b", j]
                if (v["a", i] == v["b", j]) u += 0.5
            }
        d = s["a"] / n["a"] - s["b"] / n["b"]
        x = e["a"] + e["b"]
        printf "%.9g %.9g %.9g %.9g\n", d, d / sqrt(x),
            x ^ 2 / (e["a"] ^ 2 / (n["a"] - 1) + e["b"] ^ 2 / (n["b"] - 1)), u
    }' >"$work/expected"
echo "$(column difference) $(column welch_t) $(column df) $(column u)" >"$work/actual"
check test "$(paste "$work/expected" "$work/actual" | awk '{
    for (i = 1; i <= 4; i++) {
        d = $i - $(i + 4)
        bad += d * d > 1e-10 * $i * $i
    }
    print bad + 0 }')" = 0
grep "^epe" "$work/out" >"$work/alone"
check test "$(column margin)" = 0.078
check test "$(column verdict)" = equivalent
expect 0 "epe," compare "$work/a.h5" "$work/b.h5" --csv --margin epe=0.5 --margin epe=1e-9
check test "$(column margin)" = 1e-09
check test "$(column verdict)" != equivalent

# Words; what is not known is said; measures that validate kept of both are compared.
expect 0 "A gains" compare "$work/a.h5" "$work/b.h5"
check grep -q "to compare the tuning of cells as well: ommatid validate $work/a.h5" "$work/out"
check test "$(grep -vc '^[AB]: \|^note' "$work/out")" = "$(grep -v '^[AB]: \|^note' "$work/out" | grep -c '^.\{0,100\}$')"
expect 0 '"gain_ratio"' compare "$work/a.h5" "$work/b.h5" --json
for name in a b elsewhere; do
    expect 0 "" timeout 120 "$OMMATID" validate "$work/$name.h5" --quiet
done
expect 0 "tuning curves of T5 with known" compare "$work/a.h5" "$work/b.h5"
check grep -q "^EPE .* 4  .* 3$" "$work/out"
grep -q "nan\|inf\|note" "$work/out" && fail "numbers that are none"

# What is said of the task error does not depend on whether tuning was looked at.
expect 0 "dsi_t4," compare "$work/a.h5" "$work/b.h5" --csv
check test "$(grep "^epe" "$work/out")" = "$(cat "$work/alone")"

# Different scenes: task errors only if asked for.
expect 0 "task errors are not compared (--across-scenes)" compare "$work/a.h5" "$work/elsewhere.h5"
grep -q "^EPE" "$work/out" && fail "task errors of different scenes are compared"
expect 0 "may be theirs" compare "$work/a.h5" "$work/elsewhere.h5" --across-scenes
check grep -q "^EPE" "$work/out"
rm "$work/elsewhere.measures.h5"
expect 3 "different validation scenes" compare "$work/a.h5" "$work/elsewhere.h5"

# Equal values share a place, and what varies nowhere has no test.
expect 0 "" "$OMMATID" rank "$work/a.h5" --by hits_45 --csv
check test "$(awk -F, 'NR > 1 { n++; if (n == 1 || $10 != before) place = n; before = $10
    bad += $1 != place } END { print bad + 0 }' "$work/out")" = 0
check test "$(awk -F, 'NR > 1 { print $1 }' "$work/out" | sort -u | wc -l)" -lt 4
cp "$work/b.h5" "$work/twin.h5"
cp "$work/b.measures.h5" "$work/twin.measures.h5"
expect 0 "" compare "$work/b.h5" "$work/twin.h5" --csv
check test "$(awk -F, '$6 == 0 && $8 == 0 { n++; bad += $2 != "no spread" }
    END { print (n > 0 && bad == 0) }' "$work/out")" = 1
expect 0 "no spread: all models of A are alike" compare "$work/b.h5" "$work/twin.h5"

# A model that is not finished is named and left out.
cp "$work/a.h5" "$work/less.h5"
cat >"$work/change.py" <<'END'
import sys
try:
    import h5py
except ImportError:
    sys.exit(77)
with h5py.File(sys.argv[1], "r+") as f:
    if sys.argv[2] == "status":
        f["model/status"][2] = 4
    else:
        f["params/strength"][1] *= 1e6
END
if /usr/bin/python3 "$work/change.py" "$work/less.h5" status; then
    expect 0 "3 of 4 models; left out: 2 (diverged)" compare "$work/less.h5" "$work/b.h5"
    # One whose measures are not of its parameters, and then one that diverges when it is measured:
    # named in every table and in every file.
    cp "$work/a.h5" "$work/wild.h5"
    cp "$work/a.measures.h5" "$work/wild.measures.h5"
    check /usr/bin/python3 "$work/change.py" "$work/wild.h5" strength
    expect 0 "A: left out of tuning: model 1: it was trained on since" compare "$work/wild.h5" "$work/b.h5"
    expect 0 "left out: model 1: it was trained on since" "$OMMATID" rank "$work/wild.h5" --by dsi_t4
    expect 0 "left out: model 1: " timeout 120 "$OMMATID" validate "$work/wild.h5" --csv "$work/wild.csv"
    why=$(sed -n 's/^left out: model 1: //p' "$work/out")
    check grep -qF "1,L1,,,,,,\"$why\"" "$work/wild.csv"
    expect 0 "A: left out of tuning: model 1: $why" compare "$work/wild.h5" "$work/b.h5"
    expect 0 "\"why\": \"$why\"" compare "$work/wild.h5" "$work/b.h5" --json
    expect 0 "" compare "$work/wild.h5" "$work/b.h5" --csv
    check test "$(awk -F, '$1 == "dsi_t4" { print $3, $(NF - 1), $NF }' "$work/out")" = "3 1 "
    expect 0 "left out: model 1: $why" "$OMMATID" rank "$work/wild.h5" --by dsi_t4
    expect 0 ",\"$why\"" "$OMMATID" rank "$work/wild.h5" --by dsi_t4 --csv
    expect 0 "\"left_out\": \"$why\"" "$OMMATID" rank "$work/wild.h5" --by dsi_t4 --json
else
    echo "not tested, because it is not here: h5py"
fi

# Wrong use.
expect 2 "are the same file" compare "$work/a.h5" "$work/../${work##*/}/a.h5"
expect 3 "only one of its 1 models" compare "$work/a.h5" "$work/one.h5"
expect 2 "there is no measure 'epee'" compare "$work/a.h5" "$work/b.h5" --margin epee=1
expect 2 "expected epe=X" compare "$work/a.h5" "$work/b.h5" --margin epe
expect 2 "expected epe=X" compare "$work/a.h5" "$work/b.h5" --margin epe=-1
expect 2 "not both" compare "$work/a.h5" "$work/b.h5" --json --csv
expect 3 "No such file" compare "$work/a.h5" "$work/nowhere.h5"
expect 2 "something is missing" compare "$work/a.h5"

finish
