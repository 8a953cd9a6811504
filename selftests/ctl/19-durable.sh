#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the errors of durable stores, and of those that are spoilt; what is refused is not written to
# EXPECT_LOG: the store is damaged
# EXPECT_LOG: I/O error
# DISKS: a=16M b=16M store=8M other=8M mounted=16M parted=16M big=16M,block=4096 bad=16M
# TIMEOUT: 400

. "$(dirname "$0")/ctl.sh"

mkfs_on ext4 "$DISK_mounted"
mount_at "$DISK_mounted" "$SCRATCH/mnt"
partition "$DISK_parted" 2048:16384
dm_error bad "$DISK_bad" 0 256
loop 16M --read-only
readonly=$LOOP
loop 2M
settle
need_module
cases ctl_errno durable a="$DISK_a" b="$DISK_b" store="$DISK_store" other="$DISK_other" \
	small="$LOOP" mounted="$DISK_mounted" mountpoint="$SCRATCH/mnt" disk="$DISK_parted" \
	partition="${DISK_parted}1" store4k="$DISK_big" readonly="$readonly" bad=/dev/mapper/bad
is "$(shadow_count)" 0 "no shadow is left"
unload
