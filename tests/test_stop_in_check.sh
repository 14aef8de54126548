#!/bin/bash
# A model that is stopped in a check, its last one above all, is not done: run again it ends with the same bits.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
export OMP_WAIT_POLICY=passive
"$OMMATID" scenes make -o "$work/films.h5" --training 8 --validation 60 --extent 3 --frames 7 --seed 1 --quiet ||
    fail "scenes make"
# two checks that take nearly all the time, and three iterations in between
sed "s|procedural, training: 8, validation: 3|$work/films.h5|; s/models: 3/models: 2/; s/iterations: 90/iterations: 3/
    s/every: 20/every: 3, t_pre: 60/; s/record_every: 10/record_every: 1/" "$data/tiny.yaml" >"$work/spec.yaml"
check "$OMMATID" run "$work/spec.yaml" -o "$work/whole.h5" -n 1 --threads 1 --quiet

# a rank commits before the last iteration, and then there is the check; a machine may be faster than this
# script a few times, not always
store=$work/stopped.h5
for ((try = 1; try <= 10; try++)); do
    rm -f "$store"
    "$OMMATID" run "$work/spec.yaml" -o "$store" -n 1 --threads 1 --quiet 2>/dev/null &
    run=$!
    until "$OMMATID" export "$store" -t history -m 0 2>/dev/null | grep -q "^0,2,[0-9]"; do
        kill -0 $run 2>/dev/null || break
    done
    kill -INT $run 2>/dev/null
    wait $run
    code=$?
    [ $code = 0 ] || break
done
check test "$code" = 75
expect 0 "stopped" "$OMMATID" status "$store" --all
# 2: the last iteration is not counted without its check; 3 where the machine was faster than this script
grep "^ *0 " "$work/out"
check grep -qE "^ *0 +(waiting +2|done +3) " "$work/out"
check "$OMMATID" run "$work/spec.yaml" -o "$store" -n 1 --threads 1 --quiet
same "$work/whole.h5" "$store"
finish
