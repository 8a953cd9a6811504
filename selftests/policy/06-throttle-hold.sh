#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: throttled writes do not keep a set from its instant, frozen filesystem or not (J-22)
# DISKS: origin=48M
# TIMEOUT: 240

. "$(dirname "$0")/policy.sh"

went() {
	[ ! -e "$1" ] || [ "$1" = "$IMAGE" ]
}

mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"
fill "$SCRATCH/mnt/file" 1 20
sync -f "$SCRATCH/mnt"
need_module
track "$DISK_origin"
policy "$DISK_origin" throttle=100
take "$SCRATCH/mnt" --store memory:8M
first=$IMAGE
bg 100 dd if=/dev/zero of="$SCRATCH/mnt/file" bs=1M count=20 oflag=direct conv=notrunc status=none
writer=$BG
wait_for 30 state_is "$DISK_origin" throttled
since=$SECONDS
take "$SCRATCH/mnt" --timeout 30
check "a shadow is made while writes are throttled ($((SECONDS - since)) s)" \
	[ $((SECONDS - since)) -lt 25 ]
check "the oldest went for it" went "$first"
is "$(shadow_count)" 1 "and the newest is there"
check "it passes e2fsck" e2fsck -fn "$IMAGE"
shadowadm volume policy "$DISK_origin" evict
wait_for 60 bash -c "! kill -0 $writer"
drop_all
