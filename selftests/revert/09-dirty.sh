#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is written through pages and not yet on the volume costs no shadow when a revert begins (B-31)
# DISKS: origin=64M store=16M a=64M
# TIMEOUT: 200
# EXPECT_LOG: its shadows are protected
# EXPECT_LOG: I/O error

. "$(dirname "$0")/revert.sh"

need_module store_timeout=20

# More than the store has room for, when the oldest shadow is the one that is reverted to.
fill "$DISK_origin" 1 64
shot "$DISK_a"
first=$IMAGE
dd if=/dev/urandom of="$DISK_origin" bs=1M count=8 oflag=direct status=none
settle
exec 9<>"$DISK_origin"
head -c 24M /dev/urandom >&9	# not by its name: udev would look at the device then
refused store-full timeout 100 shadowadm revert --yes "$first"
is "$(shadowadm list --json | jq -r '[.shadows[].state] | join(" ")')" created "it is there still"
is "$(volume "$DISK_origin" fault)" null "writes pass again"
exec 9>&-
settle
reverted "$first" "$DISK_a"
drop_all
unload
