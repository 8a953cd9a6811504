#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the image of a whole disk without filesystem is the disk at the instant
# CORE
# DISKS: origin=64M oracle=64M

. "$(dirname "$0")/common.sh"

need_module
fill "$DISK_origin" 1
# Its page cache will be dirty: the oracle is read past it.
dm_linear reader "$DISK_origin"
image_test "$DISK_origin" memory:268435456 /dev/mapper/reader "$DISK_origin" "" raw \
	random-buffered sector-direct sequential-uring random-mmap
