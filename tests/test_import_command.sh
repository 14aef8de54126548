#!/usr/bin/env bash
# ommatid import, what other commands say of an imported store, and tools/fetch-paper-ensemble.
# shellcheck disable=SC2317 # functions are called through expect and check
# shellcheck source=tests/expect.bash disable=SC1091,SC2154
source "$(dirname "$0")/expect.bash"
export XDG_DATA_HOME=$work/data OMMATID
paper=$OM_SHARED/paper-ensemble
connectome=$OM_SHARED/connectome/fib25-fib19_v2.2.json

import() { "$OMMATID" import "$@"; }
fetch() { "$OM_SOURCE_DIR/tools/fetch-paper-ensemble" "$@"; }
printed() { grep -qF -- "$1" "$work/out"; }

# Wrong use; a circuit that is not there names the command that fetches it.
mkdir "$work/empty" "$work/one" "$work/one/0000"
expect 2 "ommatid import flyvis DIR -o STORE.h5" import torch "$work/empty" -o "$work/a.h5"
expect 2 "where to put the models" import flyvis "$work/empty"
expect 2 "--select 'best'" import flyvis "$work/empty" -o "$work/a.h5" --select best
expect 3 "holds no models" import flyvis "$work/empty" -o "$work/a.h5"
expect 3 "No such file" import flyvis "$work/nowhere" -o "$work/a.h5"
expect 3 "tools/fetch-connectome" import flyvis "$work/one" -o "$work/a.h5"
expect 3 "0000: has neither" import flyvis "$work/one" -o "$work/a.h5" --circuit motion-pathway
expect 2 "usage" fetch --form x
expect 2 "usage" fetch a b
expect 1 "there is no such file" fetch --from "$work/one" "$work/a.h5"
expect 1 "there is no folder $work/nowhere" fetch --from "$work/nowhere" "$work/a.h5"
check test "$(grep -c nowhere "$work/err")" = 1
expect 1 "there is no folder $work/nowhere" import flyvis "$work/one" -o "$work/nowhere/a.h5"
expect 1 "--from DIR" env OMMATID_PAPER_ENSEMBLE_URL="file://$work/nowhere" \
    "$OM_SOURCE_DIR/tools/fetch-paper-ensemble" "$work/a.h5"
check test ! -e "$work/a.h5"

if ! [ -r "$paper/checkpoints" ] || ! [ -r "$connectome" ]; then
    echo "not tested, because it is not here: $paper"
    finish
fi

# Fetching goes on where it was cut off, and checks what is there; it fetches the connectome, too.
export OMMATID_PAPER_ENSEMBLE_URL=file://$paper/checkpoints OMMATID_CONNECTOME_URL=file://$connectome
folder=$XDG_DATA_HOME/ommatid/paper-ensemble
expect 0 "100 files fetched" fetch "$work/fetched.h5"
check printed "wrote $XDG_DATA_HOME/ommatid/flyvis-v2.2.circuit"
check printed "try: ommatid rank"
expect 0 "is there already" fetch "$work/fetched.h5"
rm "$work/fetched.h5" "$folder/0007/best_chkpt"
echo "not a checkpoint" >"$folder/0031/best_chkpt"
expect 0 "2 files fetched" fetch "$work/fetched.h5"
expect 0 "wrote" fetch --from "$paper" "$work/again.h5"
check h5diff -q "$work/fetched.h5" "$work/again.h5" /params /params

# The fifty are ranked by what is known of them, in their order, and nothing is made up.
expect 0 "validation errors as stored with the models" "$OMMATID" rank "$work/fetched.h5"
grep -q source "$work/out" && fail "folders are shown that are named as the models are numbered"
check test "$(awk '$5 == "-" && $NF == "done" { printf "%s ", $2 }' "$work/out")" = "$(seq -s ' ' 0 49) "
grep -qE 'nan|inf|%|without looking:' "$work/out" && fail "rank makes something up"
expect 0 '"best_iteration": null' "$OMMATID" rank "$work/fetched.h5" --json
check printed '"zero_epe": null'
expect 0 "1,0,done,,,5.1365" "$OMMATID" rank "$work/fetched.h5" --csv
expect 0 '"iterations_total": null' "$OMMATID" status "$work/fetched.h5" --json
expect 0 '0,done,,-1,' "$OMMATID" export "$work/fetched.h5" -t models
expect 1 "only EPE is known" "$OMMATID" rank "$work/fetched.h5" --by l2norm
check test ! -s "$work/out"
expect 0 "fetched: imported" "$OMMATID" status "$work/fetched.h5"
check printed "50 done"
expect 0 "whole: 50 models, imported" "$OMMATID" check "$work/fetched.h5"
check printed "imported  from $XDG_DATA_HOME"
expect 0 "0049/best_chkpt" "$OMMATID" status "$work/fetched.h5" --all
check printed "0000/best_chkpt  time constant below the time step in 51 of 65 types (R1, ...)"
expect 0 "there is no history: its models were trained elsewhere" "$OMMATID" export "$work/fetched.h5" -t history
check test "$(cat "$work/out")" = "model,iteration,loss,epe"
expect 0 '"source": "0000/best_chkpt"' "$OMMATID" status "$work/fetched.h5" --json
expect 0 "0,strength,TmY18,TmY18" "$OMMATID" export "$work/fetched.h5" -m 0
expect 0 '"running_var"' "$OMMATID" export "$work/fetched.h5" -m 49 --json
expect 0 "model,iteration,l2norm,epe" "$OMMATID" export "$work/fetched.h5" -t validation
check test "$(wc -l <"$work/out")" -eq 51
expect 3 "nothing to train" "$OMMATID" run "$OM_TEST_DATA/ensemble/tiny.yaml" -o "$work/fetched.h5" -n 1

