#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the errors of maps and bases, of what bounds the memory of changes, of untracking with a base
# DISKS: a=16M b=16M
# TIMEOUT: 180

. "$(dirname "$0")/ctl.sh"

need_module
cases ctl_errno changes a="$DISK_a" b="$DISK_b"
is "$(shadow_count)" 0 "no shadow is left"
unload
