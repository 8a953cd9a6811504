#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the same on a disk that does it by UNMAP and WRITE SAME
# DISKS: origin=32M,bus=scsi twin=32M,bus=scsi

. "$(dirname "$0")/ops.sh"

like_twin ?discard:0:4k ?discard:1m:6m '?discard:8m:1m' zeroout:10m:6m zeroout:20m:512 \
	write:21m:1m dsync:22m:8k ?punch-hole:24m:1m write:0:64k fsync
preserved
