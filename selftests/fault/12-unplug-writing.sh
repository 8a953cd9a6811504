#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the disk is pulled while it is written to: an error for the writer, and no hang
# CORE
# DISKS: origin=32M store=64M

. "$(dirname "$0")/fault.sh"

gone() {
	! kill -0 "$1"
}

need_module
listen
take "$DISK_origin" --store "$DISK_store"
write_under "$DISK_origin" --slots 2000
writer=$BG
unplug_disk "$DISK_origin"
wait_for 20 gone "$writer"
status=0
bg_wait "$writer" || status=$?
is $status 1 "the writer got an error"
is_lost "$IMAGE" origin-gone
drop "$IMAGE"
is "$(volume_count)" 0 "nothing is tracked any more"
unload
