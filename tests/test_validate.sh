#!/usr/bin/env bash
# ommatid validate and rank --by: the same measures on any number of ranks and threads and after a kill,
# what is printed, what other programs read, what is refused.
# shellcheck disable=SC2317 # functions are called through expect and check
# shellcheck source=tests/expect.bash disable=SC1091,SC2154
source "$(dirname "$0")/expect.bash"
export OMP_WAIT_POLICY=passive # there are more threads than cores
store=$work/tiny.h5
validate() { timeout 120 "$OMMATID" validate "$@"; }
rank() { "$OMMATID" rank "$@"; }
# same_files A B: all datasets are equal; attributes name the command, which differs.
same_files() {
    h5diff -q --exclude-attribute / "$1" "$2" || fail "$1 and $2 differ"
}
printed() { grep -qE -- "$1" "$work/out" || fail "'$1' was not printed"; }
# fits: a table for a terminal, and no number that is none.
fits() {
    awk 'length > 100 && !/^left out/ { print "too long: " $0; bad = 1 } END { exit bad }' "$work/out" || fail "lines"
    grep -qiw "nan\|inf" "$work/out" && fail "a number that is none was printed"
}

expect 0 "" "$OMMATID" run "$OM_TEST_DATA/ensemble/tiny.yaml" -o "$store" -n 1 --quiet

# Wrong use, and nothing to rank by yet.
expect 2 "STORE" validate
expect 2 "--speed '20'" validate "$store" --speed 20
expect 3 "No such file" validate "$work/nowhere.h5"
expect 3 "not an HDF5 file" validate "$OM_TEST_DATA/ensemble/tiny.yaml"
expect 1 "ommatid validate $store" rank "$store" --by dsi_t4
expect 1 "there is no folder $work/nowhere" validate "$store" --measures "$work/nowhere/a.h5"
touch "$work/there.csv"
expect 1 "exists already" validate "$store" --csv "$work/there.csv"
check test ! -e "$work/tiny.measures.h5"

# Ranks and threads change nothing; a second call has nothing to do.
expect 0 "ommatid rank $store --by dsi_t4" validate "$store" -n 1 --threads 1
check grep -q "^13 of 13 networks (3 models, 10 untrained) in " "$work/err"
fits
cp "$work/out" "$work/text"
expect 0 "" validate "$store"
check cmp "$work/text" "$work/out"
grep -q "networks" "$work/err" && fail "models were done again"
expect 0 "" validate "$store" --threads 3 --measures "$work/threads.h5" --quiet
check test ! -s "$work/err"
same_files "$work/tiny.measures.h5" "$work/threads.h5"
expect 0 "13 of 13 networks" validate "$store" -n 2 --measures "$work/own.h5"
check cmp "$work/text" "$work/out"
same_files "$work/tiny.measures.h5" "$work/own.h5"

# Untrained controls are the same whatever the store's own models were drawn by.
{ cat "$OM_TEST_DATA/ensemble/tiny.yaml" && echo && echo "init: { draws: torch }"; } >"$work/torch.yaml"
expect 0 "" "$OMMATID" run "$work/torch.yaml" -o "$work/torch.h5" -n 1 --quiet
expect 0 "" validate "$work/torch.h5" -n 1 --quiet
for name in fri peak; do
    check h5diff -q "$work/tiny.measures.h5" "$work/torch.measures.h5" "/untrained_$name" "/untrained_$name"
    h5diff -q "$work/tiny.measures.h5" "$work/torch.measures.h5" "/$name" "/$name" &&
        fail "torch draws the models' own start like philox"
done
for ranks in 2 3; do
    expect 0 "" mpirun -n $ranks "$OMMATID" validate "$store" --threads 1 --measures "$work/$ranks.h5"
    check cmp "$work/text" "$work/out"
    same_files "$work/tiny.measures.h5" "$work/$ranks.h5"
done

# Killed at any moment it goes on with what is missing.
for moment in 0.3 0.8; do
    timeout --foreground -s KILL $moment "$OMMATID" validate "$store" -n 1 --measures "$work/$moment.h5" \
        >"$work/out" 2>&1
    rm -f "$work/$moment.h5".partial.*
    expect 0 "" validate "$store" --measures "$work/$moment.h5"
    same_files "$work/tiny.measures.h5" "$work/$moment.h5"
done

