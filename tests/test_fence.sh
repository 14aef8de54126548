#!/bin/bash
# A job that was taken for dead and wakes up when another has trained its models to the end: it writes
# nothing more, and says who has the store.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
export OMP_WAIT_POLICY=passive
spec=$data/longer.yaml
check "$OMMATID" run "$spec" -o "$work/whole.h5" -n 2 --quiet

# processes_of STORE: those of a run, its launcher's and mpirun's among them.
processes_of() { pgrep -f "ommatid run .*$1"; }

# fall_asleep RANKS STORE: starts a run and stops all of its processes in the middle; sets pid, asleep.
fall_asleep() {
    "$OMMATID" run "$spec" -o "$2" -n "$1" --unit 0.2 2>"$work/sleeper" &
    pid=$!
    wait_for_training "$2"
    mapfile -t asleep < <(processes_of "$2")
    kill -STOP "${asleep[@]}"
    cp "$2" "$work/moment.h5"
    expect 1 "is being trained" "$OMMATID" run "$spec" -o "$2" -n 1 # stopped, but not gone
    cmp -s "$2" "$work/moment.h5" || fail "a run that was refused has written"
}
# wake_up STORE: the sleeper refuses, and the store stays as the other run has left it.
wake_up() {
    local sum code
    same "$work/whole.h5" "$1"
    sum=$(md5sum <"$1")
    kill -CONT "${asleep[@]}"
    wait "$pid"
    code=$?
    check test $code = 1
    grep -q "another run has taken it over ($(hostname), process $other.* this one may not write" \
        "$work/sleeper" || { fail "no word of the other run"; cat "$work/sleeper"; }
    check test "$(grep -c "taken it over" "$work/sleeper")" = 1
    check test "$sum" = "$(md5sum <"$1")"
    for ((i = 0; i < 50; i++)); do
        processes_of "$1" >/dev/null || break
        sleep 0.1
    done
    processes_of "$1" >/dev/null && fail "ranks are left"
    check test ! -e "$1.lock"
}
# run_other STORE: another run to the end; sets other, the process that its rank 0 is.
run_other() {
    "$OMMATID" run "$spec" -o "$1" -n 1 --quiet &
    other=$!
    wait $other || fail "the other run"
}

store=$work/removed.h5 # its lock is removed by hand
fall_asleep 2 "$store"
rm "$store.lock"
run_other "$store"
wake_up "$store"

store=$work/requeued.h5 # its job is requeued
export SLURM_JOB_ID=77
fall_asleep 1 "$store"
export SLURM_RESTART_COUNT=1
run_other "$store"
unset SLURM_JOB_ID SLURM_RESTART_COUNT
wake_up "$store"
check grep -q "job 77, requeued 1 times" "$work/sleeper"
finish
