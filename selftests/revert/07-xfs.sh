#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: an XFS that was reverted, with its free space left alone, is clean and is mounted (B-31)
# DISKS: origin=320M store=256M a=320M
# TIMEOUT: 400

. "$(dirname "$0")/revert.sh"

mnt=$SCRATCH/mnt
need_module
mkfs_on xfs "$DISK_origin"
mount_at "$DISK_origin" "$mnt"
fill "$mnt/one" 1 16
sync
(cd "$mnt" && mkdir many && for ((i = 0; i < 200; i++)); do echo "$i" >"many/$i"; done)
sync
shadowadm create "$mnt" --persistent --store "$DISK_store" -q
settle
first=$(images)
rm -r "$mnt/many"
fill "$mnt/two" 2 24
fill "$mnt/one" 3 16
umount_at "$mnt"
shadowadm create "$DISK_origin" --persistent -q
settle
second=$(images | tail -n 1)
check "the volume is reverted" shadowadm revert --yes "$first"
mount_at "$DISK_origin" "$mnt"
check "what was there is there" same "seed:1" "$mnt/one"
is "$(cat "$mnt"/many/* | sort -n | md5sum)" "$(seq 0 199 | md5sum)" "all of it"
check "what came later is not" [ ! -e "$mnt/two" ]
umount_at "$mnt"
check "xfs_repair finds nothing" xfs_repair -n "$DISK_origin"
check "and forward again" shadowadm revert --yes "$second"
check "xfs_repair finds nothing" xfs_repair -n "$DISK_origin"
mount_at "$DISK_origin" "$mnt"
check "what came later is there" same "seed:2" "$mnt/two"
check "and the other one" same "seed:3" "$mnt/one"
umount_at "$mnt"

# A volume that has grown has what it had; what is behind that stays.
drop_all
raw=$DISK_origin
dm_create origin "0 $((100 * 2048)) linear $raw 0"
DISK_origin=/dev/mapper/origin
shadowadm create "$DISK_origin" --persistent --store "$DISK_store" --no-free-space -q
settle
dd if="$DISK_origin" of="$DISK_a" bs=1M iflag=direct oflag=direct status=none
dm_reload origin "0 $((120 * 2048)) linear $raw 0"
change 90 20
dd if="$DISK_origin" of="$DISK_a" bs=1M skip=100 seek=100 iflag=direct oflag=direct status=none
check "the volume is reverted" shadowadm revert --yes "$(images)"
check "the old part is what it was, and the new one what it is" ora_compare "$DISK_origin" "$DISK_a"
drop_all
unload
