#!/bin/bash
# `ommatid submit` where there is no SLURM, and with stand-ins for its commands; the ready jobs are what it
# would write. What SLURM does with them is the test slurm's.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
export OMP_WAIT_POLICY=passive
unset "${!SBATCH_@}" "${!SLURM_@}"
mkdir "$work/here" "$work/bin"
cd "$work/here" || exit 1
alone=(env PATH=/nowhere "$OMMATID" submit "$data/tiny.yaml")
given=(--ranks-per-node 1 --time 20 --mem 1G)

# --- the script ----------------------------------------------------------------------------------

expect 0 "#SBATCH --time=20" "${alone[@]}" "${given[@]}" --dry-run
check test -z "$(ls)" # nothing is written
check bash -n "$work/out"
expect 0 "store=tiny.h5" "${alone[@]}" "${given[@]}" --dry-run
expect 0 "store='my store.h5'" "${alone[@]}" "${given[@]}" --dry-run --store "my store.h5"
expect 0 "program=$OMMATID" "${alone[@]}" "${given[@]}" --dry-run
expect 0 "#SBATCH --exclusive --gres gpu:1" "${alone[@]}" "${given[@]}" --dry-run -- --exclusive --gres gpu:1
expect 0 "#SBATCH --mem=" "${alone[@]}" --ranks-per-node 1 --time 20 --dry-run # counted
grep -q '^#SBATCH --mem=[1-9]00M$' "$work/out" || fail "memory: $(grep mem= "$work/out")"
expect 0 "measuring" "${alone[@]}" --ranks-per-node 1 --dry-run # measured
grep -q '^#SBATCH --time=00:[0-5][05]:00$' "$work/out" || fail "time: $(grep time= "$work/out")"

# options, then the spec's section, then SLURM's own variables
sed '$a slurm: { partition: long, qos: "[a|b]", nodes: 3, threads: 2, time: 1-00, mail_user: me@here }' \
    "$data/tiny.yaml" >mine.yaml
from=(env PATH=/nowhere SBATCH_PARTITION=other SBATCH_ACCOUNT=we "$OMMATID" submit mine.yaml --dry-run --mem 1G)
expect 0 "#SBATCH --partition=long" "${from[@]}"
for line in account=we 'qos=\[a|b\]' nodes=3 cpus-per-task=2 ntasks-per-node=1 time=1-00 mail-user=me@here; do
    grep -q "^#SBATCH --$line\$" "$work/out" || fail "no $line"
done
expect 0 "#SBATCH --partition=mine" "${from[@]}" --partition mine
expect 0 "#SBATCH --nodes=1" "${from[@]}" --nodes 1

# --- refused -------------------------------------------------------------------------------------

expect 1 "there is no SLURM on this machine" "${alone[@]}"
expect 1 "ommatid run $data/tiny.yaml -o tiny.h5" "${alone[@]}"
expect 2 "time limit 'soon'" "${alone[@]}" --ranks-per-node 1 --mem 1G --time soon --dry-run
expect 2 "--account 'x y': expected a word" "${alone[@]}" --account "x y"
expect 2 "SBATCH_QOS 'x y': expected a word" env SBATCH_QOS="x y" "${alone[@]}"
expect 2 "1 node x 4 ranks, but" "${alone[@]}" --ranks-per-node 4 --dry-run
expect 2 "2 nodes x 3 ranks, but" "${alone[@]}" --nodes 2 --ranks-per-node 3 --dry-run
expect 2 "4 nodes x 1 rank, but" "${alone[@]}" --nodes 4 --ranks-per-node 1 --dry-run
expect 2 "'more': expected an option of sbatch" "${alone[@]}" more
expect 1 "there is no folder no-such" "${alone[@]}" --store no-such/tiny.h5
sed 's/models: 3/models: none/' "$data/tiny.yaml" >bad.yaml
expect 3 "bad.yaml:4:9: models: 'none'" env PATH=/nowhere "$OMMATID" submit bad.yaml
sed '$a slurm: { partition: "a b" }' "$data/tiny.yaml" >bad.yaml
expect 3 "slurm.partition: 'a b': expected a word" env PATH=/nowhere "$OMMATID" submit bad.yaml
sed '$a slurm: { nods: 1 }' "$data/tiny.yaml" >bad.yaml
expect 3 "slurm.nods'; the nearest is slurm.nodes" env PATH=/nowhere "$OMMATID" submit bad.yaml
check test ! -e jobs

# --- with stand-ins ------------------------------------------------------------------------------

stand_in() { # NAME BODY
    printf '#!/bin/bash\n%s\n' "$2" >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}
