#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what would change an image is refused, and changes nothing
# DISKS: origin=16M

. "$(dirname "$0")/ops.sh"

fill "$ORIGIN" 1
need_module
take "$ORIGIN"
expect_fail 'Read-only|not permitted' dd if=/dev/zero of="$IMAGE" bs=4k count=1 conv=notrunc
expect_fail 'Read-only|not permitted' blkdiscard -f "$IMAGE"
expect_fail 'Read-only|not permitted' blkdiscard -f --zeroout "$IMAGE"
expect_fail 'Read-only|not permitted' blkdiscard -f --secure "$IMAGE"
blockdev --setrw "$IMAGE" 2>/dev/null || true
expect_fail 'Read-only|not permitted' devio "$IMAGE" write:0:4k
check "the image is as it was" same seed:1 "$IMAGE"
check "the origin is as it was" same seed:1 "$ORIGIN"