# The current layout: which checkpoint, by what.
current=$paper/current-layout/flow/0000
expect 0 "model 2: 002/chkpts/chkpt_00002, lowest loss, l2norm 1170.00" import flyvis "$current" \
    -o "$work/current.h5"
check grep -q "loss of 1 of 3 models is taken for l2norm, which training writes there" "$work/err"
check grep -q "EPE is known of 2 of 3 models, l2norm of 3" "$work/err"
expect 0 "not ranked: 2 (002/chkpts/chkpt_00002, lowest loss): only l2norm is known" \
    "$OMMATID" rank "$work/current.h5"
check printed "by l2norm 3 models are ranked: --by l2norm"
expect 0 '1,0,done,12,12,5.20666647,1150,,,"000/chkpts/chkpt_00001, lowest EPE",' \
    "$OMMATID" rank "$work/current.h5" --csv
check printed ',2,done,3612,3612,,1170,,,"002/chkpts/chkpt_00002, lowest loss","only l2norm is known"'
expect 0 '"left_out": "only l2norm is known"' "$OMMATID" rank "$work/current.h5" --json
expect 0 "1,0,1160,5.23666668" "$OMMATID" export "$work/current.h5" -t validation

expect 0 "whole: 3 models, imported" "$OMMATID" check "$work/current.h5"
expect 0 '"iteration": 3612' "$OMMATID" check "$work/current.h5" --json
expect 0 '"iteration": null' "$OMMATID" check "$work/fetched.h5" --json

