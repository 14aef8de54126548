#!/usr/bin/env bash
# --plot of validate, rank and predict: what is in the pictures, that they appear whole or not at all, and
# what is said where gnuplot is missing or fails.
# shellcheck disable=SC2317 # functions are called through expect and check
# shellcheck source=tests/expect.bash disable=SC1091,SC2154
source "$(dirname "$0")/expect.bash"
export OMP_WAIT_POLICY=passive # there are more threads than cores
store=$work/tiny.h5
ommatid() { timeout 120 "$OMMATID" "$@"; }
nothing_left() { # no picture of that name, nor a part of one
    local left
    left=$(find "$work" -name "$1*")
    [ -z "$left" ] || fail "left behind: $left"
}
# holds FILE TEXT...: well-formed XML that has these labels.
holds() {
    local file=$1 text
    check python3 -c 'import sys, xml.etree.ElementTree as t; t.parse(sys.argv[1])' "$file"
    for text in "${@:2}"; do
        grep -qF -- "$text" "$file" || fail "$file: '$text' is not there"
    done
    grep -qi "\bnan\b\|\binf\b" "$file" && fail "$file: a number that is none was drawn"
}
# count N WHAT FILE: so many matches.
count() {
    local found
    found=$(grep -oE -- "$2" "$3" | wc -l)
    [ "$found" = "$1" ] || fail "$3: $found of '$2', expected $1"
}
# drawn FILE: without the definitions of gnuplot's marks.
drawn() { sed '/<defs>/,/<\/defs>/d' "$1"; }
# png FILE WIDTH HEIGHT
png() {
    check python3 -c 'import struct, sys
head = open(sys.argv[1], "rb").read(24)
assert head[:8] == b"\x89PNG\r\n\x1a\n", head
size = struct.unpack(">II", head[16:])
assert size == (int(sys.argv[2]), int(sys.argv[3])), size' "$@"
}
# A PATH in which gnuplot is the given script, or missing.
instead() {
    mkdir -p "$work/bin"
    rm -f "$work/bin/gnuplot"
    [ $# = 0 ] && return
    printf '#!/bin/sh\n%s\n' "$1" >"$work/bin/gnuplot"
    chmod +x "$work/bin/gnuplot"
}

expect 0 "" ommatid run "$OM_TEST_DATA/ensemble/tiny.yaml" -o "$store" -n 1 --quiet
expect 0 "" ommatid validate "$store" --quiet

# Wrong use is refused before anything is computed.
expect 2 "neither in .svg nor in .png" ommatid validate "$store" --measures "$work/no.h5" --plot "$work/a.pdf"
expect 2 "neither in .svg nor in .png" ommatid predict "$store" -e flashes -o "$work/no.h5" --plot "$work/a"
expect 2 "--by dsi_t4" ommatid rank "$store" --plot "$work/a.svg"
expect 2 "--by dsi_t4" ommatid rank "$store" --by epe --plot "$work/a.svg"
expect 2 "--picture polarity --plot" ommatid validate "$store" --picture polarity
check test ! -e "$work/no.h5"

# Without gnuplot, too.
instead
expect 1 "apt-get install gnuplot-nox" env PATH="$work/bin" "$OMMATID" validate "$store" --measures "$work/no.h5" --plot "$work/a.svg"
check test ! -e "$work/no.h5"
nothing_left a.svg

# What a failing gnuplot says is shown; nothing is left of a picture that is not whole.
# shellcheck disable=SC2016
instead 'if grep -q multiplot; then echo "line 0: no such thing" >&2; exit 3; fi'
PATH=$work/bin:$PATH expect 1 "gnuplot: line 0: no such thing" "$OMMATID" validate "$store" --plot "$work/a.svg"
grep -q "exit status 3" "$work/err" || fail "exit status"
nothing_left a.svg
instead 'echo "<svg>"'
PATH=$work/bin:$PATH expect 1 "cut off" "$OMMATID" validate "$store" --plot "$work/a.svg"
nothing_left a.svg
# shellcheck disable=SC2016
instead 'if grep -q multiplot; then kill -9 $$; fi'
PATH=$work/bin:$PATH expect 1 "signal 9" "$OMMATID" validate "$store" --plot "$work/a.svg"
nothing_left a.svg

if ! command -v gnuplot >/dev/null; then
    [ "$faults" = 0 ] || finish
    echo "SKIPPED: gnuplot is not here (apt-get install gnuplot-nox): no picture was drawn"
    exit 77
fi

# Directions: panels, every model in each, known directions.
expect 0 "" ommatid validate "$store" --plot "$work/directions.svg"
holds "$work/directions.svg" "tiny: tuning to the direction of moving edges, 3 models" T4a T4d T5a T5d \
    "bright edges" "dark edges" "known preferred direction" "median of the best 2 by task error" "270°"
expect 0 "" ommatid validate "$store" --speed 19 --plot "$work/one-speed.svg"
holds "$work/one-speed.svg" "moving edges at 19 columns/s, 3 models"
expect 0 "" ommatid validate "$store" --plot "$work/directions.png"
png "$work/directions.png" 1125 750

# Polarity: every type once, with a mark by what is known.
expect 0 "" ommatid validate "$store" --picture polarity --plot "$work/polarity.svg"
types=$("$OMMATID" validate "$store" --json 2>/dev/null | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["types"]))')
holds "$work/polarity.svg" "tiny: response to flashing discs of radius 6, median and spread of 3 models" "median, known to be ON" T4a T5d Tm9 "25-75 %"
count $((types + 3)) "href='#gpPt(5|8|10)'" <(drawn "$work/polarity.svg") # three explain the marks

