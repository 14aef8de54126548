#!/bin/bash
# The first cases of tools/test-slurm, on a SLURM of the test's own, where its programs are installed.
PATH=$PATH:/usr/sbin:/sbin
for program in munged slurmctld slurmd sbatch; do
    if ! command -v $program >/dev/null; then
        echo "skipped: there is no $program (apt-get install slurmctld slurmd slurm-client munge)"
        exit 77
    fi
done
if [ "$(id -u)" != 0 ]; then
    echo "skipped: a SLURM of its own needs root"
    exit 77
fi
if [ "$OM_SANITIZED" = 1 ]; then
    echo "skipped: with sanitizers it takes too long; the same scripts run without"
    exit 77
fi
exec "$OM_SOURCE_DIR/tools/test-slurm" --short
