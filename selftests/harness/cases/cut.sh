#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: passes, over a power cut
# DISKS: a=8M
# MEM: 384

. "$(dirname "$0")/../../lib.sh"

if [ "$STAGE" -eq 0 ]; then
	fill "$DISK_a" 3
	ok "written"
	power_cut
fi
fill "$SCRATCH/file" 3 8
check "the disk is as it was" cmp "$SCRATCH/file" "$DISK_a"
