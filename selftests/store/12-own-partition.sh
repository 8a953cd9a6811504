#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a file on a partition as store of the whole disk and of the partition, both of them tracked
# DISKS: origin=128M oracle=128M
# TIMEOUT: 300

. "$(dirname "$0")/store.sh"

mnt=$SCRATCH/mnt
need_module

# One whose blocks are none of the disk's.
partition "$DISK_origin" 2049:200000
mkfs_on ext4 "${DISK_origin}1" -b 4096
mount_at "${DISK_origin}1" "$mnt"
store_file "$mnt/store" 32
expect_fail 'error=EINVAL .*reason=STORE_ON_VOLUME' holder "$DISK_origin" --store "$mnt/store" -- add
umount_at "$mnt"

partition "$DISK_origin" 2048:200000
mkfs_on ext4 "${DISK_origin}1" -b 4096
mount_at "${DISK_origin}1" "$mnt"
fill "$mnt/store" 5 32
fill "$mnt/other" 6 32
sync -f "$mnt"
# What is where on the partition is so much further on the disk.
places "$mnt/store" | awk '{ print $1 + 2048 * 512, $2 }' >"$SCRATCH/on-disk"
places "$mnt/store" >"$SCRATCH/on-partition"

# both VOLUME PLACES FIRST OTHER: a shadow of VOLUME with its store on it, one of OTHER, and
# FIRST is tracked before the other one of the two
both() {
	local volume=$1 places=$2

	shadowadm volume track "$3" >/dev/null
	writers_start "$DISK_origin" "$mnt" random-direct
	shadow_with_oracle "$volume" "$mnt/store" "$volume" "${DISK_origin}1"
	# Another one of the other volume, with a store of its own.
	check "the other one gets a shadow, too" holder "$4" --store memory:$((130 << 20)) -- add take keep
	dd if=/dev/urandom of="$mnt/other" bs=1M count=16 conv=notrunc,fsync status=none
	check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle" "$places"
	check "the store's blocks are zeros" reads_as_zeros "$oracle_image" "$places"
	writers_stop
	still_all "created created"
	settle
	shadowadm delete --all -q
	shadowadm volume untrack "$3" >/dev/null
}

for first in "$DISK_origin" "${DISK_origin}1"; do
	diag "first $first"
	both "$DISK_origin" "$SCRATCH/on-disk" "$first" "${DISK_origin}1"
	both "${DISK_origin}1" "$SCRATCH/on-partition" "$first" "$DISK_origin"
done
is_free "$mnt/store"
umount_at "$mnt"
check "the partition is sound" e2fsck -fn "${DISK_origin}1"
unload
