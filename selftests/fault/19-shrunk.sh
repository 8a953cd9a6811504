#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume that shrinks: what is gone is an error of the image, not other data
# DISKS: origin=16M

. "$(dirname "$0")/fault.sh"

fill "$DISK_origin" 1
dm_create origin "$(linear "$DISK_origin")"
need_module
take /dev/mapper/origin
dm_reload origin "0 16384 linear $DISK_origin 0"
devio /dev/mapper/origin write:0:1m write:-64k:64k
expect_fail 'Input/output error' dd if="$IMAGE" of=/dev/null bs=4k count=1 skip=3000 iflag=direct
check "the part that is left is as it was" same seed:1 "$IMAGE" 8388608
drop "$IMAGE"
unload
