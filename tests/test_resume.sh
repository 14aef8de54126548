#!/bin/bash
# An ensemble that is stopped or killed and run again ends with the same models as one that is not.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
export OMP_WAIT_POLICY=passive
not_sanitized
spec=$data/longer.yaml

check "$OMMATID" run "$spec" -o "$work/whole.h5" -n 2 --quiet

# interrupt SIGNAL RANKS STORE [suspended]: a run that is told to stop ends with 75, quickly, and resumes; also one of which
# a rank is suspended.
interrupt() {
    local signal=$1 ranks=$2 store=$3 pid code start
    "$OMMATID" run "$spec" -o "$store" -n "$ranks" --unit 1 2>"$work/err" &
    pid=$!
    wait_for_training "$store"
    expect 1 "is being trained" "$OMMATID" run "$spec" -o "$store" -n 1
    expect 0 "training" "$OMMATID" status "$store"
    [[ ${4:-} == suspended ]] && kill -STOP "$(pgrep -f "ommatid run --output $store" | tail -n 1)"
    start=$SECONDS
    kill "-$signal" $pid
    wait $pid
    code=$?
    check test $code = 75
    check test $((SECONDS - start)) -le 10
    grep -q "nothing is lost" "$work/err" || { fail "no word of resuming"; cat "$work/err"; }
    check test ! -e "$store.lock"
    expect 0 "stopped" "$OMMATID" status "$store"
    check "$OMMATID" run "$spec" -o "$store" -n "$ranks" --quiet
    same "$work/whole.h5" "$store"
}
interrupt INT 2 "$work/int.h5"
interrupt TERM 1 "$work/term.h5"
interrupt TERM 2 "$work/suspended.h5" suspended
interrupt USR1 3 "$work/usr1.h5"

# told to stop at any moment of its start, before there are ranks that could hear it
for moment in 0 0.05 0.1 0.2 0.4; do
    rm -f "$work/err" # what the one before said is no sign of this one
    "$OMMATID" run "$spec" -o "$work/early.h5" -n 2 2>"$work/err" &
    pid=$!
    for ((i = 0; i < 100; i++)); do
        grep -qs "a coordinator" "$work/err" && break
        sleep 0.02
    done
    sleep $moment
    start=$SECONDS
    kill -INT $pid
    wait $pid
    code=$?
    check test $code = 75
    check test $((SECONDS - start)) -le 5
    check test ! -e "$work/early.h5.lock"
done

# an mpirun that has lost its ranks and does not end, as one that was hit while it started them: it is ended
mkdir "$work/bin"
printf '#!/bin/bash\nsleep 1.5\nexec sleep 100\n' >"$work/bin/mpirun"
chmod +x "$work/bin/mpirun"
start=$SECONDS
PATH=$work/bin:$PATH expect 1 "a rank ended before its time" "$OMMATID" run "$spec" -o "$work/halted.h5" -n 2
check test $((SECONDS - start)) -le 30
check test ! -e "$work/halted.h5"

# under nohup a closed terminal is no reason to stop
nohup "$OMMATID" run "$spec" -o "$work/nohup.h5" -n 2 >/dev/null 2>"$work/err" &
pid=$!
wait_for_training "$work/nohup.h5"
kill -HUP $pid
wait $pid
check test $? = 0
same "$work/whole.h5" "$work/nohup.h5"

# killed without warning, again and again: it resumes from the last checkpoints
store=$work/killed.h5
for ranks in 1 2 1 2; do
    "$OMMATID" run "$spec" -o "$store" -n $ranks --unit 0.2 --quiet 2>/dev/null &
    pid=$!
    wait_for_training "$store"
    sleep 0.7
    kill -KILL $pid 2>/dev/null
    wait $pid 2>/dev/null
    wait_for_ranks "$store"
    pgrep -f "ommatid run .*$store" >/dev/null && fail "ranks outlive their launcher"
done
check "$OMMATID" run "$spec" -o "$store" -n 2 --quiet
same "$work/whole.h5" "$store"

# one rank killed: the run ends with a message, and resumes
store=$work/rank.h5
"$OMMATID" run "$spec" -o "$store" -n 2 --unit 0.2 2>"$work/err" &
pid=$!
wait_for_training "$store"
rank=$(pgrep -f "^[^ ]*ommatid run --output $store" | tail -n 1)
kill -KILL "$rank"
wait $pid
check test $? = 1
grep -q "a rank ended before its time" "$work/err" || { fail "no message"; cat "$work/err"; }
check "$OMMATID" run "$spec" -o "$store" -n 2 --quiet
same "$work/whole.h5" "$store"
finish
