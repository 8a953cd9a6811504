#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a SCSI disk of which a partition is shadowed is pulled while it is written to
# CORE
# DISKS: origin=32M,bus=scsi
# EXPECT_LOG: Synchronize Cache.* failed

. "$(dirname "$0")/fault.sh"

partition "$DISK_origin" 2048:40000
need_module
listen
take "${DISK_origin}1"
bg 30 bash -c "while devio ${DISK_origin}1 write:0:8m; do :; done" 2>/dev/null
writer=$BG
sleep 0.5
unplug_disk "$DISK_origin"
check "the writer ended" bg_wait "$writer"
is_lost "$IMAGE" origin-gone
drop "$IMAGE"
is "$(volume_count)" 0 "nothing is tracked any more"
unload
