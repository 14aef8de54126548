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
# wait_for_training STORE: until a run has trained something and not yet everything.
wait_for_training() {
    local i
    for ((i = 0; i < 300; i++)); do
        if "$OMMATID" status "$1" --json 2>/dev/null | grep -q '"iterations": [1-9]'; then return; fi
        sleep 0.1
    done
    fail "$1: nothing was trained within 30 s"
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
