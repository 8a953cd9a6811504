#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a write that is under way when tracking begins is in the image
# DISKS: origin=16M oracle=16M

. "$(dirname "$0")/common.sh"

need_module
modprobe dm-delay
fill "$DISK_origin" 1
# As 21, but nobody has counted the writes: adding the volume has to wait for
# them.
dm_delay slow "$DISK_origin" 0 700
image_test /dev/mapper/slow memory:67108864 "$DISK_origin" /dev/mapper/slow "" raw \
	random-direct sector-direct random-uring
