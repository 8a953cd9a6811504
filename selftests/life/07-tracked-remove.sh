#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the disk of a volume that is only tracked is pulled: it is no longer tracked
# CORE
# DISKS: a=16M b=16M

. "$(dirname "$0")/life.sh"

need_module
listen
shadowadm volume track "$DISK_a" "$DISK_b"
unplug_disk "$DISK_a"
wait_for 10 event gone
wait_for 10 event untracked
is "$(volume_count)" 1 "the other one still is"
unload
