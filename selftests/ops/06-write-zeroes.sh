#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: zeroing by ioctl and fallocate(), aligned and not, leaves the image alone
# DISKS: origin=64M twin=64M

. "$(dirname "$0")/ops.sh"

like_twin zeroout:0:4k zeroout:3s:6m zeroout:8m:8m zeroout:-3s:3s zero-range:20m:1m \
	zero-range:22m:5m punch-hole:30m:64k punch-hole:32m:9m zeroout:33m:1m
preserved
