# For tests that train ensembles: sourced by them.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
faults=0
data=$OM_TEST_DATA/ensemble

fail() {
    echo "FAILED: $*"
    faults=$((faults + 1))
}
# check COMMAND...: a command that must succeed.
check() {
    "$@" || fail "$*"
}
# expect CODE TEXT COMMAND...: exit code, and a text in what was printed on both streams.
expect() {
    local code=$1 text=$2
    shift 2
    timeout 120 "$@" >"$work/out" 2>"$work/err" </dev/null
    local got=$?
    if [[ $got -ne $code ]] || { [[ -n $text ]] && ! grep -qF -- "$text" "$work/out" "$work/err"; }; then
        fail "$*: exit $got, expected $code and '$text'; printed:"
        cat "$work/out" "$work/err"
    fi
}
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
finish() {
    if [[ $faults -gt 0 ]]; then
        echo "$faults faults"
        exit 1
    fi
    echo "all as expected"
}
