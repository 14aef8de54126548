#!/usr/bin/env bash
# The layers of the house hold: who includes whom, and where MPI, HDF5, OpenMP and vector code live
# (tests/layers.txt; docs/developers.md). First planted violations must be found, one by one.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tests=$OM_SOURCE_DIR/tests
failed=0

check() { # runs over the tree in the current directory
    find src include -name '*.[ch]' -print0 | sort -z |
        xargs -0 awk -f "$tests/layers.awk" "$tests/layers.txt"
}

# plant FILE LINE RULE: a tree with that one line must fail at FILE:1 with RULE; no RULE: must pass.
plant() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/src" "$work/tree/include" "$work/tree/${1%/*}"
    printf '%s\n' "$2" >"$work/tree/$1"
    local status=0 found
    found=$(cd "$work/tree" && check) || status=$?
    if [ -n "${3:-}" ]; then
        [[ $status != 0 && $found == "$1:1: "*"$3"* ]] && return
    else
        [[ $status = 0 && -z $found ]] && return
    fi
    printf 'planted in %s: %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "${3:-nothing}" "$found"
    failed=1
}

plant src/circuit/a.c '#include "model/forward.h"' 'circuit may not include model'
plant src/model/a.c '#include "scenes/eye.h"' 'model may not include scenes'
plant src/scenes/a.c '#include "ommatid/om_train.h"' 'scenes may not include train'
plant src/ensemble/a.c '  #  include "lab/tuning.h"' 'ensemble may not include lab'
plant src/base/a.h '#include "ommatid/om_circuit.h"' 'base may not include circuit'
plant src/base/a.h '#include "ommatid/ommatid.h"' 'base may not include cli'
plant src/cli/a.c '#include "model/kernels/table.h"' 'kernels are called by src/model, src/train and src/bench only'
plant src/cli/a.c '#include "a.h"' 'write the folder too'
plant src/cli/a.c '#include "ommatid/om_unheard.h"' 'in no folder'
plant src/unheard/a.c 'int x;' 'in no row'
plant include/ommatid/om_eye.h '#include "base/text.h"' 'public headers only'
plant include/ommatid/om_eye.h '#include "ommatid/om_store.h"' 'scenes may not include store'
plant include/ommatid/om_unheard.h 'int x;' 'in no row'
plant src/ensemble/a.c '#include <mpi.h>' 'belongs to src/parallel and src/store'
plant src/lab/a.c '#include <hdf5.h>' 'belongs to src/store'
plant src/model/a.c '#include <immintrin.h>' 'belongs to src/model/kernels'
plant src/model/a.c 'typedef float v __attribute__((vector_size(32)));' 'belongs to src/model/kernels'
plant src/ensemble/a.c '    #pragma omp parallel for' 'OpenMP belongs'

plant src/cli/a.c '#include "store/h5.h"'
plant src/store/a.c '#include "base/text.h"'
plant src/store/a.c '#include "parallel/node.h"'
plant src/lab/a.c '#include "ommatid/om_lattice.h"'
plant src/scenes/a.c '#include "parallel/node.h"'
plant src/parallel/a.c '#include <mpi.h>'
plant src/store/a.c '#include <hdf5.h>'
plant src/model/kernels/a.c '#include <immintrin.h>'
plant src/train/a.c '#include "model/kernels/kernels.h"'
plant src/train/a.c '#pragma omp parallel'
plant include/ommatid/ommatid.h '#include "ommatid/om_store.h"'

cd "$OM_SOURCE_DIR"
check || failed=1
exit $failed
