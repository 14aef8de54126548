#!/usr/bin/env bash
# Whatever a command is to read and is not there: exit code 3, and the file's name. All commands.
# shellcheck source=tests/expect.bash disable=SC1091,SC2034,SC2154
source "$(dirname "$0")/expect.bash"
program=(timeout 60 "$OMMATID")
spec=$OM_TEST_DATA/ensemble/tiny.yaml
no=$work/not-here
tried=()
# missing COMMAND WORDS...: as above.
missing() {
    tried+=("$1")
    expect 3 "not-here" "$@"
    [[ -s $work/out ]] && fail "$*: prints something all the same"
}
check "$OMMATID" run "$spec" -o "$work/store.h5" -n 1 --quiet
sed "s|procedural, training: 8, validation: 3|$no.h5|" "$spec" >"$work/films.yaml"
sed "s|motion-pathway|$no.circuit|" "$spec" >"$work/circuit.yaml"

missing circuit show "$no.circuit"
missing circuit check "$no.circuit"
missing circuit import "$no.json" -o "$work/new.circuit"
missing scenes show "$no.h5" -o "$work/new.png"
missing plan "$no.yaml"
missing plan "$work/films.yaml" --rate 1
missing run "$no.yaml" -o "$work/new.h5"
for how in "-n 1" "-n 2" "--layout 2x1"; do
    # shellcheck disable=SC2086 # words
    missing run "$work/films.yaml" -o "$work/new.h5" $how
    # shellcheck disable=SC2086 # words
    missing run "$work/circuit.yaml" -o "$work/new.h5" $how
done
missing submit "$no.yaml" --dry-run
missing merge "$no.yaml" -o "$work/new.h5"
missing status "$no.h5"
missing status "$no.h5" --watch
missing check "$no.h5"
missing rank "$no.h5"
missing predict "$no.h5" -e edges -o "$work/new.h5"
missing predict "$work/store.h5" -e film --movie "$no.h5" -o "$work/new.h5"
missing validate "$no.h5"
missing compare "$work/store.h5" "$no.h5"
missing compare "$no.h5" "$work/store.h5"
missing import flyvis "$no" -o "$work/new.h5"
missing export "$no.h5"
missing export --flat "$no.h5" 0 -o "$work/new.h5"
missing bench --circuit "$no.circuit" --quick
check test -z "$(find "$work" -name 'new*')"

# init and help read nothing; a new command is to be tried above
for command in $("$OMMATID" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
    [[ $command = init || $command = help || " ${tried[*]} " = *" $command "* ]] || fail "$command was not tried"
done
finish
