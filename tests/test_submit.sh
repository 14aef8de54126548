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
expect 2 "memory 'abc': expected a size" "${alone[@]}" --mem abc --dry-run
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
with=(env "PATH=$work/bin:$PATH" SBATCH_PARTITION=quick SBATCH_OUTPUT=x SBATCH_ARRAY_INX=0-1
    SLURM_MEM_PER_CPU=100 SLURM_CONF=/etc/mine.conf "$OMMATID" submit "$data/tiny.yaml")
expect 0 "job 4711: tiny, 1 node x 1 rank x 1 thread, 1G a node, 00:10:00" "${with[@]}" --time 20 --mem 1G
expect 0 "allows less than 20: the job requeues itself" "${with[@]}" --time 20 --mem 1G
check cmp sent jobs/tiny-2.sbatch
check cmp jobs/tiny-1.sbatch jobs/tiny-2.sbatch
check grep -qx "#SBATCH --time=00:10:00" sent
grep -qE "^(SBATCH_|SLURM_MEM)" env && fail "variables that would win over the script: $(grep -E '^S(BATCH|LURM)_' env)"
check grep -qx "SLURM_CONF=/etc/mine.conf" env
expect 0 '"job": "4711"' "${with[@]}" --json --time 9 --mem 1G
check python3 -m json.tool "$work/out" /dev/null
check grep -q '"script": "jobs/tiny-3.sbatch"' "$work/out"
expect 0 "1 node x 3 ranks x 1 thread" "${with[@]}" -p main --time 9 --mem 1G # no more than models
expect 0 "2 nodes x 2 ranks x 1 thread" "${with[@]}" -p main --nodes 2 --time 9 --mem 1G # one is left
expect 0 "1 node x 2 ranks x 2 threads" "${with[@]}" -p main --threads 2 --time 9 --mem 1G
expect 0 "1 node x 1 rank x 1 thread" "${with[@]}" -p main,quick --time 9 --mem 1G
expect 1 "no partition 'qick' here; nothing was submitted" "${with[@]}" -p qick
expect 1 "--partition main, quick" "${with[@]}" -p qick

# --- sweeps --------------------------------------------------------------------------------------

# swept NAME KEY VALUES: its file
swept() {
    sed "s/^name:.*/name: $1/" "$data/tiny.yaml" >"$1.yaml"
    printf 'sweep: { %s: %s }\n' "$2" "$3" >>"$1.yaml"
}
# memory_of SPEC OPTIONS...: that is asked for, in MB
memory_of() {
    env PATH=/nowhere "$OMMATID" submit "$@" --ranks-per-node 2 --time 20 --dry-run |
        sed -n 's/^#SBATCH --mem=\([0-9]*\)M$/\1/p;/^# =====/q'
}
# the largest point counts, wherever it stands
swept small circuit.extent '[3, 4]'
swept up circuit.extent '[3, 15]'
swept down circuit.extent '[15, 3]'
sed -i 's/batch: 3/batch: 8/' small.yaml up.yaml down.yaml
for option in "" "--array 1"; do
    # shellcheck disable=SC2086 # words
    memory=$(memory_of up.yaml $option)
    # shellcheck disable=SC2086
    check test "$memory" = "$(memory_of down.yaml $option)"
    # shellcheck disable=SC2086
    check test "$memory" -gt "$(memory_of small.yaml $option)"
done
# all points are checked before anything is submitted
swept without circuit.without '[[], [Nope]]'
swept source circuit.source '[motion-pathway, ./none.circuit]'
swept tau init.time_constant '[0.05, 0.0001]'
for case in "without has no type 'Nope'" "source none.circuit: no such file" "tau larger than the time constant"; do
    expect 3 "${case#* }" env PATH=/nowhere "$OMMATID" submit "${case%% *}.yaml" --mem 1G --time 20 --dry-run
    expect 3 "${case#* }" env PATH=/nowhere "$OMMATID" submit "${case%% *}.yaml" --mem 1G --time 20 --dry-run --array 2
done
swept arr train.dropout '[0, 0.1, 0.2]'
array=(env "PATH=$work/bin:$PATH" "$OMMATID" submit arr.yaml -p quick --time 9 --mem 1G --array 2)
expect 0 "#SBATCH --job-name=arr-merge" "${array[@]}" --dry-run
check grep -qx "#SBATCH --time=00:09:00" "$work/out"
expect 0 '"merge_text": "#!/bin/bash' "${array[@]}" --dry-run --json
check python3 -m json.tool "$work/out" /dev/null
expect 0 '"merge_job": "4711"' "${array[@]}" --json
for line in '"merge_script": "jobs/arr-merge-1.sbatch"' '"jobs/arr-4711_0.log"' '"jobs/arr-4711_2.log"'; do
    check grep -qF "$line" "$work/out"
