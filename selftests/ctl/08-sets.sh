#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the errors of making sets, tracking, listing and deleting
# DISKS: a=16M b=16M
# TIMEOUT: 180

. "$(dirname "$0")/ctl.sh"

need_module
cases ctl_errno sets a="$DISK_a" b="$DISK_b"
unload
