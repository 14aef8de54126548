#!/bin/bash
# Several ranks train each model: the same bits as one rank's, straight through, stopped and resumed, or set back; who
# becomes a team, and what is said of it.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
source "$(dirname "$0")/ensemble.bash"
not_sanitized
export OMP_WAIT_POLICY=passive # there may be more threads than cores
cd "$work" || exit 1

# spec NAME MODELS BATCH WORDS...: a spec with more words for its section train.
spec() {
    local words=$4
    sed "s/models: 3/models: $2/; s/batch: 3/batch: $3$words/; s/training: 8/training: 12/; s/iterations: 90/iterations: 40/" "$data/tiny.yaml" >"$1.yaml"
}
# equal A B SPEC N: the same models; the states of B's, N of them, are what one rank makes of them, every byte.
equal() {
    same "$1" "$2"
    "$OMMATID" run "$3" -o "$2" --replicate 9 --layout 1x1 >replicas 2>err || fail "$2: $(cat replicas err)"
    check test "$(grep -c ': equal at iteration' replicas)" = "$4"
}

# Batches of two quads by teams of two, of three quads by a team of three; each method and each loss.
spec two 2 8 ', convolution: direct'
spec three 1 12 ', convolution: fft, loss: epe'
expect 0 "2 of 2 models trained" "$OMMATID" run two.yaml -o two-1.h5 --layout 1x1
expect 0 "2 of 2 models trained" "$OMMATID" run two.yaml -o two-2.h5 --layout 4x1
check grep -q '^layout: 4 ranks x 1 thread in teams of 2 (as asked for)$' err
equal two-1.h5 two-2.h5 two.yaml 2
expect 0 "1 of 1 models trained" "$OMMATID" run three.yaml -o three-1.h5 --layout 1x1
expect 0 "1 of 1 models trained" "$OMMATID" run three.yaml -o three-3.h5 -n 3 --threads 2
check grep -q '^layout: 3 ranks x 2 threads in teams of 3 (as asked for)$' err
equal three-1.h5 three-3.h5 three.yaml 1
check grep -q 'in teams of 3' <("$OMMATID" status three-3.h5 --json; h5dump -d /run/job three-3.h5)

# More models than teams, in units so short that models change teams; ranks that are left over wait.
spec many 3 8 ''
expect 0 "3 of 3 models trained" "$OMMATID" run many.yaml -o many-1.h5 --layout 1x1
expect 0 "3 of 3 models trained" mpirun -n 6 --oversubscribe \
    "$OMMATID" run many.yaml -o many-2.h5 --team 2 --threads 1 --unit 0.02
check grep -q '^layout: 4 ranks x 1 thread in teams of 2 (ranks by the launcher; 1 idle)$' err
equal many-1.h5 many-2.h5 many.yaml 3
# The launcher's ranks become teams where there are more of them than models.
expect 0 "2 of 2 models trained" mpirun -n 5 --oversubscribe \
    "$OMMATID" run two.yaml -o two-3.h5 --threads 1
check grep -q '^layout: 4 ranks x 1 thread in teams of 2 (ranks by the launcher)$' err
same two-1.h5 two-3.h5

# Stopped while it trains, and gone on with by a team and alone in turns.
sed 's/iterations: 40/iterations: 400/; s/every: 20/every: 200/' two.yaml >long.yaml
expect 0 "2 of 2 models trained" "$OMMATID" run long.yaml -o long-1.h5 --layout 2x1
for layout in 4x1 2x1; do
    "$OMMATID" run long.yaml -o long-2.h5 --layout $layout --unit 0.2 2>>long.err &
    run=$!
    if [[ $layout = 4x1 ]]; then wait_for_training long-2.h5; else sleep 1; fi
    kill -TERM $run
    wait $run
    code=$?
    [[ $code = 75 || $code = 0 ]] || fail "stopped with $code: $(cat long.err)"
done
check grep -q 'nothing is lost' long.err
expect 0 "" "$OMMATID" run long.yaml -o long-2.h5 --layout 4x1
same long-1.h5 long-2.h5

# Models that diverge are set back, replaced, and given up by teams as by one.
spec back 2 8 ', explode: 1.02, retries: 2, replace: 1'
sed -i 's/learning_rate: \[1.0e-3, 1.0e-4\]/learning_rate: [1.0e-3, 1.0]/' back.yaml
"$OMMATID" run back.yaml -o back-1.h5 --layout 1x1 >/dev/null 2>back.err
code=$?
check grep -q ': back to ' back.err
expect $code "" "$OMMATID" run back.yaml -o back-2.h5 --layout 4x1
check grep -q ': back to ' err
same back-1.h5 back-2.h5
for store in back-1.h5 back-2.h5; do
    "$OMMATID" status "$store" --json | grep -E '"(status|iteration|stream|retries|replaced_at)"' >"$store.models"
done
check cmp back-1.h5.models back-2.h5.models

# A quad of samples is not divided.
expect 2 "expected at most 1: members share out whole quads of samples, of which a batch of 3 has 1" \
    "$OMMATID" run "$data/tiny.yaml" -o no.h5 --team 2
{ cat two.yaml && echo "sweep: { train.batch: [8, 4, 12] }"; } >swept.yaml
expect 2 "swept.yaml:1: a team of 2: expected at most 1" "$OMMATID" run swept.yaml -o no.h5 --team 2 -n 2
expect 2 "expected a multiple of 2" "$OMMATID" run two.yaml -o no.h5 --team 2 -n 3
expect 2 "a team of 2, but 1 rank trains" mpirun -n 2 --oversubscribe "$OMMATID" run two.yaml -o no.h5 --team 2
expect 2 "not for --replicate" "$OMMATID" run two.yaml -o two-1.h5 --team 2 --replicate 1
check test ! -e no.h5
finish
