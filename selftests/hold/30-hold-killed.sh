#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the owner of volumes that are only held is killed, and so is shadowadm hold: all goes on
# DISKS: a=16M b=32M

. "$(dirname "$0")/hold.sh"

mkfs_on ext4 "$DISK_b"
mount_at "$DISK_b" "$SCRATCH/mnt"
cp "$(command -v sleep)" "$SCRATCH/patient"
need_module
write_under "$DISK_a"

all_goes_on() {
	goes_on
	check "the filesystem is thawed" timeout 10 touch "$SCRATCH/mnt/file"
	nothing_left
}

owner --timeout 60000 "$DISK_b" --freeze --only-held "$DISK_a" --only-held -- add hold pause
paused
stands
kill_owner
all_goes_on

bg 60 shadowadm hold "$DISK_a" "$SCRATCH/mnt" --timeout 60 -- "$SCRATCH/patient" 45
wait_for 10 pgrep -x patient
wait_for 10 held "$DISK_a"
stands
pkill -KILL -x shadowadm
all_goes_on
check "the command was not told" pkill -KILL -x patient

# Killed by its user, it is not the command's failure that counts.
bg 60 shadowadm hold "$DISK_a" "$SCRATCH/mnt" --timeout 60 -- "$SCRATCH/patient" 45
command=$BG
wait_for 10 held "$DISK_a"
wait_for 10 pgrep -x patient
pkill -TERM -x patient
status=0
bg_wait "$command" || status=$?
is "$status" 143 "the command's signal is the exit status"
all_goes_on
none_lost "$DISK_a"
umount_at "$SCRATCH/mnt"
unload
