#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the owner is killed while writes in flight are waited for: it ends before they do
# DISKS: a=16M b=16M

. "$(dirname "$0")/hold.sh"

dm_linear slow "$DISK_a"
need_module
owner --timeout 30000 "$DISK_b" /dev/mapper/slow -- add pause hold
paused
stick slow
write_under "$DISK_b"
bg 30 devio /dev/mapper/slow write:0:4k
slow=$BG
wait_for 10 in_flight /dev/mapper/slow
resume
wait_for 10 held "$DISK_b"
pkill -KILL -x holder
goes_on
check "the slow write is still under way" kill -0 "$slow"
unstick slow
check "it succeeded in the end" bg_wait "$slow"
ended
nothing_left
none_lost "$DISK_b"
unload
