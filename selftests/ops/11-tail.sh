#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the last, partial block of a volume whose size is no multiple of 4 KiB
# DISKS: origin=16M twin=16M

. "$(dirname "$0")/ops.sh"

dm_linear odd "$DISK_origin" 8 30003
dm_linear oddtwin "$DISK_twin" 8 30003
ORIGIN=/dev/mapper/odd TWIN=/dev/mapper/oddtwin
like_twin write:-1s:1s write:-4s:4s discard:-3s:3s zeroout:-11s:11s write:-2s:1s dsync:-3s:3s
is "$(sectors "$IMAGE")" 30003 "the image has the volume's size"
preserved
