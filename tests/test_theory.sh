#!/usr/bin/env bash
# docs/theory.md names what is there: each function is in the sources, each reference file has a check
# of the golden program, and the equations are numbered in order.
set -euo pipefail
cd "$OM_SOURCE_DIR"
page=docs/theory.md failed=0
complain() { echo "$page: $*" && failed=1; }

while read -r name; do
    grep -rqw "$name" include src || complain "$name is not in the sources"
done < <(grep -oE '\bom_[a-z0-9_]+\b' "$page" | sort -u)

while read -r name; do
    [ -e "$name" ] || complain "there is no $name"
done < <(grep -oE '\b(src|tests)/[a-z0-9_/]+(\.[a-z]+)?' "$page" | sort -u)

mapfile -t begins < <(sed -n 's/^    {"\([a-z_]*\)", "\.[a-z0-9]*", check_.*/\1/p' tests/golden.c)
while read -r file; do
    known=0
    for begin in "${begins[@]}"; do [[ $file == "$begin"* ]] && known=1; done
    [ $known = 1 ] || complain "no check reads $file"
done < <(grep -oE '\b[a-z]+[a-z0-9_]*\.(h5|csv|json)' "$page" | sort -u)

expected=1
while read -r number; do
    [ "$number" = "($expected)" ] || complain "equation $number where ($expected) was expected"
    expected=$((expected + 1))
done < <(grep -oE '\([0-9]+\)$' "$page")
[ $expected -gt 40 ] || complain "only $((expected - 1)) equations were found"
exit $failed
