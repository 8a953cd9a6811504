#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store stacked on its own volume is refused, and does not stop the origin if it is not
# DISKS: origin=256M

. "$(dirname "$0")/fault.sh"

need_module store_timeout=10
dm_linear above "$DISK_origin" 0 $((64 * 2048))
dm_linear other "$DISK_origin" $((240 * 2048)) $((16 * 2048))
check "the library sees it coming" expect_fail 'lies on the volume' \
	shadowadm create "$DISK_origin" --store /dev/mapper/above --max 8M

# The module alone cannot see through another driver.  What is stored comes back
# as writes to the volume, each to be preserved itself, until nothing can move.
cleanup "shadowadm delete --all"
run holder "$DISK_origin" --store /dev/mapper/above -- add take
check "nor can it be added later" expect_fail 'lies on the volume' \
	shadowadm store add "$DISK_origin" /dev/mapper/other --max 8M
run shadowadm pin --quiet /dev/shadow0	# it would be evicted, and nothing be left to look at
bg 150 dd if=/dev/zero of="$DISK_origin" bs=1M seek=64 count=160 oflag=direct status=none
writer=$BG
bg_wait "$writer"
ok "the writer got through"
is "$(shadowadm list --json | jq -r '.shadows[0].state')" lost "the shadow was given up instead"
