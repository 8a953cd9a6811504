#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the disk of a shadowed volume is pulled: the shadow is lost, and can be deleted
# CORE
# DISKS: origin=16M other=16M

. "$(dirname "$0")/fault.sh"

need_module
listen
take "$DISK_origin"
unplug_disk "$DISK_origin"
is_lost "$IMAGE" origin-gone
wait_for 10 event gone
ok "an event told that the volume went"
drop "$IMAGE"
is "$(volume_count)" 0 "nothing is tracked any more"
fill "$DISK_other" 1
take "$DISK_other"
devio "$DISK_other" write:0:1m
check "a new one of another disk is as it should be" same seed:1 "$IMAGE"
drop "$IMAGE"
unload
