#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: an auto-release shadow that is being read goes when it is closed, not before
# DISKS: a=16M

. "$(dirname "$0")/hold.sh"

fill "$DISK_a" 1
dd if="$DISK_a" of="$SCRATCH/before" bs=1M count=1 status=none
need_module
owner --auto-release "$DISK_a" -- add take print pause
paused
image=$(said | grep -o '/dev/shadow[0-9]*')
settle
exec {fd}<"$image"
kill_owner
devio "$DISK_a" write:0:1m
is "$(shadow "$image" state)" deleting "it is marked"
check "it can be read, and is as it was" cmp -n 1048576 - "$SCRATCH/before" <&"$fd"
exec {fd}<&-
nothing_left
unload
