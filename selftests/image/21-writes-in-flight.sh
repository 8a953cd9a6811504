#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a write that is under way when the volume is held is in the image
# DISKS: origin=16M oracle=16M

. "$(dirname "$0")/common.sh"

need_module
modprobe dm-delay
fill "$DISK_origin" 1
# Writes arrive long after they were submitted: one that is not waited for
# arrives after the oracle was made, and nothing is preserved before it.
dm_delay slow "$DISK_origin" 0 700
shadowadm volume track /dev/mapper/slow
image_test /dev/mapper/slow memory:67108864 "$DISK_origin" /dev/mapper/slow "" raw \
	random-direct sector-direct random-uring
