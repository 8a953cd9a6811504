#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the owner of a new set is killed
# DISKS: a=16M

. "$(dirname "$0")/hold.sh"

need_module
owner "$DISK_a" -- pause
paused
kill_owner
nothing_left
unload
