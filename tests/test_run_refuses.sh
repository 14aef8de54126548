#!/bin/bash
# What run cannot do it says, with the right exit code, leaving everything as it was and no rank
# behind; alone and under mpirun.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
spec=$data/tiny.yaml

expect 2 "STORE" "$OMMATID" run "$spec"
expect 3 "no-such.yaml" "$OMMATID" run "$work/no-such.yaml" -o "$work/a.h5" -n 2
echo "modles: 3" >"$work/bad.yaml"
expect 3 "models" "$OMMATID" run "$work/bad.yaml" -o "$work/a.h5" -n 2
expect 3 "bad.yaml:1" mpirun -n 3 "$OMMATID" run "$work/bad.yaml" -o "$work/a.h5"
check test "$(grep -c "bad.yaml:1" "$work/err")" = 1 # told once, not by every rank
sed 's/motion-pathway/no-such-circuit/' "$spec" >"$work/circuit.yaml"
expect 3 "no-such-circuit" "$OMMATID" run "$work/circuit.yaml" -o "$work/a.h5" -n 2
sed 's/procedural, training: 8, validation: 3/no-such-films.h5/' "$spec" >"$work/films.yaml"
expect 3 "no-such-films.h5" "$OMMATID" run "$work/films.yaml" -o "$work/a.h5" -n 2
{ cat "$spec" && echo "model: { symmetric: { time_constant: [[T4a, T4e]] } }"; } >"$work/type.yaml"
expect 3 "type.yaml:$(($(wc -l <"$spec") + 1)): model.symmetric.time_constant: circuit motion-pathway has no type 'T4e'; the nearest is T4a" \
    "$OMMATID" run "$work/type.yaml" -o "$work/a.h5" -n 2
sed 's/extent: 3/extent: 3, stride: [[T4e, 3, 2]]/' "$spec" >"$work/stride.yaml"
expect 3 "stride.yaml:5: circuit.stride: circuit motion-pathway has no type 'T4e'; the nearest is T4a" \
    "$OMMATID" run "$work/stride.yaml" -o "$work/a.h5" -n 1
{ cat "$spec" && echo "model: { symmetric: { strength: [[Mi9 -> T4a, Mi9 -> T4x]] } }"; } >"$work/pair.yaml"
expect 3 "has no pair 'Mi9 -> T4x'; the nearest is Mi9 -> T4a" \
    mpirun -n 3 "$OMMATID" run "$work/pair.yaml" -o "$work/a.h5"
check test "$(grep -c "T4x" "$work/err")" = 1
sed 's/extent: 3/extent: 16/; s/^train: *{/train: { convolution: fft,/' "$spec" >"$work/wide.yaml"
expect 3 "wide.yaml:$(grep -n "convolution" "$work/wide.yaml" | cut -d: -f1): train.convolution: fft: expected auto or direct at extent 16" \
    "$OMMATID" run "$work/wide.yaml" -o "$work/a.h5" -n 1
sed 's/^train: *{/train: { dt: 0.06,/' "$spec" >"$work/step.yaml"
expect 3 "step.yaml:$(grep -n "dt:" "$work/step.yaml" | cut -d: -f1): train.dt, init.time_constant: the time step of 0.06 s is larger than the time constant of R1, 0.05 s" \
    "$OMMATID" run "$work/step.yaml" -o "$work/a.h5" -n 1
{ cat "$spec" && echo "init: { time_constant: 0.01 }"; } >"$work/tau.yaml"
expect 3 "tau.yaml:$(($(wc -l <"$spec") + 1)): train.dt, init.time_constant: the time step of 0.02 s" \
    "$OMMATID" run "$work/tau.yaml" -o "$work/a.h5" -n 1
expect 1 "no-such-directory" "$OMMATID" run "$spec" -o "$work/no-such-directory/a.h5" -n 2
check test -z "$(find "$work" -name '*a.h5*')"

# a name of one letter, which MPI-IO takes for something else, is as good as any
(cd "$work" && "$OMMATID" run "$spec" -o z -n 1 --quiet) || fail "a store called z"

# a store of another ensemble, or a file that is none, is left as it is
check "$OMMATID" run "$spec" -o "$work/store.h5" -n 1 --quiet
sum=$(md5sum <"$work/store.h5")
sed 's/seed: 5/seed: 6/' "$spec" >"$work/other.yaml"
expect 3 "seed" "$OMMATID" run "$work/other.yaml" -o "$work/store.h5" -n 2
sed 's/noise: 0.08//; s/batch: 3/batch: 2/' "$spec" >"$work/other.yaml"
expect 3 "batch" "$OMMATID" run "$work/other.yaml" -o "$work/store.h5" -n 1
{ cat "$spec" && echo "model: { fixed: [strength], symmetric: { time_constant: [[T4a, T4b]] } }"; } >"$work/other.yaml"
expect 3 "model.fixed.strength is false in the store" "$OMMATID" run "$work/other.yaml" -o "$work/store.h5" -n 2
check test "$sum" = "$(md5sum <"$work/store.h5")"
echo "not a store" >"$work/text.h5"
expect 3 "text.h5" "$OMMATID" run "$spec" -o "$work/text.h5" -n 2
check test "$(cat "$work/text.h5")" = "not a store"
expect 3 "text.h5" "$OMMATID" rank "$work/text.h5"
expect 3 "missing.h5" "$OMMATID" status "$work/missing.h5"
check test -z "$(find "$work" -name '*.lock')"
pgrep -f "ommatid run .*$work" >/dev/null && fail "ranks are left"
finish
