#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: persistent shadows are there again after a loss of power, and are what they were (H-03)
# DISKS: origin=96M store=128M a=96M b=96M c=96M
# TIMEOUT: 400

. "$(dirname "$0")/durable.sh"

mnt=$SCRATCH/mnt
need_module

if [ "$STAGE" -eq 0 ]; then
	mkfs_on ext4 "$DISK_origin"
	mount_at "$DISK_origin" "$mnt"
	writers_start "$DISK_origin" "$mnt" random-buffered random-direct
	shot "$DISK_a"
	equal "$DISK_a"
	sleep 3
	shot "$DISK_b"
	sleep 3
	equal "$DISK_a" "$DISK_b"
	check "the writers have not stopped" writers_write
	diag "$(parts list)"
	power_cut
fi

if [ "$STAGE" -eq 1 ]; then
	attach 2
	equal "$DISK_a" "$DISK_b"
	mount_at "$DISK_origin" "$mnt"
	writers_start "$DISK_origin" "$mnt" random-buffered random-direct
	sleep 2
	shot "$DISK_c"
	sleep 2
	equal "$DISK_a" "$DISK_b" "$DISK_c"
	drop "$(images | head -n 1)"
	sleep 1
	equal "$DISK_b" "$DISK_c"
	check "the writers have not stopped" writers_write
	power_cut
fi

attach 2
equal "$DISK_b" "$DISK_c"
is "$(parts detach "$DISK_origin")" "shadows=2" "the store is detached"
is "$(images)" "" "and no shadow is there"
attach 2
equal "$DISK_b" "$DISK_c"
parts detach "$DISK_origin"
mount_at "$DISK_origin" "$mnt"
umount_at "$mnt"
expect_fail 'ESTALE .*reason=VOLUME_CHANGED' parts attach "$DISK_origin" "$DISK_store"
expect_fail 'ESTALE .*reason=VOLUME_CHANGED' parts attach "$DISK_a" "$DISK_store"
attach 2 2
is "$(shadowadm list --json | jq -r '[.shadows[].state] | join(" ")')" "lost lost" \
	"somebody else has written to it, and that shows"
drop_all
unload
