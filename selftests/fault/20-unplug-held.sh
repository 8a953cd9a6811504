#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the disk is pulled while it is held: the set fails, nothing is left, nobody hangs
# DISKS: a=16M b=16M

. "$(dirname "$0")/fault.sh"

waiting() {
	[ "$(volume "$DISK_a" bios_gated) $(volume "$DISK_b" bios_gated)" = "1 1" ]
}

nothing_there() {
	[ "$(shadow_count) $(volume_count)" = "0 0" ]
}

need_module
bg 60 holder --timeout 60000 "$DISK_a" "$DISK_b" -- add hold pause try:take print \
	>"$SCRATCH/owner" 2>&1
owner=$BG
wait_for 10 grep -q paused "$SCRATCH/owner"
bg 60 devio "$DISK_a" write:0:4k
writer=$BG
bg 60 devio "$DISK_b" write:0:4k
other=$BG
wait_for 10 waiting
unplug_disk "$DISK_a"
pkill -USR1 -x holder
bg_wait "$owner" || true
like "$(cat "$SCRATCH/owner")" 'step=take error=ENODEV phase=TAKE reason=ORIGIN_GONE' "it cannot be taken"
status=0
bg_wait "$writer" || status=$?
is $status 1 "the writer got an error"
check "the other disk's writer did not" bg_wait "$other"
wait_for 10 nothing_there
ok "nothing is left"
unload
