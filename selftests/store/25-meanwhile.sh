#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadows are taken, evicted and deleted, all of them at last, while a part is cleared out
# DISKS: origin=24M oracle=24M store=65M
# TIMEOUT: 300

. "$(dirname "$0")/change.sh"

begin_slow
shadowadm pin "$oracle_image"
overwrite "$DISK_origin" 0 8
take "$DISK_origin"
second=$IMAGE
overwrite "$DISK_origin" 0 16
take "$DISK_origin"
third=$IMAGE
overwrite "$DISK_origin" 8 16
add_part memory:64
dm_reload slow "0 $(sectors "$DISK_store") delay $DISK_store 0 60 $DISK_store 0 0"
resize_begin 0 0
drop "$second"
take "$DISK_origin"
drop "$third"
overwrite "$DISK_origin" 0 4
drop "$IMAGE"
resize_ends '^[0-9]'
is "$(numbers)" 1 "the part is gone"
check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"

# The store fills meanwhile, and the youngest go: the oldest is pinned.
add_part /dev/mapper/slow
resize 1 0
add_part memory:64
resize_begin 0 0
for round in 1 2 3 4; do
	take "$DISK_origin"
	overwrite "$DISK_origin" 0 24
done
resize_ends '^[0-9]|ENOSPC'
check "the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"
is "$(volume "$DISK_origin" lost)" 0 "none was lost"
diag "evicted: $(volume "$DISK_origin" evicted)"
drop_all

# The last shadow goes while its blocks are moved.
dm_reload slow "0 $(sectors "$DISK_store") delay $DISK_store 0 300 $DISK_store 0 0"
take "$DISK_origin" --store /dev/mapper/slow
overwrite "$DISK_origin" 0 24
add_part memory:64
resize_begin 0 0
drop_all
resize_ends '^[0-9]'
is "$(parts list)" "" "the store has gone with its last user"
check "the device is free for others" mkfs_on ext4 /dev/mapper/slow
unload
