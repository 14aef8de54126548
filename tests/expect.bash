# What every test of the command line uses: a temporary folder and a count of faults. Sourced.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
faults=0
program=() # words before those that expect is given

# For tests that take minutes with sanitizers and run nothing that others do not run with them.
not_sanitized() {
    [ "${OM_SANITIZED:-0}" = 1 ] || return 0
    echo "skipped: with sanitizers it takes minutes, and others run the same code"
    exit 77
}
fail() {
    echo "FAILED: $*"
    faults=$((faults + 1))
}
# check COMMAND...: a command that must succeed.
check() {
    "$@" || fail "$*"
}
# expect CODE TEXT WORDS...: runs program and WORDS; the exit code, and a text in what was printed on
# both streams ("": any).
expect() {
    local code=$1 text=$2
    shift 2
    "${program[@]}" "$@" >"$work/out" 2>"$work/err" </dev/null
    local got=$?
    if [[ $got -ne $code ]] ||
        { [[ -n $text ]] && ! grep -qF -- "$text" "$work/out" "$work/err"; }; then
        fail "${program[*]} $*: exit $got, expected $code and '$text'; printed:"
        cat "$work/out" "$work/err"
    fi
}
finish() {
    if [[ $faults -gt 0 ]]; then
        echo "$faults faults"
        exit 1
    fi
    echo "all as expected"
    exit 0
}
