#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: with its owner an auto-release set goes, and any other stays
# DISKS: a=16M b=16M

. "$(dirname "$0")/hold.sh"

fill "$DISK_b" 1
need_module
write_under "$DISK_a"
owner --auto-release "$DISK_a" -- add take pause
paused
is "$(shadow_count)" 1 "there is one"
settle
kill_owner
nothing_left
owner "$DISK_a" "$DISK_b" -- add take pause
paused
settle
kill_owner
is "$(shadow_count)" 2 "those that are not to be released stay"
devio "$DISK_b" write:0:1m
check "the image is as it was" same seed:1 "$(shadowadm list "$DISK_b" --json | jq -r '.shadows[0].device')"
drop_all
none_lost "$DISK_a"
unload
