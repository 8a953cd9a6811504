#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a set of three of which the last cannot be added leaves no trace on the others
# DISKS: a=16M b=16M c=16M store=32M

. "$(dirname "$0")/hold.sh"

need_module
expect_fail 'step=add error=EINVAL phase=STORE reason=STORE_ON_VOLUME' holder "$DISK_a" \
	"$DISK_b" --store "$DISK_store" "$DISK_c" --store "$DISK_c" -- add take
nothing_left
check "the store is free" mkfs_on ext4 "$DISK_store"
