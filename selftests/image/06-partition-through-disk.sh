#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a partition is preserved before writes through its disk
# CORE
# DISKS: origin=64M oracle=64M

. "$(dirname "$0")/common.sh"

need_module
partition "$DISK_origin" 2049 120003
fill "${DISK_origin}1" 1
# udev reads the table again when a writer of the disk closes it, and takes partitions
# that nobody has open away for a moment.
exec 9<"${DISK_origin}1"
# The disk's page cache is dirty, not the partition's.
image_test "${DISK_origin}1" memory:268435456 "${DISK_origin}1" "$DISK_origin" "" raw \
	random-buffered sector-direct random-uring random-mmap trim
