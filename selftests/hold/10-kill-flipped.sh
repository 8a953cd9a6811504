#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the owner is killed after the instant and before the release: the set never was
# DISKS: a=16M

. "$(dirname "$0")/hold.sh"

need_module
owner --timeout 60000 "$DISK_a" -- add pause hold take pause
paused
write_under "$DISK_a"
resume
paused 2
stands
kill_owner
goes_on
nothing_left
none_lost "$DISK_a"
unload
