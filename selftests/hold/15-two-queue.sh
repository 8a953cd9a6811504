#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: two sets queue for the instant, and the one that waits holds nobody
# DISKS: a=16M b=16M

. "$(dirname "$0")/hold.sh"

need_module
fill "$DISK_b" 1
owner --timeout 60000 "$DISK_a" -- add hold pause take release
paused
bg 30 holder "$DISK_b" -- add take
sleep 1
check "the second waits" kill -0 "$BG"
is "$(shadow_count)" 0 "there is none yet"
check "its volume can be written to" timeout 10 devio "$DISK_b" write:0:4k
resume
ended
check "the second came next" bg_wait "$BG"
is "$(shadow_count)" 2 "there are both"
