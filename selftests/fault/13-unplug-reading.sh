#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the disk is pulled while its image is read: an error for the reader, and no hang
# DISKS: origin=32M,iops=300

. "$(dirname "$0")/fault.sh"

reads_some() {
	[ "$(shadow "$IMAGE" reads)" -gt 100 ]
}

need_module
listen
take "$DISK_origin"
bg 30 dd if="$IMAGE" of=/dev/null bs=4k iflag=direct
reader=$BG
wait_for 10 reads_some
unplug_disk "$DISK_origin"
status=0
bg_wait "$reader" || status=$?
is $status 1 "the reader got an error"
is_lost "$IMAGE" origin-gone
drop "$IMAGE"
unload