stand_in sinfo 'printf "%s\n" "main*|2|4|1:00:00" "main*|2+|2+|1:00:00" "quick|1|1|10:00"'
# shellcheck disable=SC2016
stand_in sbatch 'env >env; cp "${!#}" sent; echo "4711;here"'
with=(env "PATH=$work/bin:$PATH" SBATCH_PARTITION=quick SBATCH_OUTPUT=x "$OMMATID" submit "$data/tiny.yaml")
expect 0 "job 4711: tiny, 1 node x 1 rank x 1 thread, 1G a node, 00:10:00" "${with[@]}" --time 20 --mem 1G
expect 0 "allows less than 20: the job requeues itself" "${with[@]}" --time 20 --mem 1G
check cmp sent jobs/tiny-2.sbatch
check cmp jobs/tiny-1.sbatch jobs/tiny-2.sbatch
check grep -qx "#SBATCH --time=00:10:00" sent
grep -q "^SBATCH_" env && fail "sbatch's variables would win over the script: $(grep ^SBATCH_ env)"
expect 0 '"job": "4711"' "${with[@]}" --json --time 9 --mem 1G
check python3 -m json.tool "$work/out" /dev/null
check grep -q '"script": "jobs/tiny-3.sbatch"' "$work/out"
expect 0 "1 node x 3 ranks x 1 thread" "${with[@]}" -p main --time 9 --mem 1G # no more than models
expect 0 "2 nodes x 2 ranks x 1 thread" "${with[@]}" -p main --nodes 2 --time 9 --mem 1G # one is left
expect 0 "1 node x 2 ranks x 2 threads" "${with[@]}" -p main --threads 2 --time 9 --mem 1G
expect 0 "1 node x 1 rank x 1 thread" "${with[@]}" -p main,quick --time 9 --mem 1G
expect 1 "no partition 'qick' here; nothing was submitted" "${with[@]}" -p qick
expect 1 "--partition main, quick" "${with[@]}" -p qick

count=$(find jobs -type f | wc -l)
stand_in sbatch 'printf "sbatch: error: %s\n" "Too many nodes" "Batch job submission failed: No" >&2; exit 1'
expect 1 "SLURM does not take the job: Too many nodes; Batch job submission failed: No; nothing was" \
    "${with[@]}" --time 9 --mem 1G
check test "$count" = "$(find jobs -type f | wc -l)"
stand_in sinfo 'echo "slurm_load_partitions: Unable to contact" >&2; exit 1'
expect 1 "SLURM does not answer: slurm_load_partitions: Unable to contact" "${with[@]}"

# a store that is being trained
printf 'host %s\npid %d\nprocess-start %s\njob 9\njob-restart 0\nsince now\n' "$(hostname)" $$ \
    "$(cut -d ' ' -f 22 /proc/$$/stat)" >tiny.h5.lock
expect 1 "tiny.h5: is being trained by process $$ on $(hostname), job 9 since now; nothing was" "${with[@]}"

# --- status --------------------------------------------------------------------------------------

# stopped_run ARGUMENTS STORE: as job 77 of SLURM's, once it has trained something.
stopped_run() {
    SLURM_JOB_ID=77 SLURM_JOB_NAME="long one" "$OMMATID" run "$1" -o "$2" -n 1 --quiet 2>stopped &
    local pid=$!
    wait_for_training "$2"
    kill -INT $pid
    wait $pid
    check test $? = 75
}
stopped_run "$data/longer.yaml" longer.h5
me=$(id -u)
# what squeue prints: number, user, number as one says it, state, nodes, time left, reason, name
stand_in squeue 'echo "$*" >asked; echo "77|'"$me"'|77|PENDING||1:00:00|BeginTime|long one"'
status=(env "PATH=$work/bin:$PATH" "$OMMATID" status)
expect 0 "  slurm       job 77 (long one) PENDING: BeginTime" "${status[@]}" longer.h5
check grep -q -- "--jobs=77" asked
expect 0 '"reason": "BeginTime"' "${status[@]}" longer.h5 --json
check python3 -m json.tool "$work/out" /dev/null
for other in "77|$me|77|RUNNING|n1|9:59|None|another" "77|$((me + 1))|77|RUNNING|n1|9:59|None|long one" \
    "76|$me|77_0|RUNNING|n1|9:59|None|long one"; do
    stand_in squeue "echo '$other'"
    expect 0 "stopped" "${status[@]}" longer.h5
    grep -q slurm "$work/out" && fail "not this store's job: $other"
