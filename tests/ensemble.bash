# For tests that train ensembles: sourced by them.
# shellcheck source=tests/expect.bash disable=SC1091,SC2154
source "$(dirname "${BASH_SOURCE[0]}")/expect.bash"
data=$OM_TEST_DATA/ensemble
program=(timeout 120) # no run of these tests takes that long

# same A B: the two stores hold the same models, bit for bit, and the same ranking.
same() {
    local group
    for group in params history validation ranking; do
        h5diff "$1" "$2" "/$group" "/$group" >"$work/diff" 2>&1 || {
            fail "$1 and $2 differ in /$group"
            head -n 5 "$work/diff"
        }
    done
    "$OMMATID" rank "$1" --json >"$work/rank-a"
    "$OMMATID" rank "$2" --json >"$work/rank-b"
    check cmp "$work/rank-a" "$work/rank-b"
}
# iterations_of STORE: how many there are of all models together.
iterations_of() {
    "$OMMATID" status "$1" --json 2>/dev/null | grep -m 1 -o '"iterations": [0-9]*' | grep -o '[0-9]*$'
}
# wait_for_training STORE [N]: until models have been trained for N iterations (1) together.
wait_for_training() {
    local start=$SECONDS done
    while ((SECONDS - start < 30)); do
        done=$(iterations_of "$1")
        if ((${done:-0} >= ${2:-1})); then return; fi
        sleep 0.02
    done
    fail "$1: ${done:-0} iterations within 30 s"
}
# wait_for_ranks STORE: until those that train into it have ended, as they do by themselves when their launcher was
# killed.
wait_for_ranks() {
    local i
    for ((i = 0; i < 100; i++)); do
        pgrep -f "ommatid run .*$1" >/dev/null || return 0
        sleep 0.1
    done
}