done
# a job that trains and none that merges would be half of it
files=$(ls jobs)
# shellcheck disable=SC2016
stand_in sbatch 'case $* in *--test-only*) echo "sbatch: error: Too long" >&2; exit 1;; *) echo "$*" >>sent-to; echo 12;; esac'
expect 1 "the job that merges: SLURM does not take the job: Too long; nothing was submitted" "${array[@]}"
check test ! -e sent-to
# shellcheck disable=SC2016
stand_in sbatch 'case $* in *--dependency*) echo "sbatch: error: Too many" >&2; exit 1;; *) echo 12;; esac'
# shellcheck disable=SC2016
stand_in scancel 'echo "$*" >cancelled'
expect 1 "the job that merges: SLURM does not take the job: Too many; nothing was submitted" "${array[@]}"
check grep -qx 12 cancelled
check test "$files" = "$(ls jobs)"
# what is there of any point
stand_in sbatch 'echo 13'
check "$OMMATID" run arr.yaml:1 -o arr.point1.h5 -n 1 --quiet
cp arr.point1.h5 arr.point2.h5
expect 3 "arr.point2.h5" "${array[@]}"
rm arr.point2.h5
printf 'host %s\npid %d\nprocess-start %s\njob 9\njob-restart 0\nsince now\n' "$(hostname)" $$ \
    "$(cut -d ' ' -f 22 /proc/$$/stat)" >arr.point1.h5.lock
expect 1 "arr.point1.h5: is being trained by process $$ on $(hostname), job 9 since now; nothing was" "${array[@]}"
rm arr.point1.h5.lock
expect 0 "job 13: arr" "${array[@]}"
for point in 0 2; do check "$OMMATID" run arr.yaml:$point -o arr.point$point.h5 -n 1 --quiet; done
expect 0 "nothing is left to train; nothing was submitted; to merge: ommatid merge arr.yaml -o arr.h5" "${array[@]}"
expect 0 '"finished": true' "${array[@]}" --json

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

# --- what the job does ---------------------------------------------------------------------------

# Its script, with a program of a few lines that says what the store is like and how its ranks end. Each line
# of `turns` is a call of srun: how it ends, and what the store says after it.
# shellcheck disable=SC2016
stand_in srun 'shift $(($# - 7)); exec "$@"'
# shellcheck disable=SC2016
stand_in scontrol 'echo "$*" >requeued'
# shellcheck disable=SC2016
stand_in trainer 'case $1 in
check) cat store ;;
run) read -r code says <turns; sed -i 1d turns; printf "%s\n" "$says" >store; exit "$code" ;;
esac'
env PATH=/nowhere "$OMMATID" submit "$data/tiny.yaml" "${given[@]}" --dry-run |
    sed "s,^program=.*,program=$work/bin/trainer," >job.sbatch
begun="    0  running    80            120 *         goes on at 120"
anew="    0  running    40 *          120           goes on at 40, begun anew 1 x"
ended="    0  done       80            200 *         has nothing to do: done at 200"
empty="    0  waiting    empty         empty         starts from the beginning"
# job CODE TEXT REQUEUED STORE TURNS...
job() {
    local code=$1 text=$2 requeued=$3
    rm -f requeued
    printf '%s\n' "$4" >store
    shift 4
    printf '%s\n' "$@" >turns
    expect "$code" "$text" env "PATH=$work/bin:$PATH" SLURM_NTASKS=1 SLURM_CPUS_PER_TASK=1 SLURM_JOB_ID=3 \
        SLURM_JOB_NODELIST=n1 bash job.sbatch
    check test "$requeued" = "$(cat requeued 2>/dev/null)"
    check test ! -s turns
}
job 0 "job 3: done" "" "$empty" "0 $ended"
job 75 "stopped (exit status 75): requeued" "requeue 3" "$empty" "75 $begun"
job 75 "with as much to do" "" "$begun" "75 $begun"
job 75 "with as much to do" "" "$empty" "75 ${empty/waiting/running}"
job 75 "requeued" "requeue 3" "$begun" "75 $anew"
job 137 "requeued" "requeue 3" "$empty" "137 $begun"
job 0 "before anything was written, try 1 of 3" "" "$empty" "137 $empty" "0 $ended"
job 137 "with as much to do" "" "$begun" "137 $begun" "139 $begun" "137 $begun"
job 137 "requeued" "requeue 3" "$empty" "0 $begun" # srun, of a node that failed
job 1 "failed with exit status 1: not requeued" "" "$begun" "1 $begun"

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
is_ready quick-test ensembles/quickstart.yaml --partition quick --ranks-per-node 2 --mem 1G \
    --time 00:10:00
check cmp <(common "$OM_SOURCE_DIR/jobs/array.sbatch") <(common written)
check cmp <(head_of "$OM_SOURCE_DIR/jobs/array.sbatch" | grep -E 'signal|requeue|open-mode|program') \
    <(head_of written | grep -E 'signal|requeue|open-mode|program')
for file in "$OM_SOURCE_DIR"/jobs/*.sbatch; do check bash -n "$file"; done
finish
