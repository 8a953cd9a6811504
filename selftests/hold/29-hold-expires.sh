#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a hold for a copy that takes too long ends by itself, and the copy is said to be worth nothing
# DISKS: a=16M b=32M

. "$(dirname "$0")/hold.sh"

not_held() {
	! held "$1"
}

mkfs_on ext4 "$DISK_b"
mount_at "$DISK_b" "$SCRATCH/mnt"
need_module
listen
write_under "$DISK_a"
bg 60 shadowadm hold "$DISK_b" "$DISK_a" --timeout 10 -- sleep 18 2>"$SCRATCH/said"
command=$BG
wait_for 10 held "$DISK_a"
stands
bg 60 touch "$SCRATCH/mnt/frozen"
frozen=$BG
sleep 0.5
check "the filesystem is frozen" kill -0 "$frozen"
wait_for 20 event expired timeout
check "the command is under way still" kill -0 "$command"
goes_on
check "the filesystem is thawed" bg_wait "$frozen"
status=0
bg_wait "$command" || status=$?
is "$status" 1 "the command has failed, though \"sleep\" has not"
like "$(cat "$SCRATCH/said")" 'not at rest until sleep had ended: what it has copied is worth nothing' \
	"it is said why"
like "$(cat "$SCRATCH/said")" 'cannot keep the volumes at rest to the end: .*too long.*--timeout' \
	"and what was wrong"
nothing_left

# The same after the instant of a shadow, in one set with it.
owner --timeout 8000 "$DISK_a" "$DISK_b" --freeze --only-held -- add hold take pause try:release \
	print pause
paused
resume
paused 2
like "$(said)" 'state=TAKEN' "released in time both are good"
kill_owner
drop_all
owner --timeout 8000 "$DISK_a" "$DISK_b" --freeze --only-held -- add hold take pause try:release \
	print pause
paused
wait_for 20 not_held "$DISK_a"
goes_on
resume
paused 2
like "$(said)" 'step=release error=ETIMEDOUT phase=HOLD reason=TIMEOUT' "releasing it fails"
like "$(said)" 'state=FAILED .*held=0' "the set has failed"
nothing_left
check "the filesystem is thawed" timeout 10 touch "$SCRATCH/mnt/file"
kill_owner
none_lost "$DISK_a"
