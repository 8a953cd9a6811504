#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is written where it was free has changed, though nothing is recorded; by the log below it is that, and no more
# DISKS: origin=128M log=700M store=256M
# TIMEOUT: 400

. "$(dirname "$0")/changes.sh"

mnt=$SCRATCH/mnt

# lives TYPE: the life of a filesystem of that type, in the numbers of instants from $1 on
lives() {
	local type=$1 first=${#UUID_OF[@]} n

	mkfs_on "$type" "$ORIGIN"
	mount_at "$ORIGIN" "$mnt" -o discard
	fill "$mnt/old" 1 8
	fill "$mnt/going" 2 6
	fill "$mnt/gone" 3 12
	sync -f "$mnt"
	rm "$mnt/gone"
	sync -f "$mnt"
	logged_instant "$first" --store "$DISK_store"
	fill "$mnt/new" 4 8
	sync -f "$mnt"
	logged_instant $((first + 1))
	rm "$mnt/going"
	sync -f "$mnt"
	fstrim "$mnt"
	logged_instant $((first + 2))
	fallocate -l 4M "$mnt/allocated"
	dd if=/dev/urandom of="$mnt/allocated" bs=64k count=8 seek=4 conv=notrunc,fsync status=none
	dd if=/dev/urandom of="$mnt/old" bs=4k count=40 seek=30 conv=notrunc,fsync status=none
	fallocate -p -o 1M -l 2M "$mnt/old"
	sync -f "$mnt"
	logged_instant $((first + 3))
	read_log
	check "$type: new files are where it was free" \
		grep -q ' CW$' <(delta runs CFW "${UUID_OF[first + 1]}" "${UUID_OF[first]}")
	for ((n = first; n < first + 3; n++)); do
		by_log $n $((n + 1))
		differing $n $((n + 1))
	done
	by_log "$first" $((first + 3))
	differing "$first" $((first + 3))
	check "$type: the log has discards" grep -q discard "$SCRATCH/log"
	umount_at "$mnt"
	drop_all
}

log_below "$DISK_origin" "$DISK_log"
need_module
for type in ext4 xfs btrfs; do
	! type -P "mkfs.$type" >/dev/null || lives $type
done
