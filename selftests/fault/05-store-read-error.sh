#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what cannot be read from the store is an error of the image, not other data
# DISKS: origin=16M store=64M

. "$(dirname "$0")/fault.sh"

# Is nothing left in memory?
in_store() {
	[ "$(volume "$DISK_origin" memory)" -eq 0 ]
}

fill "$DISK_origin" 1
dm_create store "$(linear "$DISK_store")"
need_module
take "$DISK_origin" --store /dev/mapper/store
devio "$DISK_origin" write:0:4m
wait_for 10 in_store
dm_reload store "$(failing "$DISK_store")"
expect_fail 'Input/output error' dd if="$IMAGE" of=/dev/null bs=4k count=1 iflag=direct
dm_reload store "$(linear "$DISK_store")"
check "and all is there when the store is back" same seed:1 "$IMAGE"
drop "$IMAGE"
unload
