#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: an origin of which nothing works any more: errors as without us, the shadow is lost
# DISKS: origin=16M

. "$(dirname "$0")/fault.sh"

fill "$DISK_origin" 1
dm_create origin "$(linear "$DISK_origin")"
need_module
listen
take /dev/mapper/origin
dm_reload origin "$(failing "$DISK_origin")"
expect_fail 'Input/output error' devio /dev/mapper/origin write:0:4k
is_lost "$IMAGE" origin-error
dm_reload origin "$(linear "$DISK_origin")"
new_one_works /dev/mapper/origin "$IMAGE"
unload
