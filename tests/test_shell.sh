#!/usr/bin/env bash
# Shell scripts (tools, batch jobs, tests, continuous integration) pass shellcheck, and those that
# are called by name are executable.
set -euo pipefail
cd "$OM_SOURCE_DIR"

if ! command -v shellcheck >/dev/null; then
    echo "skipped: shellcheck is not here (apt-get install shellcheck)"
    exit 77
fi

scripts=()
failed=0
for file in tools/* jobs/* tests/*.sh .ci/run; do
    [ -f "$file" ] || continue
    read -r first <"$file" || true
    [[ $first == '#!'*sh ]] || continue
    scripts+=("$file")
    if [[ $file == tools/* && ! -x $file ]]; then
        echo "$file is not executable"
        failed=1
    fi
done
shellcheck "${scripts[@]}" || failed=1
exit $failed