# A measure against task error: a point for each model.
expect 0 "place  model" ommatid rank "$store" --by polarity_correlation --plot "$work/rank.svg"
holds "$work/rank.svg" "tiny, 3 models" "Spearman rho" "uncorrected for other measures" "task error (EPE)" "FRI with known polarity"
count 3 "href='#gpPt6'" <(drawn "$work/rank.svg")
expect 0 "" ommatid rank "$store" --by polarity_correlation --plot "$work/rank.png"
png "$work/rank.png" 750 600

# Responses.
expect 0 "" ommatid predict "$store" -e flashes -o "$work/flashes.h5" --plot "$work/flashes.svg"
holds "$work/flashes.svg" "median and spread of 3 models" L1 Mi1 Tm9 "bright flash" "flashes of the full field" "5-95 % of models"
expect 0 "" ommatid predict "$store" -e flashes -m 0 -o "$work/single.h5" --plot "$work/single.svg"
holds "$work/single.svg" "tiny: voltage of central cells, 1 model" L1
grep -q "median\|5-95" "$work/single.svg" && fail "the spread of a single model"
expect 0 "" ommatid predict "$store" -e edges -o "$work/edges.h5" --types T4a,T5c --plot "$work/edges.svg"
holds "$work/edges.svg" T4a T5c "edge in null direction" "19 columns/s"
count 2 ">n 3<" "$work/edges.svg"
grep -q "T4b" "$work/edges.svg" && fail "T4b was not asked for"
expect 2 "no cell type 'T9'" ommatid predict "$store" -e flashes -o "$work/f2.h5" --types T4a,T9 --plot "$work/f2.svg"
nothing_left f2
expect 2 "flashes and edges" ommatid predict "$store" -e film --movie "$work/none.h5" -o "$work/f2.h5" --plot "$work/f2.svg"
expect 0 "" ommatid predict "$store" -e edges -n 2 -o "$work/e2.h5" --types T4a,T5c --plot "$work/e2.svg" --quiet
check cmp "$work/edges.svg" "$work/e2.svg"
expect 0 "" ommatid validate "$store" -n 2 --measures "$work/m2.h5" --speed 19 --csv "$work/2.csv" --threads 1 \
    --picture directions --plot "$work/2.svg" --quiet
check cmp "$work/one-speed.svg" "$work/2.svg"

# A picture replaces nothing, and a full disk leaves no part of one.
cp "$work/rank.svg" "$work/before.svg"
expect 1 "exists already" ommatid rank "$store" --by polarity_correlation --plot "$work/rank.svg"
check cmp "$work/rank.svg" "$work/before.svg"
(ulimit -f 4 && "$OMMATID" rank "$store" --by polarity_correlation --plot "$work/full.svg") >"$work/out" 2>"$work/err" &&
    fail "a picture on a full disk was no failure"
nothing_left full.svg
expect 1 "there is no folder $work/nowhere" ommatid rank "$store" --by polarity_correlation --plot "$work/nowhere/rank.svg"

finish
