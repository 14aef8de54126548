#!/bin/bash
# A run ends before its time limit, with everything kept; run again it ends with the same models.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
export OMP_WAIT_POLICY=passive
sed 's/iterations: 90/iterations: 200/' "$data/tiny.yaml" >"$work/spec.yaml"
spec=$work/spec.yaml
unset SLURM_JOB_END_TIME

# what is no duration
expect 2 "expected a duration" "$OMMATID" run "$spec" -o "$work/none.h5" --time-limit 5x
expect 2 "expected a duration" "$OMMATID" run "$spec" -o "$work/none.h5" --patience 5x
check test ! -e "$work/none.h5"

check "$OMMATID" run "$spec" -o "$work/whole.h5" -n 2 --quiet

# plenty of time
expect 0 "3 of 3 models trained" "$OMMATID" run "$spec" -o "$work/whole.h5" -n 2 --time-limit 1-12:00:00

# limited RANKS STORE: until it is done, a few seconds at a time; how many are needed depends on the machine
limited() {
    local code=75 runs seconds
    for ((runs = 0; runs < 10; runs++)); do
        seconds=$((1 << runs))
        "${program[@]}" "$OMMATID" run "$spec" -o "$2" -n "$1" --threads 1 --unit 1 --time-limit ${seconds}s 2>"$work/err"
        code=$?
        [ $code = 75 ] || break
        grep -q "time limit" "$work/err" || { fail "no word of the limit"; cat "$work/err"; }
        check test ! -e "$2.lock"
    done
    check test $code = 0
    same "$work/whole.h5" "$2"
}
limited 1 "$work/one.h5"
limited 2 "$work/two.h5"

# too short for anything: that is said, and costs nothing
rm -f "$work/short.h5"
sed 's/iterations: 200/iterations: 100000/' "$spec" >"$work/long.yaml"
expect 75 "before anything could be trained" \
    "$OMMATID" run "$work/long.yaml" -o "$work/short.h5" -n 1 --time-limit 0.01s
expect 75 "more time" "$OMMATID" run "$work/long.yaml" -o "$work/short.h5" -n 2 --time-limit 0.01s
grep -q "in the store" "$work/err" && fail "there is no store: $(cat "$work/err")"
check test ! -e "$work/short.h5.lock"

now_us() { echo "${EPOCHREALTIME/[.,]/}"; }
# in_time END: the run that has just ended has used the time up to END, in us since 1970, and no more.
in_time() {
    local over=$(($(now_us) - $1)) most=0
    [ "${OM_SANITIZED:-0}" = 0 ] || most=2000000 # ranks take that long to begin and to end
    ((over <= most && over >= -2500000)) || fail "it ended $over us after its limit: $(tail -n 2 "$work/err")"
}
end=$(($(now_us) + 4000000))
expect 75 "time limit" "$OMMATID" run "$work/long.yaml" -o "$work/kept.h5" -n 1 --time-limit 4s
in_time $end

# the end of a SLURM job, by itself and when it comes before what was asked for
export SLURM_JOB_END_TIME
SLURM_JOB_END_TIME=$(($(date +%s) + 8))
expect 75 "time limit" "$OMMATID" run "$work/long.yaml" -o "$work/slurm.h5" -n 2
in_time $((SLURM_JOB_END_TIME * 1000000))
SLURM_JOB_END_TIME=$(($(date +%s) - 4))
expect 75 "time limit" "$OMMATID" run "$work/long.yaml" -o "$work/slurm.h5" -n 1 --time-limit 1h
finish
