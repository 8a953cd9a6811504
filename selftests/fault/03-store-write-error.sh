#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store that cannot be written costs the shadow, and its writer nothing
# CORE
# DISKS: origin=32M store=64M

. "$(dirname "$0")/fault.sh"

fill "$DISK_origin" 1
dm_create store "$(linear "$DISK_store")"
need_module
listen
take "$DISK_origin" --store /dev/mapper/store
dm_reload store "$(failing "$DISK_store")"
check "the writer sees no error" fill "$DISK_origin" 2
is_lost "$IMAGE" store-error
check "all was written" same seed:2 "$DISK_origin"
dm_reload store "$(linear "$DISK_store")"
new_one_works "$DISK_origin" "$IMAGE" --store /dev/mapper/store
unload
