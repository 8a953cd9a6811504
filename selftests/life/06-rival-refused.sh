#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a module that comes second does not get the function, and harms nothing
# DISKS: a=16M

. "$(dirname "$0")/life.sh"

fill "$DISK_a" 1
need_module
take "$DISK_a"
expect_fail busy insmod "$BUILT/selftests/modules/rival.ko"
devio "$DISK_a" write:0:1m
check "the image is as it was" same seed:1 "$IMAGE"
