#!/bin/bash
# The frame of the command line: help, wrong use, exit codes, results that cannot be written.
# shellcheck source=tests/expect.bash disable=SC1091,SC2034,SC2154
source "$(dirname "$0")/expect.bash"
program=("$OMMATID")

# Help is there for everything and goes to standard output.
expect 0 "usage: ommatid <command>" --help
check test ! -s "$work/err"
expect 0 "usage: ommatid help [COMMAND" help help
expect 0 "example" help --help
expect 0 "ommatid " --version
for command in $("$OMMATID" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    expect 0 "usage: ommatid $command" "$command" --help
    expect 0 "usage: ommatid $command" help "$command"
done

# Wrong use is refused with exit code 2 and what is nearest.
expect 2 "no command"
expect 2 "try: help" hepl
expect 2 "no option '--quit'" help --quit
expect 2 "try: --quiet" help --quit
expect 2 "takes no value" help --quiet=1
expect 2 "one argument too many" help a b c
check test ! -s "$work/out"
check test "$(grep -c ^ommatid: "$work/err")" -eq 1

# Results that cannot be written are an error.
"$OMMATID" help >/dev/full 2>"$work/err"
check test $? -eq 1
check grep -q "cannot write" "$work/err"
"$OMMATID" help >&- 2>"$work/err"
check test $? -eq 1

# A new spec: printed or written, never over a file, never half.
expect 0 "models: 8" init
expect 0 "ommatid run" init -o "$work/spec.yaml"
check grep -q "models: 8" "$work/spec.yaml"
echo mine >"$work/spec.yaml"
expect 1 "exists already" init -o "$work/spec.yaml"
check grep -qx mine "$work/spec.yaml"
check "$OMMATID" init --quiet --output="$work/other.yaml" 2>"$work/err"
check test ! -s "$work/err"
expect 1 "there is no folder $work/nowhere" init -o "$work/nowhere/spec.yaml"
expect 2 "--output needs a value" init -o
expect 2 "try: --output" init --outptu x
expect 2 "one argument too many" init -- -o
expect 0 "train.iterations" help spec
(ulimit -f 1; trap '' XFSZ; "$OMMATID" init -q -o "$work/short.yaml" 2>"$work/err")
check test $? -eq 1
check test ! -e "$work/short.yaml"

# The completion is valid bash and knows every command.
"$OMMATID" --completion >"$work/completion"
check bash -n "$work/completion"
cat >"$work/complete" <<END
source "$work/completion"
compopt() { :; }
COMP_WORDS=("\$@") COMP_CWORD=\$((\$# - 1))
_ommatid
echo "\${COMPREPLY[@]}"
END
check test "$(bash "$work/complete" ommatid hel)" = help
check test "$(bash "$work/complete" ommatid help --qu)" = --quiet

finish
