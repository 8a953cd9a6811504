#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store that cannot be written from the start: refused, and nothing is left
# DISKS: origin=16M store=32M

. "$(dirname "$0")/fault.sh"

dm_create store "$(failing "$DISK_store")"
need_module
expect_fail 'store' shadowadm create "$DISK_origin" --store /dev/mapper/store
is "$(shadow_count) $(volume_count)" "0 0" "no shadow, nothing tracked"
unload
