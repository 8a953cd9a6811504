#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: each filesystem of a disk is looked at for itself; what is left over on it is not believed
# DISKS: origin=256M
# TIMEOUT: 300

. "$(dirname "$0")/free.sh"

has mkfs.xfs xfs_io xfs_repair mkswap

# told DEVICE: take a shadow of it; $KNOWN bytes of it are known to be free
told() {
	take_used "$@" 2>"$SCRATCH/said"
	diag "$(cat "$SCRATCH/said")"
	KNOWN=$(known "$IMAGE")
}

# replayed DEVICE: the digests of the files of an XFS whose log is to be replayed, from a copy
replayed() {
	[ -d /sys/module/loop ] || modprobe loop
	mkdir -p "$SCRATCH/replay"
	dd if="$1" of="$SCRATCH/copy" bs=1M iflag=direct conv=sparse status=none
	mount -o loop,nouuid "$SCRATCH/copy" "$SCRATCH/replay" || return
	digests "$SCRATCH/replay"
	umount "$SCRATCH/replay"
}

need_module

# An XFS that has had no clean end, beside an ext4 that is mounted.  What its log says is in
# use is free as far as the rest of it goes.
partition "$ORIGIN" 2048:122880 126976:393216
mkfs_on ext4 "${ORIGIN}1"
mkfs_on xfs "${ORIGIN}2" -l size=8m
settle
mount_at "${ORIGIN}1" "$MNT"
mount_at "${ORIGIN}2" "$SCRATCH/xfs"
populate "$SCRATCH/xfs"
before=$(digests "$SCRATCH/xfs")
xfs_io -x -c "shutdown -f" "$SCRATCH/xfs"
umount "$SCRATCH/xfs"
told "$ORIGIN"
check "$((KNOWN >> 20)) MiB are known to be free: of the ext4" [ "$KNOWN" -ge $((40 << 20)) ]
check "and of nothing else" [ "$KNOWN" -lt $((60 << 20)) ]
is "$(replayed "${IMAGE}p2")" "$before" "all files of the XFS are there"
drop_all

# The same, mounted, but not for writing: to freeze it changes nothing.
mount_at "${ORIGIN}2" "$SCRATCH/xfs" -o ro,norecovery
told "${ORIGIN}2"
is "$KNOWN" 0 "one that is mounted read-only without its log replayed"
is "$(replayed "$IMAGE")" "$before" "all files are there"
drop_all
umount_at "$SCRATCH/xfs"

# Something stacked on it that knows better.
before=$(digests "$MNT")
umount_at "$MNT"
dmsetup create held --table "0 $(sectors "${ORIGIN}1") linear ${ORIGIN}1 0"
cleanup "! dmsetup info held >/dev/null 2>&1 || dmsetup remove --retry held"
settle
told "${ORIGIN}1"
is "$KNOWN" 0 "one that something is stacked on"
like "$(cat "$SCRATCH/said")" "something is stacked on" "and why is said"
drop_all
dmsetup remove --retry held
mount_at "${ORIGIN}1" "$MNT"

# Swap that the disk had before it got its partitions.
dd if="$ORIGIN" of="$SCRATCH/table" bs=512 count=1 status=none
dd if=/dev/zero of="$SCRATCH/swap" bs=1M count=0 seek="$(($(sectors "$ORIGIN") / 2048))" status=none
mkswap -U 11111111-2222-4333-8444-555555555555 "$SCRATCH/swap" >/dev/null 2>&1
dd if="$SCRATCH/swap" of="$ORIGIN" bs=512 skip=1 seek=1 count=7 conv=notrunc,fsync status=none
told "$ORIGIN"
is "$KNOWN" 0 "a table of partitions and a swap area"
like "$(cat "$SCRATCH/said")" "there is a table of partitions, too" "and why is said"
mount_at "${IMAGE}p1" "$SCRATCH/image" -o ro
is "$(digests "$SCRATCH/image")" "$before" "all files are as they were"
umount_at "$SCRATCH/image"
