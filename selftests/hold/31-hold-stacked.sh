#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a disk is held with a filesystem and a raw volume on it, and a thin volume while it is snapshotted
# DISKS: a=64M copy=64M pool=64M meta=8M

. "$(dirname "$0")/hold.sh"

half=$((32 << 11))
dm_linear fs "$DISK_a" 0 $half
dm_linear raw "$DISK_a" $half
mkfs_on ext4 /dev/mapper/fs
mount_at /dev/mapper/fs "$SCRATCH/mnt"
need_module

# held_copy VOLUME...: hold them, copy the disk, and look whether it is the copy still
held_copy() {
	# shellcheck disable=SC2016 # in the command
	timeout 60 shadowadm hold "$@" --timeout 40 -- sh -c '
		dd if="$1" of="$2" bs=1M iflag=direct oflag=direct status=none && sleep 1 &&
		dd if="$1" bs=1M iflag=direct status=none | cmp - "$2"' sh "$DISK_a" "$DISK_copy"
}

clean() {
	check "the filesystem in the copy is clean" quietly e2fsck -fn "$1"
	mkdir -p "$SCRATCH/copy"
	mount_at "$1" "$SCRATCH/copy" -o ro
	is "$(cat "$SCRATCH/copy/file")" "$2" "it has what was written before"
	umount_at "$SCRATCH/copy"
}

# The disk alone is named: what is on it is found.
write_under /dev/mapper/raw
echo dirty >"$SCRATCH/mnt/file"
check "the disk is copied" held_copy "$DISK_a"
goes_on
nothing_left
dm_linear fs-copy "$DISK_copy" 0 $half
dm_linear raw-copy "$DISK_copy" $half
check "the raw volume in it is of one instant" ledger check /dev/mapper/raw-copy
clean /dev/mapper/fs-copy dirty

# Two levels of one stack, in the order that cannot work as it stands.
check "disk and volumes are held together" held_copy "$DISK_a" /dev/mapper/raw "$SCRATCH/mnt"
goes_on
nothing_left
check "the raw volume is of one instant again" ledger check /dev/mapper/raw-copy
none_lost /dev/mapper/raw
umount_at "$SCRATCH/mnt"

# A snapshot of another kind: its volume manager freezes it once more.
dd if=/dev/zero of="$DISK_meta" bs=4k count=1 conv=fsync status=none
dm_create pool "0 $(sectors "$DISK_pool") thin-pool $DISK_meta $DISK_pool 128 0"
dmsetup message pool 0 "create_thin 0"
dm_create thin "0 $half thin /dev/mapper/pool 0"
mkfs_on ext4 /dev/mapper/thin
mount_at /dev/mapper/thin "$SCRATCH/mnt"
bg 60 sh -c "while :; do date >'$SCRATCH/mnt/busy'; sync '$SCRATCH/mnt/busy'; done"
busy=$BG
echo thin >"$SCRATCH/mnt/file"
check "it is snapshotted by its volume manager" timeout 60 shadowadm hold "$SCRATCH/mnt" \
	--timeout 40 -- sh -c 'dmsetup suspend thin &&
	dmsetup message pool 0 "create_snap 1 0" && dmsetup resume --noudevsync thin'
check "the filesystem is in use again" timeout 20 touch "$SCRATCH/mnt/after"
bg_stop "$busy"
nothing_left
dm_create snap "0 $half thin /dev/mapper/pool 1"
clean /dev/mapper/snap thin
