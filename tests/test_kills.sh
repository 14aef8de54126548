#!/bin/bash
# Trainers, coordinator, launcher, mpirun or all of them killed while ranks start, films are rendered, the store is
# made, models are trained: a few of the kills of tools/test-kills.
set -u
[ "${OM_SANITIZED:-0}" = 0 ] || { echo "skipped: with sanitizers it takes minutes" && exit 77; }
command -v python3 >/dev/null || { echo "skipped: python3 is not here" && exit 77; }
for kind in plain race diverge team; do
    "$OM_SOURCE_DIR/tools/test-kills" 2 --only $kind --seed 3 --quick --program "$OMMATID" || exit 1
done
# what it is given wrongly
"$OM_SOURCE_DIR/tools/test-kills" 0 --program "$OMMATID" 2>/dev/null
[ $? = 2 ] || { echo "FAILED: 0 kills are not refused" && exit 1; }
