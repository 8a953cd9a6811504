#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume smaller than a block
# DISKS: origin=16M twin=16M

. "$(dirname "$0")/ops.sh"

dm_linear tiny "$DISK_origin" 3 5
dm_linear tinytwin "$DISK_twin" 3 5
ORIGIN=/dev/mapper/tiny TWIN=/dev/mapper/tinytwin
like_twin write:1s:1s discard:0:5s zeroout:2s:3s write:-1s:1s
