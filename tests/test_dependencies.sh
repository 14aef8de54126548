#!/usr/bin/env bash
# A package that is missing when the build is configured is named in one line with its Debian name,
# with the command that installs it; nothing that is there is named.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Every pkg-config file of the machine but GSL's.
mkdir "$work/pkgconfig"
IFS=: read -ra folders <<<"${PKG_CONFIG_PATH:-}:$(pkg-config --variable pc_path pkg-config)"
for folder in "${folders[@]}"; do
    [ -d "$folder" ] || continue
    find "$folder" -maxdepth 1 -name '*.pc' ! -name gsl.pc -exec ln -sf -t "$work/pkgconfig" {} +
done

if PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR="$work/pkgconfig" \
    cmake -S "$OM_SOURCE_DIR" -B "$work/build" >"$work/log" 2>&1; then
    echo "configured although GSL is hidden"
    exit 1
fi
cat "$work/log"
grep -qxE ' *missing: gsl \(Debian package libgsl-dev\)' "$work/log"
grep -qxE ' *install: apt-get install libgsl-dev' "$work/log"
[ "$(grep -c '^ *missing:' "$work/log")" = 1 ]
