#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: XFS: new files and fstrim copy no free block; the image passes fsck, all files are there
# DISKS: origin=320M
# TIMEOUT: 400

. "$(dirname "$0")/free.sh"

has mkfs.xfs xfs_repair
# its log is no free space: it is written round and round, and preserved once
prove xfs 60 130 -l size=8m

# one that was not frozen is looked at, too, if its log is empty
need_module
take_used "$ORIGIN"
free=$(known "$IMAGE")
check "unmounted: $((free >> 20)) MiB are known to be free" [ "$free" -ge $((60 << 20)) ]
check "and the image passes fsck" fsck_image xfs "$IMAGE"
