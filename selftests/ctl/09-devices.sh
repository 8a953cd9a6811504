#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: images, zoned devices, and devices without a medium are refused
# DISKS: a=16M

. "$(dirname "$0")/ctl.sh"

null_blk zoned zoned=1 zone_size=4
[ -d /sys/module/loop ] || modprobe loop
need_module
cases ctl_errno devices a="$DISK_a" zoned="$NULL_BLK" empty="$(losetup --find)"
unload
