#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writes that do not end: the hold gives up in time, and names the volume
# DISKS: a=16M b=16M

. "$(dirname "$0")/hold.sh"

dm_linear slow "$DISK_a"
need_module
owner --timeout 1000 /dev/mapper/slow "$DISK_b" -- add pause hold
paused
stick slow
bg 30 devio /dev/mapper/slow write:0:4k
slow=$BG
wait_for 10 in_flight /dev/mapper/slow
resume
wait_for 10 grep -q step= "$SCRATCH/owner"
like "$(said)" "step=hold error=ETIMEDOUT phase=HOLD reason=DRAIN dev=$(device_number /dev/mapper/slow)" \
	"the set fails, and says for whom it waited"
check "the slow write was still under way" kill -0 "$slow"
unstick slow
ended
check "it succeeded" bg_wait "$slow"
nothing_left
