#!/usr/bin/env bash
# ommatid scenes: films into a file and out of it again, pictures of them, and wrong use.
# shellcheck source=tests/expect.bash disable=SC1091,SC2034,SC2154
source "$(dirname "$0")/expect.bash"
program=("$OMMATID" scenes)

small=(--training 3 --validation 2 --extent 3 --frames 4 --seed 5)

# A file of films shows the same as the worlds that it was made of.
expect 0 "3 training and 2 validation" make -o "$work/films.h5" "${small[@]}"
expect 0 "world-v001" show "$work/films.h5" --sequences all --json
cp "$work/out" "$work/from-file"
expect 0 "world-v001" show "${small[@]}" --sequences all --json
check cmp "$work/out" "$work/from-file"
expect 1 "exists already" make -o "$work/films.h5" "${small[@]}"

# What is shown is what was asked for.
expect 0 "world-v000" show "${small[@]}" --sequences validation
check test "$(wc -l <"$work/out")" -eq 3
expect 0 "world-002" show "${small[@]}" --sequences 2,0
check test "$(sed -n 's/ .*//; 2p' <(sed 's/^ *//' "$work/out"))" = 2

# A picture appears, and replaces another only by force.
expect 0 "world-000" show "$work/films.h5" -o "$work/sheet.png" --every 3
check test "$(head -c 4 "$work/sheet.png" | tail -c 3)" = PNG
cp "$work/sheet.png" "$work/before"
expect 1 "exists already" show "$work/films.h5" -o "$work/sheet.png" --sequences 1
check cmp "$work/sheet.png" "$work/before"
expect 0 "world-001" show "$work/films.h5" -o "$work/sheet.png" --sequences 1 --force
check test "$(cmp -s "$work/sheet.png" "$work/before" && echo same)" != same

# Laboratory stimuli: a row per condition, all of the published ones unless some are asked for.
expect 0 "edge" show --stimulus edge
check test "$(wc -l <"$work/out")" -eq 25
expect 0 '"angle_degrees": 30' show --stimulus bar --angle 30 --width 2 --json
expect 0 "flash" show --stimulus flash --extent 3 --radius 2 -o "$work/flash.png"
check test "$(wc -l <"$work/out")" -eq 3
check test "$(head -c 4 "$work/flash.png" | tail -c 3)" = PNG
expect 1 "exists already" show --stimulus bar --angle 75 --extent 2 -o "$work/flash.png"
expect 0 "75" show --stimulus bar --angle 75 --extent 2 -o "$work/flash.png" --force
expect 2 "no --radius" show --stimulus edge --radius 2
expect 2 "no --angle" show --stimulus flash --angle 30
expect 2 "no --width" show --stimulus edge --width 2
expect 2 "no stimulus" show --speed 19
expect 2 "films.h5" show "$work/films.h5" --stimulus edge
expect 2 "shorter than a step" show --stimulus edge --speed 1000
expect 2 "at most 250" show --stimulus edge --dt 0.0001 -o "$work/large.png"
expect 0 "world-000" show "${small[@]}" --eye median

# Wrong use and wrong files.
expect 2 "nowhere to write" make
expect 2 "from 0 to 4" show "${small[@]}" --sequences 1,5
expect 2 "'x'" show "${small[@]}" --sequences x
expect 2 "named twice" show "${small[@]}" --sequences 1,1
expect 2 "named twice" show "${small[@]}" --sequences 0-2,1
expect 0 "world-v000" show "${small[@]}" --sequences 0,2-3
check test "$(grep -c world- "$work/out")" = 3
expect 2 "none of this kind" show --training 1 --validation 0 --sequences validation
expect 2 "no training and no validation" make -o "$work/none.h5" --training 0 --validation 0
expect 2 "from 0 to 60" make -o "$work/none.h5" --extent 61
expect 1 "there is no folder $work/nowhere" show "${small[@]}" -o "$work/nowhere/sheet.png"
expect 3 "$work/missing.h5" show "$work/missing.h5"
echo "no films" >"$work/text"
expect 3 "$work/text" show "$work/text"
check test ! -e "$work/none.h5"

finish
