#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writes through the disk that begin before a partition and end behind it
# DISKS: origin=32M twin=32M

. "$(dirname "$0")/ops.sh"

fill "$TWIN" 1
fill "$ORIGIN" 1
# Odd on purpose: the second one begins and ends within a block of the disk.
partition "$TWIN" 4096:2048 10003:20005 32768:32768
partition "$ORIGIN" 4096:2048 10003:20005 32768:32768
ops=(write:9995s:16s write:10002s:2s write:30000s:16s write:30007s:2s write:9000s:22000s
	discard:9990s:20s zeroout:29990s:30s discard:9001s:22001s)
devio "$TWIN" "${ops[@]}"
before=$(checksum "${ORIGIN}2")
need_module
take "${ORIGIN}2"
devio "$ORIGIN" "${ops[@]}"
is "$(checksum "$IMAGE")" "$before" "the image is as it was"
check "the disk is as its twin" same "$ORIGIN" "$TWIN"
