#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: images, zoned devices, ram disks with rw_page, and devices without a medium are refused
# DISKS: a=16M

. "$(dirname "$0")/ctl.sh"

null_blk zoned zoned=1 zone_size=4
[ -d /sys/module/loop ] || modprobe loop
modprobe brd rd_nr=1 rd_size=16384
cleanup 'rmmod brd'
need_module
cases ctl_errno devices a="$DISK_a" zoned="$NULL_BLK" brd=/dev/ram0 empty="$(losetup --find)"
unload
