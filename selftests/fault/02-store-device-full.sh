#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a full store device costs a shadow that is open, and cannot go, its data; and its writer nothing
# DISKS: origin=32M store=8M

. "$(dirname "$0")/fault.sh"

fill "$DISK_origin" 1
need_module
listen
take "$DISK_origin" --store "$DISK_store"
keep_open "$IMAGE"
check "the writer sees no error" fill "$DISK_origin" 2
is_lost "$IMAGE" store-full
check "all was written" same seed:2 "$DISK_origin"
let_go
new_one_works "$DISK_origin" "$IMAGE" --store "$DISK_store"
unload
