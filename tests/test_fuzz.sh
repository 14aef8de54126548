#!/usr/bin/env bash
# Every fuzzer (tests/fuzz_NAME.c) still builds with the sources that cmake/fuzz.cmake names, and finds
# nothing within a second.
# shellcheck source=tests/expect.bash disable=SC1091,SC2154
source "$(dirname "$0")/expect.bash"
if ! command -v clang >/dev/null; then
    echo "skipped: clang is not here"
    exit 77
fi

expect 0 "" cmake -S "$OM_SOURCE_DIR" -B "$work/fuzz" -G Ninja -DOMMATID_FUZZ=ON -DOMMATID_TESTS=OFF
for source in "$OM_SOURCE_DIR"/tests/fuzz_*.c; do
    name=$(basename "$source" .c)
    expect 0 "" cmake --build "$work/fuzz" -t "${name/_/-}"
    mkdir "$work/$name"
    expect 0 "DONE" "$work/fuzz/$name" -max_total_time=1 -max_len=8192 "$work/$name"
done
finish
