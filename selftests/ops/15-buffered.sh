#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writes through the page cache, and past it, of the same blocks
# DISKS: origin=32M twin=32M

. "$(dirname "$0")/ops.sh"

like_twin buffered:1:3 buffered:4095:2 buffered:1m:2m fsync write:1m:64k buffered:1500k:10k \
	dsync:2m:64k buffered:-7:7 fsync
preserved
