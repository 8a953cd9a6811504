#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a durable store that fails: writes go on, its shadows are lost, also for who attaches it later (E-10)
# DISKS: origin=64M store=96M a=64M
# TIMEOUT: 300

. "$(dirname "$0")/durable.sh"

mnt=$SCRATCH/mnt
raw=$DISK_store

# over_dm: the store is on a device that can be made to fail
over_dm() {
	dm_linear store "$raw"
	DISK_store=/dev/mapper/store
	need_module
}

if [ "$STAGE" -eq 0 ]; then
	over_dm
	mkfs_on ext4 "$DISK_origin"
	mount_at "$DISK_origin" "$mnt"
	fill "$mnt/file" 1 8
	sync
	shot "$DISK_a"
	fill "$mnt/file" 2 4
	sync

	# For a while: it can say that the shadow is lost.
	dm_reload store "0 $(sectors "$raw") error"
	check "writes go on" fill "$mnt/file" 3 8
	check "and to the disk" timeout 60 sync
	is "$(shadow "$IMAGE" state)" lost "the shadow is lost"
	umount_at "$mnt"
	drop_all
	dm_reload store "0 $(sectors "$raw") linear $raw 0"
	attach 1 1
	drop_all

	# A new one in its place; the store fails for good.
	mount_at "$DISK_origin" "$mnt"
	shot "$DISK_a"
	fill "$mnt/file" 4 4
	sync
	dm_reload store "0 $(sectors "$raw") error"
	fill "$mnt/file" 5 8
	check "writes go on" timeout 60 sync
	is "$(shadow "$IMAGE" state)" lost "the shadow is lost"
	umount_at "$mnt"
	power_cut
fi

need_module
attach 1 1
is "$(shadow "$(images)" state)" lost "who attaches it later is not shown what is wrong"
drop_all
unload
