#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a set of three of which the last does not come to rest leaves no trace on the others
# DISKS: a=16M b=16M c=16M

. "$(dirname "$0")/hold.sh"

dm_linear slow "$DISK_c"
need_module
owner --timeout 1000 "$DISK_a" "$DISK_b" /dev/mapper/slow -- add pause hold
paused
stick slow
bg 30 devio /dev/mapper/slow write:0:4k
slow=$BG
wait_for 10 in_flight /dev/mapper/slow
write_under "$DISK_a" "$DISK_b"
resume
wait_for 10 grep -q step= "$SCRATCH/owner"
like "$(said)" 'step=hold error=ETIMEDOUT phase=HOLD reason=(DRAIN|TIMEOUT)' "the hold failed in time"
goes_on
unstick slow
ended
check "the write that was too slow succeeded" bg_wait "$slow"
nothing_left
none_lost "$DISK_a" "$DISK_b"
