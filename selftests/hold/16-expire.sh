#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a gate left closed opens by itself, the set fails with a timeout, no write is lost
# DISKS: a=16M b=32M
# TIMEOUT: 180

. "$(dirname "$0")/hold.sh"

mkfs_on ext4 "$DISK_b"
mount_at "$DISK_b" "$SCRATCH/mnt"
need_module
listen
owner --timeout 12000 "$DISK_b" --freeze "$DISK_a" -- add pause hold pause try:take print
paused
write_under "$DISK_a"
resume
paused 2
check "it is held" held "$DISK_a"
stands
wait_for 25 event expired timeout
goes_on
check "the filesystem is thawed" timeout 10 touch "$SCRATCH/mnt/file"
resume
ended
like "$(said)" 'step=take error=ETIMEDOUT phase=HOLD reason=TIMEOUT' "taking it fails with the reason"
like "$(said)" 'state=FAILED .* held=0' "the set has failed"
nothing_left
none_lost "$DISK_a"
