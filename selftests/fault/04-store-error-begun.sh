#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store that fails after some of it was written costs the shadow all the same
# CORE
# DISKS: origin=32M store=64M

. "$(dirname "$0")/fault.sh"

fill "$DISK_origin" 1
all=$(sectors "$DISK_store")
dm_create store "0 16384 linear $DISK_store 0
16384 $((all - 16384)) error"
need_module
listen
# Nobody can see what is on it, since its end cannot be read.
take "$DISK_origin" --store /dev/mapper/store --force
check "the writer sees no error" fill "$DISK_origin" 2
is_lost "$IMAGE" store-error
check "all was written" same seed:2 "$DISK_origin"
drop "$IMAGE"
unload
