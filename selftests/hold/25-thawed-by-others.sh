#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: somebody thaws what is held: nothing stays frozen, and the next hold freezes again
# DISKS: a=32M

. "$(dirname "$0")/hold.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
need_module
# The thaw writes, and waits for the gate: for the timer.
timeout 30 holder --timeout 1000 --auto-release "$DISK_a" --freeze -- add hold \
	"exec:fsfreeze -u $SCRATCH/mnt" try:release try:take || true
check "it can be written to" timeout 10 touch "$SCRATCH/mnt/one"
check "the next hold freezes it" timeout 30 holder --auto-release "$DISK_a" --freeze -- add \
	hold "exec:touch $SCRATCH/mnt/two & sleep 0.5; kill -0 \$!" release
check "and thaws it" timeout 10 touch "$SCRATCH/mnt/three"
nothing_left