# One job at a time writes a measures file; a dead one does not keep it, and what is complete is only read.
lock=$work/locked.h5.lock
hold() { # PROCESS-START
    printf 'host %s\npid %s\nprocess-start %s\njob -\njob-restart 0\nsince today\n' "$(uname -n)" $$ "$1" >"$lock"
}
hold "$(awk '{ print $22 }' /proc/$$/stat)"
expect 1 "tiny.h5: is being validated by process $$ on $(uname -n)" validate "$store" -n 1 --measures "$work/locked.h5"
check grep -q "another file after --measures" "$work/err"
expect 1 "is being validated" validate "$store" -n 2 --measures "$work/locked.h5"
check test ! -e "$work/locked.h5" -a -e "$lock"
cp "$work/own.h5" "$work/locked.h5"
expect 0 "" validate "$store" --measures "$work/locked.h5"
rm "$work/locked.h5"
hold 1
expect 0 "" validate "$store" --measures "$work/locked.h5"
check test ! -e "$lock"
same_files "$work/own.h5" "$work/locked.h5"

# What is printed.
expect 0 "" validate "$store"
printed "^tiny: 3 models"
printed "best 2 +all 3 +worst 2 untrained chance"
printed "^directions within 45 degrees, of 8 "
printed "^sign of FRI right, of 30 "
printed "the sign of a flash response is worth: untrained models have [0-9]+ of 30 right"
printed "^T4a +ON "
printed "^T5d +OFF .* yes .* 270 "
expect 0 "edges at 19 columns/s" validate "$store" --speed 19
fits
expect 0 "" validate "$store" --csv "$work/tuning.csv" --json --quiet
cp "$work/out" "$work/all.json"
check test "$(wc -l <"$work/tuning.csv")" = $((1 + 3 * 33))
check test "$(head -1 "$work/tuning.csv")" = \
    "model,type,fri,dsi_on,dsi_off,preferred_direction_on_deg,preferred_direction_off_deg,left_out"
check test "$(awk -F, 'NR > 1 && $1 == 2 && $2 == "T4c"' "$work/tuning.csv" | wc -l)" = 1

# Ranking by any of them.
for measure in $("$OMMATID" rank --help | grep -o 'hits_45, .*' | tr ',' ' '); do
    expect 0 "by $measure" rank "$store" --by "$measure"
    expect 0 ",$measure" rank "$store" --by "$measure" --csv
done
expect 0 '"by": "hits_45"' rank "$store" --by hits_45 --json
expect 0 "by EPE" rank "$store" --by EPE
expect 0 "by hits_45" rank "$store" --by Hits_45
expect 0 "less is better" rank "$store" --by direction_distance
expect 0 "more is better" rank "$store" --by dsi_t4 --measures "$work/2.h5"
expect 2 "--by 'loudness'" rank "$store" --by loudness
expect 0 "" rank "$store" --csv
check test "$(head -1 "$work/out")" = \
    "place,model,status,iteration,best_iteration,epe,l2norm,spread,stability,source,left_out,stream,retries,replaced_at"

cat >"$work/read.py" <<'END_OF_PYTHON'
import csv, json, subprocess, sys
ommatid, work = sys.argv[1:3]
rows = list(csv.DictReader(open(f"{work}/tuning.csv")))
everything = json.load(open(f"{work}/all.json"))
models, types = everything["models"], everything["types"]
assert len(models) == 3 and len(everything["untrained"]) == 10
for row in rows:
    model, t = models[int(row["model"])], types.index(row["type"])
    for key in "on", "off":
        assert (row[f"preferred_direction_{key}_deg"] != "") == (row[f"dsi_{key}"] != "" and float(row[f"dsi_{key}"]) > 0.001)
    for key in "fri", "dsi_on", "dsi_off", "preferred_direction_on_deg", "preferred_direction_off_deg":
        if row[key] == "":
            assert model[key][t] is None
        else:
            assert abs(float(row[key]) - model[key][t]) < 1e-6 * (1 + abs(model[key][t]))
for name, of in everything["ensemble"].items():
    values = [m["measures"][name] for m in models]
    assert abs(of["all"] - sum(values) / 3) < 1e-9, name
    table = csv.DictReader(subprocess.run([ommatid, "rank", f"{work}/tiny.h5", "--by", name, "--csv"],
                                          capture_output=True, text=True, check=True).stdout.splitlines())
    ranked = [float(row[name]) for row in table]
    assert ranked == sorted(ranked, reverse=of["more_is_better"]), name
