#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume that was removed while held cannot be taken

. "$(dirname "$0")/ctl.sh"

null_blk gone
need_module
cases ctl_errno gone goes="$NULL_BLK" away="echo 0 >/sys/kernel/config/nullb/gone/power"
unload