# What training itself has stored: l2norm only, and they are ranked by it. Their scenes are not known.
cp -r "$current" "$work/trained"
chmod -R u+w "$work/trained"
rm "$work"/trained/*/validation/epe.h5
expect 0 "no EPE is known: they are ranked by l2norm" import flyvis "$work/trained" -o "$work/trained.h5"
expect 0 "3 models, by l2norm" "$OMMATID" rank "$work/trained.h5"
check test "$(awk '/done$/ { printf "%s:%s ", $1, $2 }' "$work/out")" = "1:0 2:1 3:2 "
expect 0 "best        l2norm 1150" "$OMMATID" status "$work/trained.h5"
expect 0 "by EPE" env "$OMMATID" rank "$work/fetched.h5"
expect 0 "EPE 1150.0000" import flyvis "$work/trained" -o "$work/said.h5" --loss epe
expect 2 "--loss" import flyvis "$work/trained" -o "$work/other.h5" --loss mse
compare() { "$OMMATID" compare "$@"; }
expect 3 "are not known to have the same validation scenes" compare "$work/current.h5" "$work/fetched.h5"
expect 0 "note: A and B are not known to have the same" compare "$work/current.h5" "$work/fetched.h5" \
    --across-scenes
check printed "A: left out of EPE: model 2: only l2norm is known"
expect 0 '"same_scenes": null' compare "$work/current.h5" "$work/fetched.h5" --across-scenes --json
check printed '"why": "only l2norm is known"'
expect 1 "002: no EPE is recorded" import flyvis "$current" -o "$work/epe.h5" --select epe
expect 0 "model 1: 001/chkpts/chkpt_00001, as asked" import flyvis "$current" -o "$work/1.h5" --select 1
expect 1 "exists already" import flyvis "$current" -o "$work/1.h5"

# Forty-nine of fifty: the rest is imported, and the exit code says that it is not all.
cp -r "$paper/checkpoints" "$work/some"
chmod -R u+w "$work/some"
truncate -s 20000 "$work/some/0007/best_chkpt"
expect 1 "1 of 50 models could not be read" import flyvis "$work/some" -o "$work/some.h5"
check grep -q "0007/best_chkpt: cannot be opened as a zip" "$work/err"
expect 0 "0008/best_chkpt" "$OMMATID" status "$work/some.h5" --all
check test "$(grep -c best_chkpt "$work/out")" -eq 49
rm "$work/some.h5"
expect 0 "0007/best_chkpt" import flyvis "$work/some" -o "$work/some.h5" --partial
expect 0 "done       0008" "$OMMATID" rank "$work/some.h5"
expect 0 '8,7,done,,,5.26' "$OMMATID" rank "$work/some.h5" --csv
check printed '"0008/best_chkpt"'
expect 1 "is not the file that was published" fetch --from "$work/some" "$work/other.h5"
expect 3 "another circuit" import flyvis "$paper" -o "$work/other.h5" --circuit motion-pathway
check test ! -e "$work/other.h5"

# An import that is stopped leaves nothing, one that is killed nothing that stays.
stopped=0
for signal in TERM INT HUP USR1 KILL; do
    "$OMMATID" import flyvis "$paper" -o "$work/k.h5" --quiet 2>/dev/null &
    job=$!
    for ((i = 0; i < 3000; i++)); do
        compgen -G "$work/k.h5.import*" >/dev/null && break
        kill -0 $job 2>/dev/null || break
        sleep 0.01
    done
    kill -"$signal" $job 2>/dev/null
    wait $job 2>/dev/null
    [[ $? -eq 75 ]] && stopped=$((stopped + 1))
    [[ $signal = KILL ]] && break
    rm -f "$work/k.h5"
    check test "$(compgen -G "$work/k.h5*")" = ""
done
check test "$stopped" -ge 1
rm -f "$work/k.h5"
expect 0 "wrote" import flyvis "$paper" -o "$work/k.h5"
check test "$(compgen -G "$work/k.h5*")" = "$work/k.h5"

# Archives that are damaged, or are something else, are refused by name, and nothing is made of them.
mkdir "$work/broken"
check /usr/bin/python3 "$OM_SOURCE_DIR/tests/broken_archives.py" "$paper/checkpoints/0007/best_chkpt" "$work/broken"
broken() { # CASE MESSAGE
    expect 3 "$2" import flyvis "$work/broken/$1" -o "$work/broken.h5"
    check grep -q "0000/best_chkpt" "$work/err"
    check test ! -e "$work/broken.h5"
}
expect 0 "1 of 1 models" import flyvis "$work/broken/whole" -o "$work/whole.h5"
broken no_torch "not one that torch.save wrote"
broken runs "GLOBAL 'os system': nothing but tensors is read, and nothing is ever executed"
check test ! -e hacked
broken type "'torch HalfStorage'"
broken shape "'network/nodes_bias' has shape 64: expected 65"
broken short "has 256 bytes: expected 260"
broken huge "its size overflows"
broken nan "'network/nodes_bias': number 3 is nan"
broken signs "pair R2 -> L3 has sign 1, in circuit flyvis-v2.2 -1: another circuit"
broken counts "tap (0, 0) of R2 -> T1 has"
head -c 5000 "$paper/checkpoints/0007/best_chkpt" >"$work/broken/whole/0000/best_chkpt"
broken whole "cannot be opened as a zip"

# Flat arrays.
flat() { "$OMMATID" export --flat "$@"; }
expect 0 "" flat "$work/fetched.h5" 0 -o "$work/flat.h5"
check test "$(h5dump -H -d /weight "$work/flat.h5" | grep -c '( 1513231 )')" -eq 1
expect 1 "exists already" flat "$work/fetched.h5" 0 -o "$work/flat.h5"
check grep -q -- "--force" "$work/err"
expect 0 "" flat "$work/fetched.h5" 0 -o "$work/flat.h5" --extent 3 --force
check test "$(h5dump -H -d /cell_type "$work/flat.h5" | grep -c '( 2345 )')" -eq 1
expect 2 "is the store itself" flat "$work/fetched.h5" 0 -o "$work/fetched.h5" --force
expect 2 "needs a model" flat "$work/fetched.h5" -o "$work/b.h5"
expect 2 "no model 50" flat "$work/fetched.h5" 50 -o "$work/b.h5"
expect 2 "the number of a model" flat "$work/fetched.h5" first -o "$work/b.h5"
expect 2 "are of --flat" "$OMMATID" export "$work/fetched.h5" 0

# Other programs read both.
cat >"$work/read.py" <<'END'
import sys
try:
    import xarray
except ImportError:
    sys.exit(77)
store, flat = sys.argv[1:]
for engine in "netcdf4", "h5netcdf":
    for group in "model", "run", "history", "validation", "params", "ranking", "circuit", "checkpoint":
        data = xarray.open_dataset(store, group=group, engine=engine)
        if group == "params":
            assert data.strength.shape == (50, 605) and "T4a" in data.type.values.astype(str)
    cells = xarray.open_dataset(flat, engine=engine)
    assert set(cells.source.dims) == {"connection"} and set(cells.time_constant.dims) == {"cell"}
    assert cells.time_constant.attrs["units"] == "s" and float(cells.weight.min()) < 0
END
/usr/bin/python3 "$work/read.py" "$work/fetched.h5" "$work/flat.h5"
case $? in
0) ;;
77) echo "not tested, because it is not here: xarray" ;;
*) fail "xarray cannot read them" ;;
esac

finish
