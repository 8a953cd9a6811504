#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a set that waits for another one's instant is killed: it ends at once
# DISKS: a=16M b=16M

. "$(dirname "$0")/hold.sh"

need_module
owner --timeout 60000 "$DISK_a" -- add hold pause release
paused
bg 30 holder "$DISK_b" -- add take
sleep 1
check "the second waits" kill -0 "$BG"
pkill -KILL -P "$BG"
wait_for 5 gone "$BG"
ok "it ended"
check "the first is still held" held "$DISK_a"
resume
ended
like "$(said)" status=0 "the first went on"
nothing_left
