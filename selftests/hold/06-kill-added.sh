#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the owner of a set is killed when its volumes are added
# DISKS: a=16M b=16M store=32M

. "$(dirname "$0")/hold.sh"

need_module
write_under "$DISK_a"
owner "$DISK_a" "$DISK_b" --store "$DISK_store" -- add pause
paused
is "$(volume_count)" 2 "two are tracked"
kill_owner
nothing_left
check "the store is free" mkfs_on ext4 "$DISK_store"
none_lost "$DISK_a"
unload