best = [m["measures"]["dsi_t4"] for m in models if m["place"] <= 2]
assert abs(everything["ensemble"]["dsi_t4"]["best"] - sum(best) / 2) < 1e-12
p = [of["spearman"]["permuted_p"] for of in everything["ensemble"].values()]
assert all(of["corrected_p"] >= of["spearman"]["permuted_p"] for of in everything["ensemble"].values())
try:
    import h5py
    import xarray
except ImportError:
    sys.exit(77)
for engine in "netcdf4", "h5netcdf":
    file = xarray.open_dataset(f"{work}/tiny.measures.h5", engine=engine)
    assert file.peak.dims == ("model", "angle", "intensity", "speed", "type")
    assert file.untrained_fri.dims == ("untrained", "radius", "type")
    assert file.attrs["command"].startswith("ommatid validate ")
    for m in range(3):
        for name, x in models[m]["measures"].items():
            assert float(file.value.sel(model=m, measure=name)) == x
        assert float(file.dsi.sel(model=m, intensity=1, type="T4c")) == models[m]["dsi_on"][types.index("T4c")]
END_OF_PYTHON
/usr/bin/python3 "$work/read.py" "$OMMATID" "$work"
case $? in
0) ;;
77) echo "not tested, because it is not here: xarray" ;;
*) fail "other programs read something else" ;;
esac

# A measures file of another store is neither read nor written.
sed 's/seed: 5/seed: 6/' "$OM_TEST_DATA/ensemble/tiny.yaml" >"$work/other.yaml"
expect 0 "" "$OMMATID" run "$work/other.yaml" -o "$work/other.h5" -n 1 --quiet
cp "$work/tiny.measures.h5" "$work/before.h5"
expect 3 "another store" validate "$work/other.h5" --measures "$work/tiny.measures.h5"
expect 3 "another store" rank "$work/other.h5" --by dsi_t4 --measures "$work/tiny.measures.h5"
expect 3 "no measures of a store" validate "$work/other.h5" --measures "$store"
check cmp "$work/tiny.measures.h5" "$work/before.h5"
check test ! -e "$work/other.measures.h5"

# A circuit of which nothing is known: plain words, and no numbers where there are none.
sed -e "s|source: motion-pathway|source: $OM_TEST_DATA/circuit/small.circuit|" -e 's/iterations: 90/iterations: 20/' \
    "$OM_TEST_DATA/ensemble/tiny.yaml" >"$work/small.yaml"
expect 0 "" "$OMMATID" run "$work/small.yaml" -o "$work/small.h5" -n 1 --quiet
expect 0 "none of the types T4a-d and T5a-d" validate "$work/small.h5"
fits
printed "^directions within 45 degrees, of 0 +- +- +- +- "
expect 0 "" rank "$work/small.h5" --by dsi_t4
check test "$(awk '$1 == "-" && $3 == "-"' "$work/out" | wc -l)" = 3

# A folder that cannot be written: said before anything is computed. (Nothing stops root.)
if [ "$(id -u)" != 0 ]; then
    mkdir "$work/locked"
    cp "$store" "$work/locked"
    chmod a-w "$work/locked"
    expect 1 "cannot be written in the folder" validate "$work/locked/tiny.h5"
    chmod u+w "$work/locked"
fi

# Models that diverge or were not trained are named and left out, and the others are as before.
cat >"$work/spoil.py" <<'END_OF_PYTHON'
import sys
try:
    import h5py
except ImportError:
    sys.exit(77)
with h5py.File(sys.argv[1], "r+") as store:
    store["params/resting_potential"][0, 5] = 1e6
    store["params/strength"][2, :] = float("nan")
END_OF_PYTHON
if /usr/bin/python3 "$work/spoil.py" "$store"; then
    expect 0 "left out: model 0: dark full field: the voltage of" validate "$store" -n 1
    check grep -q "2 of 2 networks in" "$work/err"
    printed "left out: model 2: it was not checked in training yet"
    printed "all 1 "
    fits
    expect 0 "" rank "$store" --by dsi_t4
    check test "$(awk '$1 == "-" && $3 == "-"' "$work/out" | wc -l)" = 2
fi

finish
