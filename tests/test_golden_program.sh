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
spoil change eval/output decoder_e2.h5
spoil change train/grad/decoder.0.bias decoder_e2.h5
spoil remove after/base.1.running_var decoder_e2.h5
for file in dynamics_e2.h5:relu/steady_state train_e2.h5:after_1/alpha train_e2.h5:init/decoder.0.weight; do
    rm -rf "$work/spoilt"
    cp -r "$work/random" "$work/spoilt"
    check "$write" --nan "${file#*:}" "$work/spoilt/${file%:*}"
    expect 1 "${file#*:}: number " "$work/spoilt" "${file%%_*}"
done

# forget ATTRIBUTE FILE: golden must say that a copy of the folder lacks the option
forget() {
    local attribute=$1 file=$2
    rm -rf "$work/spoilt"
    cp -r "$work/random" "$work/spoilt"
    check "$write" --forget "$attribute" "$work/spoilt/$file"
    expect 1 "attribute $attribute" "$work/spoilt" "${file%%_*}"
}
forget extent dynamics_e2.h5
forget frames gradient_e2.h5
forget channels_per_layer decoder_e2.h5
forget penalty_stop_iteration train_e2.h5
forget loss train_e2.h5

# the circuit is FOLDER's; without it that of --shared; without that nothing can be said
mkdir "$work/bare"
cp "$work/random/train_e2.h5" "$work/bare"
expect 77 'there is no circuit' "$work/bare"
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
expect 1 'there is no check for a file of this name' "$work/odd" unknown
expect 1 'not an HDF5 file that can be read' "$work/odd" train
expect 1 'not a table  WRONG' "$work/odd" taps

# the published files: what is missing or cut short is named
published=$OM_SHARED/golden
lacks() { # FILE MESSAGE COMMAND...: of a copy that the command damages
    rm -rf "$work/spoilt"
    mkdir "$work/spoilt"
    cp "$published/$1" "$work/spoilt/$1"
    chmod u+w "$work/spoilt/$1"
    check "${@:3}" "$work/spoilt/$1"
    expect 1 "$2" --shared "$OM_SHARED" "$work/spoilt"
}
if [[ -d $published ]]; then
    lacks taps.csv 'the file is cut short' truncate -s -3
    lacks taps.csv '2378 taps, expected 2377' sed -i 2379d
    lacks taps.csv 'no column sign' sed -i '1s/sign/sing/'
    lacks counts.csv 'extent 3: 68 rows, expected 69' sed -i '/^3,total,edges/d'
    lacks init_strength.csv 'x: no check reads this column' sed -i '1s/n_edges_e15/x/'
    lacks init_bias_float32.csv '64 rows for 65 types' sed -i 66d
    lacks known_tuning.json 'line ' truncate -s -10
    lacks film_alley_1.h5 'decoded/paper: no such group' "$write" --remove decoded/paper
    lacks trained_e15.h5 'model_007: the file names this model' "$write" --remove model_007
    lacks analysis.h5 'edge/pd  ' "$write" --nan edge/pd
    lacks analysis.h5 'flash/fri_radius_6: no check reads this' "$write" --nan flash/radius
    lacks augment.h5 'luminance' "$write" --remove flip1/luminance0
    lacks resample_paper.h5 'attribute iterations_per_pass' "$write" --forget iterations_per_pass
fi

expect 2 'usage: golden'
expect 2 'usage: golden' "$work/random" train more
expect 2 'usage: golden' --unknown "$work/random"
expect 2 'no folder' "$work/absent"
expect 77 'skipped' --skip-if-absent "$work/absent"
expect 2 'begins with zebra' "$work/random" zebra
expect 0 'usage: golden' --help
finish
