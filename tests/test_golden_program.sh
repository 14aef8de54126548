#!/usr/bin/env bash
# The program `golden` itself: it agrees with reference files that the naive twin wrote, at extents,
# batches and time steps that nobody else uses, and it names what was altered, taken away or cannot be
# checked.
# shellcheck source=tests/expect.bash disable=SC1091,SC2034,SC2154
source "$(dirname "$0")/expect.bash"
golden=$OM_BUILD_DIR/tests/golden
write=$OM_BUILD_DIR/tests/golden_write
kinds=(dynamics gradient decoder train)

# write_folder NAME OPTION...: reference files of a circuit, in $work/NAME
write_folder() {
    local folder=$work/$1
    shift
    mkdir -p "$folder"
    check "$write" "$@" "$folder"
}

# spoil HOW DATASET FILE: golden must name that dataset of a copy of the folder, and only that.
spoil() {
    local how=$1 dataset=$2 file=$3
    rm -rf "$work/spoilt"
    cp -r "$work/random" "$work/spoilt"
    check "$write" "--$how" "$dataset" "$work/spoilt/$file"
    expect 1 "$dataset" "$work/spoilt" "${file%%_*}"
    if [[ $(grep 'WRONG$' "$work/out") != "  $dataset"*WRONG || $(grep -c 'WRONG$' "$work/out") != 1 ]]; then
        fail "$how $dataset: expected that this alone is wrong"
        cat "$work/out"
    fi
}

program=("$golden")
write_folder random --extent 2 --seed 1 --batch 3 --frames 7 --dt 0.01
write_folder other --extent 3 --seed 12 --batch 5 --frames 5 --dt 0.0125
for kind in "${kinds[@]}"; do
    expect 0 ' 0 wrong, 0 skipped' "$work/random" "$kind"
    expect 0 'precision, ' "$work/other" "$kind"
done

spoil change sigmoid/activity dynamics_e2.h5
spoil change node_v dynamics_e2.h5
spoil remove relu/fade_in_state dynamics_e2.h5
spoil change elu/grad_initial_state gradient_e2.h5
spoil remove tanh/loss gradient_e2.h5
spoil change iter0/prediction train_e2.h5
spoil change after_5/decoder.0.bias train_e2.h5
spoil change mean_activity train_e2.h5
spoil remove iter0/central_mean train_e2.h5
spoil remove penalties train_e2.h5

# the circuit is FOLDER's; without it that of --shared; without that nothing can be said
mkdir "$work/bare"
cp "$work/random/train_e2.h5" "$work/bare"
expect 0 'there is no circuit' "$work/bare"
if [[ -d $OM_SHARED/connectome ]]; then
    expect 1 'not the 65 types' --shared "$OM_SHARED" "$work/bare"
    write_folder published --circuit "$OM_SHARED/connectome/fib25-fib19_v2.2.json" \
        --extent 2 --seed 7 --batch 2 --frames 6 --dt 0.0125
    rm "$work/published/circuit.circuit"
    for kind in "${kinds[@]}"; do
        expect 0 ' 0 wrong, 0 skipped' --shared "$OM_SHARED" "$work/published" "$kind"
    done
fi

# files that cannot be checked are named, notes and circuits are none
mkdir "$work/odd"
touch "$work/odd/NOTES.md" "$work/odd/x.circuit"
expect 2 'no reference file' "$work/odd"
touch "$work/odd/unknown_e2.h5" "$work/odd/train_e2.h5" "$work/odd/taps.csv"
expect 1 'unknown_e2.h5' "$work/odd"
expect 1 'there is no check for a file of this name  WRONG' "$work/odd" unknown
expect 1 'not an HDF5 file that can be read  WRONG' "$work/odd" train
expect 1 'not a table  WRONG' "$work/odd" taps

expect 2 'usage: golden'
expect 2 'usage: golden' "$work/random" train more
expect 2 'usage: golden' --unknown "$work/random"
expect 2 'no folder' "$work/absent"
expect 77 'skipped' --skip-if-absent "$work/absent"
expect 2 'begins with zebra' "$work/random" zebra
expect 0 'usage: golden' --help
finish
