#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: old data that cannot be read costs the shadow; the write goes on
# CORE
# EXPECT_LOG: critical medium error

. "$(dirname "$0")/fault.sh"
. "$(dirname "$0")/bad-disk.sh"

need_module
listen
take "$BAD"
bad_sectors on
check "the writer sees no error" devio "$BAD" write:64k:4k write:1m:64k
is_lost "$IMAGE" origin-error
bad_sectors off
drop "$IMAGE"
sum=$(checksum "$BAD")
take "$BAD"
devio "$BAD" write:0:1m
is "$(checksum "$IMAGE")" "$sum" "a new one is as it should be"
drop "$IMAGE"
unload