done
# of an array all tasks come, as one of them has its number
stand_in squeue 'printf "%s\n" "76|'"$me"'|77_0|PENDING||9:59|None|long one" "77|'"$me"'|77_1|RUNNING|n[1-2]|9:59|None|long one"'
expect 0 "  slurm       job 77_1 (long one) RUNNING on n[1-2], 9:59 left" "${status[@]}" longer.h5

# a sweep in one store, and points in stores of their own
(cat "$data/longer.yaml" && echo 'sweep: { circuit.counts: [measured, equal, shuffled] }') >points.yaml
stopped_run points.yaml longer-swept.h5
expect 0 "  slurm       job 77_1 (long one) RUNNING on n[1-2], 9:59 left" "${status[@]}" longer-swept.h5
expect 0 '"state": "RUNNING"' "${status[@]}" longer-swept.h5 --json
mv longer.h5 longer.point1.h5 # as if it were of that
expect 0 "longer: 3 points, in stores of their own" "${status[@]}" points.yaml
check grep -q "0  no store    circuit.counts measured" "$work/out"
check grep -q "1  stopped .* circuit.counts equal" "$work/out"
check grep -q "slurm       job 77_0 (long one) PENDING" "$work/out"
expect 0 "2 points, in stores of their own" "${status[@]}" longer.h5
expect 0 '"state": "no store"' "${status[@]}" longer.h5 --json
check python3 -m json.tool "$work/out" /dev/null
mv longer.point1.h5 longer.h5
expect 0 "longer: stopped" "${status[@]}" points.yaml # there is only that

# none yet
stand_in squeue 'echo "$*" >asked; echo "12|'"$me"'|12|PENDING||10:00|Priority|tiny"'
rm tiny.h5.lock
expect 0 "tiny.h5: there is no store yet" "${status[@]}" "$data/tiny.yaml"
check grep -q "  slurm       job 12 (tiny) PENDING: Priority" "$work/out"
check grep -q -- "--user=$me --name=tiny,tiny-merge" asked
expect 0 '"state": "queued"' "${status[@]}" tiny.h5 --json
check python3 -m json.tool "$work/out" /dev/null
expect 0 "tiny.point2.h5: there is no store yet" "${status[@]}" tiny.point2.h5
check grep -q -- "--name=tiny,tiny-merge" asked
stand_in squeue 'exit 0'
expect 3 "tiny.h5: cannot be opened: No such file" "${status[@]}" "$data/tiny.yaml"

status+=(longer.h5)
stand_in squeue 'echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1'
expect 0 "stopped" "${status[@]}"
grep -q slurm "$work/out" "$work/err" && fail "of a job that SLURM does not know: $(cat "$work/out")"
stand_in squeue 'exec sleep 100' # SLURM's controller is down
start=$SECONDS
expect 0 '"slurm": null' "${status[@]}" --json
check test $((SECONDS - start)) -le 30
expect 0 '"slurm": null' env PATH=/nowhere "$OMMATID" status longer.h5 --json

# --- ready jobs ----------------------------------------------------------------------------------

common() { sed -n '/^# ---- the same in every job /,$p' "$1"; }
head_of() { sed -n '/^#SBATCH/,/^# ----/p' "$1"; }
# is_ready NAME SPEC OPTIONS...: the job of that name is what submit writes.
is_ready() {
    local file=$OM_SOURCE_DIR/jobs/$1.sbatch
    shift
    (cd "$OM_SOURCE_DIR" && env PATH=/nowhere "$OMMATID" submit "$@" --dry-run) |
        sed 's,^program=.*,program=ommatid,' >written
    diff <(sed -n '/^#SBATCH/,$p' written) <(sed -n '/^#SBATCH/,$p' "$file") || fail "$file"
}
is_ready one-node ensembles/motion-50.yaml --ranks-per-node 32 --mem 5G --time 1-00:00:00
is_ready many-nodes ensembles/motion-50.yaml --nodes 5 --ranks-per-node 10 --threads 3 --mem 2G \
    --time 08:00:00
is_ready quick-test ensembles/quickstart.yaml --partition quick --ranks-per-node 4 --mem 1G \
    --time 00:10:00
check cmp <(common "$OM_SOURCE_DIR/jobs/array.sbatch") <(common written)
check cmp <(head_of "$OM_SOURCE_DIR/jobs/array.sbatch" | grep -E 'signal|requeue|open-mode|program') \
    <(head_of written | grep -E 'signal|requeue|open-mode|program')
for file in "$OM_SOURCE_DIR"/jobs/*.sbatch; do check bash -n "$file"; done
finish
