#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume whose writes do not end keeps nobody from working with others
# DISKS: a=16M b=16M

. "$(dirname "$0")/hold.sh"

dm_linear slow "$DISK_a"
fill "$DISK_b" 1
need_module
owner --timeout 1000 /dev/mapper/slow -- add pause hold
paused
stick slow
bg 60 devio /dev/mapper/slow write:0:4k
slow=$BG
wait_for 10 in_flight /dev/mapper/slow
resume
wait_for 10 grep -q step= "$SCRATCH/owner"
sleep 0.5
check "volumes can be listed" quietly timeout 10 shadowadm volume list
check "another can be shadow-copied" timeout 15 shadowadm create -q "$DISK_b"
check "the write is still under way" kill -0 "$slow"
unstick slow
check "it succeeded" bg_wait "$slow"
ended
