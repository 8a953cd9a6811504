#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: 64 shadows in a set, 256 devices frozen, 512 shadows of a volume, and not one more
# DISKS: a=8M
# TIMEOUT: 240

. "$(dirname "$0")/ctl.sh"

modprobe null_blk nr_devices=257 gb=1 queue_mode=0
cleanup 'settle; rmmod null_blk'
settle
need_module
cases ctl_errno many a="$DISK_a" many=nullb
unload
