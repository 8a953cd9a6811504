#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: writes of 512 bytes, at each place of a block
# DISKS: origin=16M twin=16M

. "$(dirname "$0")/ops.sh"

like_twin write:0s:1s write:9s:1s write:18s:1s write:27s:1s write:36s:1s write:45s:1s \
	write:54s:1s write:63s:1s write:71s:2s write:100s:25s write:1001s:2047s write:63s:1s \
	dsync:200s:3s
is "$(volume "$ORIGIN" blocks_preserved)" 271 "each block was preserved once, and no other"
