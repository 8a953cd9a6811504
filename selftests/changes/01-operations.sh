#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: changes are exactly what was written, by every way of writing, between any two of five shadows
# DISKS: origin=48M store=96M
# TIMEOUT: 240
# CORE

. "$(dirname "$0")/changes.sh"

fill "$ORIGIN" 1
need_module
instant --store "$DISK_store"
operate write:0:4k dsync:64k:8k buffered:1m:12k nowait:2m:4k fsync write:-1s:1s write:7s:3s
instant
operate discard:4m:1m ?discard:9000s:11s zeroout:6m:64k zeroout:13001s:17s zero-range:8m:1m \
	punch-hole:10m:128k write:0:4k
instant
operate write:16m:1m write:16m:1m write:20m:4k fsync
instant
# Neighbours of these are preserved ahead, and have not changed.
for ((i = 0; i < 64; i++)); do
	operate "write:$((24 * 1024 + i * 8))k:4k"
done
instant
for a in 0 1 2 3; do
	for ((b = a + 1; b < 5; b++)); do
		exact $a $b
	done
done
expect_fail 'reason 55' delta runs C "${UUID_OF[0]}" "${UUID_OF[1]}"
expect_fail 'reason 55' delta runs C "${UUID_OF[0]}" "${UUID_OF[0]}"
expect_fail 'error 2 ' delta runs C "${UUID_OF[0]}" 12345678-1234-1234-1234-123456789012
expect_fail 'reason 54' delta runs C "${UUID_OF[0]}"
is "$(delta runs C "${UUID_OF[4]}")" "$(delta runs C "${UUID_OF[4]}" "${UUID_OF[0]}")" \
	"without a base: since tracking began, which is with the first one"
is "$(delta runs C "${UUID_OF[4]}" "${UUID_OF[0]}" 16781312 | head -n 1)" "16781312 1044480 C" \
	"it can be begun within a run"

# Neither what comes later, nor what goes, changes that.
for ((i = 0; i < 16; i++)); do
	devio "$ORIGIN" "write:$((i * 3))m:64k"
done
for a in 0 1 2 3; do
	exact $a 4
done
drop "${IMAGE_OF[2]}"
exact 0 4
exact 1 3
unknown 2 4
drop "${IMAGE_OF[0]}" "${IMAGE_OF[3]}"
exact 1 4
expect_fail 'reason 54' delta runs C "${UUID_OF[4]}"
