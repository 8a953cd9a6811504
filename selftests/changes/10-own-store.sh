#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store in a file on the volume: what it writes is no change that is seen, and none is missed when it is gone
# DISKS: origin=160M copy=160M copy2=160M
# TIMEOUT: 400

. "$(dirname "$0")/changes.sh"

mnt=$SCRATCH/mnt
store=$mnt/store

copied() {
	dd if="${IMAGE_OF[$1]}" of="$2" bs=1M iflag=direct oflag=direct status=none
}

overwritten() {
	dd if=/dev/urandom of="$mnt/data" bs=1M count="$1" conv=notrunc,fsync status=none
}

# slowly MIB: the same, not faster than a file can grow
slowly() {
	local at

	for ((at = 0; at < $1; at += 2)); do
		dd if=/dev/urandom of="$mnt/data" bs=1M count=2 seek=$at conv=notrunc,fsync \
			status=none
		sleep 0.3
	done
}

mkfs_on ext4 "$ORIGIN"
mount_at "$ORIGIN" "$mnt"
fill "$mnt/data" 1 32
# What is in its blocks is data at the first instant, and the filesystem never writes them again.
fill "$store" 2 40
fill "$mnt/gone" 3 48
chmod 600 "$store"
sync -f "$mnt"
rm "$mnt/gone"
sync -f "$mnt"
need_module
instant --store memory:32M
copied 0 "$DISK_copy"
keep 0
gone 0

instant --store "$store" --force
overwritten 24
instant
differing 1 2
differing 0 1 "$DISK_copy"
differing 0 2 "$DISK_copy"
keep 1 2
gone 1 2
instant --store memory:32M
check "its blocks are not what they were" eval '! same seed:2 "$store" $((40 << 20))'
differing 0 3 "$DISK_copy"
copied 3 "$DISK_copy2"
keep 3
gone 3

# One that grows, into what was free and into what was not.
chmod 600 "$store"
instant_told --store "$store" --max 80M --force
for n in 5 6; do
	slowly 24
	instant_told
	differing 0 $n "$DISK_copy"
	differing 3 $n "$DISK_copy2"
	differing $((n - 1)) $n
done
diag "$(parts list)"
wait_for 20 eval '[ "$(stat -c %s "$store")" -gt $((41 << 20)) ]'
slowly 20
instant_told
for n in 4 5 6; do
	differing $n 7
done
drop_all
instant --store memory:32M
differing 0 8 "$DISK_copy"
differing 3 8 "$DISK_copy2"
drop_all
forgo 0 1 2 3
shadowadm volume untrack "$ORIGIN"
umount_at "$mnt"
