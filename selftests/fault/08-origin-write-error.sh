#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a write that the origin refuses fails as without us, and the image stays as it was
# CORE
# DISKS: origin=16M

. "$(dirname "$0")/fault.sh"

fill "$DISK_origin" 1
dm_create origin "$(linear "$DISK_origin")"
need_module
take /dev/mapper/origin
dm_reload origin "0 $(sectors "$DISK_origin") flakey $DISK_origin 0 0 600 1 error_writes"
expect_fail 'Input/output error' devio /dev/mapper/origin write:0:4k
expect_fail 'Input/output error' devio /dev/mapper/origin write:0:4k
expect_fail 'Input/output error' devio /dev/mapper/origin discard:1m:1m
is "$(shadow "$IMAGE" state)" created "the shadow is not lost"
check "the image is as it was" same seed:1 "$IMAGE"
check "the origin is as it was" same seed:1 /dev/mapper/origin
dm_reload origin "$(linear "$DISK_origin")"
devio /dev/mapper/origin write:0:4m
check "the image is as it was after a write that succeeds" same seed:1 "$IMAGE"
drop "$IMAGE"
unload
