#!/bin/bash
# A disk that is full, or that cannot be written to: what cannot be done is said, nothing is left behind, and what
# was trained goes on to the same bits. On small disks in memory, which only root may mount.
# shellcheck source=tests/ensemble.bash disable=SC1091,SC2154
if [[ ${OM_PRIVATE_MOUNTS:-} != 1 ]]; then
    unshare -m true 2>/dev/null || { echo "skipped: mounting needs root" && exit 77; }
    OM_PRIVATE_MOUNTS=1 exec unshare -m "$BASH" "$0" # they end with this process
fi
source "$(dirname "$0")/ensemble.bash"
not_sanitized
export OMP_WAIT_POLICY=passive
spec=$data/longer.yaml disk=$work/disk
mkdir "$disk"
mount_disk() {
    mount -t tmpfs -o "size=$1" small "$disk" || { echo "skipped: a disk cannot be mounted" && exit 77; }
}
trap 'umount -l "$disk" 2>/dev/null; rm -rf "$work"' EXIT
fill() { cat /dev/zero >>"$disk/rest" 2>/dev/null; }

check "$OMMATID" run "$spec" -o "$work/whole.h5" -n 2 --quiet
bytes=$(stat -c %s "$work/whole.h5")

# too small for the store: refused, and nothing is left
mount_disk $((bytes / 2))
for ranks in 1 2; do
    expect 1 "No space left" "$OMMATID" run "$spec" -o "$disk/a.h5" -n $ranks
    check test -z "$(ls -A "$disk")"
done
umount "$disk"

# full while models are trained: the store has its space already
mount_disk $((bytes + 1000000))
store=$disk/full.h5
"$OMMATID" run "$spec" -o "$store" -n 2 --unit 0.1 --quiet 2>"$work/err" &
pid=$!
wait_for_training "$store"
fill
check test "$(df --output=avail "$disk" | tail -n 1)" -eq 0
for command in status rank check; do expect 0 "" "$OMMATID" $command "$store"; done
kill -TERM $pid
wait $pid
check test $? = 75
grep -q "nothing is lost" "$work/err" || { fail "no word of resuming"; cat "$work/err"; }
fill
# a run that has no room for its lock says so, and goes on when it has
expect 1 "No space left" "$OMMATID" run "$spec" -o "$store" -n 2
check test "$(ls -A "$disk")" = "full.h5
rest"
rm "$disk/rest"
check "$OMMATID" run "$spec" -o "$store" -n 2 --quiet
same "$work/whole.h5" "$store"

# not to be written to: whatever only reads works, and the rest says why it does not
sum=$(md5sum <"$store")
check mount -o remount,ro "$disk"
for command in status rank check export; do expect 0 "" "$OMMATID" $command "$store"; done
for ranks in 1 2; do
    expect 1 "Read-only file system" "$OMMATID" run "$spec" -o "$store" -n $ranks
    expect 1 "Read-only file system" "$OMMATID" run "$spec" -o "$disk/new.h5" -n $ranks
done
expect 0 "equal at iteration 800" "$OMMATID" run "$spec" -o "$store" --replicate 1
check test "$sum" = "$(md5sum <"$store")"
finish
