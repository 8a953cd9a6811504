#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the errors of telling what was free
# DISKS: a=16M b=16M

. "$(dirname "$0")/ctl.sh"

need_module
cases ctl_errno free a="$DISK_a" b="$DISK_b"
unload
