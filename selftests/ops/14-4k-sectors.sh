#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a disk with logical blocks of 4096 bytes
# DISKS: origin=32M,block=4096 twin=32M,block=4096

. "$(dirname "$0")/ops.sh"

like_twin write:0:4k dsync:12k:8k discard:1m:6m zeroout:10m:5m nowait:20m:64k write:-4k:4k \
	'?write:1s:1s'
preserved
