#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a full store in memory costs the shadow, and its writer nothing
# CORE
# DISKS: origin=32M

. "$(dirname "$0")/fault.sh"

fill "$DISK_origin" 1
need_module
listen
take "$DISK_origin" --store memory:4M
check "the writer sees no error" fill "$DISK_origin" 2
is_lost "$IMAGE" store-full
check "all was written" same seed:2 "$DISK_origin"
new_one_works "$DISK_origin" "$IMAGE" --store memory:4M
unload
