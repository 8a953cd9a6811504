#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the whole volume can be discarded under its shadow
# DISKS: origin=96M twin=96M store=128M

. "$(dirname "$0")/ops.sh"

fill "$ORIGIN" 1
fill "$TWIN" 1
blkdiscard "$TWIN"
need_module
take "$ORIGIN" --store "$DISK_store"
blkdiscard "$ORIGIN"
check "the image is as it was" same seed:1 "$IMAGE"
check "the origin is as its twin" same "$ORIGIN" "$TWIN"
