#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume that was removed while held cannot be taken, nor released as if it had been held
# DISKS: a=16M

. "$(dirname "$0")/ctl.sh"

null_blk gone
need_module
cases ctl_errno gone goes="$NULL_BLK" away="echo 0 >/sys/kernel/config/nullb/gone/power"
null_blk also
cases ctl_errno gone_held stays="$DISK_a" goes="$NULL_BLK" away="echo 0 >/sys/kernel/config/nullb/also/power"
unload
