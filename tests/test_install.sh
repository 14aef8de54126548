#!/usr/bin/env bash
# An installed library is usable: a program that includes ommatid/ommatid.h compiles without
# warnings against what `cmake --install` put under some prefix, with pkg-config's flags alone, and
# runs; the installed program and the files that go with it are there.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$OM_BUILD_DIR" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }

pc=$(find "$work/prefix" -name ommatid.pc)
export PKG_CONFIG_PATH=${pc%/*}
cat >"$work/program.c" <<'C'
#include <ommatid/ommatid.h>
#include <stdio.h>
int main(void)
{
    om_stream stream = {2024, 7, OM_FOR_NOISE, 0, 0};
    double x = om_random_uniform(&stream, 0);
    return printf("%s%g\n", om_message(), x) > 0 && x > 0 && x < 1 ? 0 : 1;
}
C
read -ra flags <<<"$(pkg-config --cflags ommatid)"
read -ra libraries <<<"$(pkg-config --libs ommatid)"
cc -std=c11 -Wall -Wextra -Wpedantic -Werror "${flags[@]}" "$work/program.c" -o "$work/program" \
    "${libraries[@]}"
"$work/program"

"$work/prefix/bin/ommatid" --version | grep -F "$(pkg-config --modversion ommatid)"
bash -n "$work/prefix/share/bash-completion/completions/ommatid"
for file in LICENSE NOTICE; do
    test -s "$work/prefix/share/doc/ommatid/$file" || { echo "$file is not installed"; exit 1; }
done
for spec in "$OM_SOURCE_DIR"/ensembles/*.yaml; do
    [ -e "$spec" ] || continue
    cmp "$spec" "$work/prefix/share/ommatid/ensembles/${spec##*/}"
done
