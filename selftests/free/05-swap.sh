#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is written to swap costs nothing (J-19)
# DISKS: origin=64M

. "$(dirname "$0")/free.sh"

mkswap "$ORIGIN" >/dev/null
settle
need_module
take_used "$ORIGIN"
is "$(known "$IMAGE")" $((64 * 1048576 - 4096)) "all but the header is known to be free"
devio "$ORIGIN" write:4k:32m
is "$(volume "$ORIGIN" blocks_preserved)" 0 "nothing was preserved"
check "the image has zeros there" zeros "$IMAGE" 4096 $((32 << 20))
check "the header is there" same "$IMAGE" "$ORIGIN" 4096
