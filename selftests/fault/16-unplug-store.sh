#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the store's disk is pulled: the shadow is lost, its writer sees nothing
# DISKS: origin=32M store=64M other=64M

. "$(dirname "$0")/fault.sh"

need_module
listen
take "$DISK_origin" --store "$DISK_store"
write_under "$DISK_origin" --slots 1500
unplug_disk "$DISK_store"
is_lost "$IMAGE" store-error
no_error "$BG"
check "all was written" ledger check --slots 1500 --expect "$SCRATCH/written" "$DISK_origin"
new_one_works "$DISK_origin" "$IMAGE" --store "$DISK_other"
unload
