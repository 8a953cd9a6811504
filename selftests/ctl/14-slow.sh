#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a slow disk, a slow filesystem: tracking and holding end in time, with the reason
# DISKS: a=16M slow=16M mounted=16M

. "$(dirname "$0")/ctl.sh"

mkfs_on ext4 "$DISK_mounted"
dm_delay delay "$DISK_slow" 0 6000
dm_linear slow /dev/mapper/delay	# dm-delay itself counts a write when it passes it on
dm_delay mounted "$DISK_mounted" 0 400
mount_at /dev/mapper/mounted "$SCRATCH/mnt"
need_module
cases ctl_errno slow a="$DISK_a" slow=/dev/mapper/slow mounted=/dev/mapper/mounted \
	mountpoint="$SCRATCH/mnt"
unload
