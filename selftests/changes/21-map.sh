#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowadm map: what is preserved, changed and free is where it is drawn, in text, JSON and SVG
# DISKS: origin=64M
# TIMEOUT: 120

. "$(dirname "$0")/../cli/cli.sh"

# cells NAME: print which of the cells of the last command have some of that
cells() {
	parse "[.cells | to_entries[] | select(.value.$1 > 0).key] | join(\" \")"
}

fill "$DISK_origin" 1
need_module
cleanup drop_all
adm 0 create "$DISK_origin" -q
devio "$DISK_origin" write:8m:1m write:40m:4k
adm 0 create "$DISK_origin" -q
devio "$DISK_origin" write:8m:4k write:56m:1m

# 1024 cells of 64 KiB
adm 0 map 1 --since 0 --json
is "$(parse '[.bytes, (.cells | length), .cells[0].bytes] | join(" ")')" "$((64 << 20)) 1024 65536" "cells"
is "$(cells changed)" "$(seq -s ' ' 128 143) 640" "what has changed is where it was written"
is "$(parse .total.changed)" $((1 << 20 | 4096)) "to the block"
like " $(cells preserved) " " $(seq -s ' ' 896 911) " "what is preserved, and has not changed"
adm 0 map 1 --json
check "without --since all that is preserved" [ "$(parse .total.preserved)" -ge $((1 << 20 | 4096)) ]
is "$(parse '.total | add')" $((64 << 20)) "each block counts once"
adm 0 map 1 --since 0
is "$(sed -n 12p <<<"$OUT" | cut -c 8-)" "c$(printf %063d 0 | tr 0 -)" "one block shows"
is "$(sed -n 4p <<<"$OUT" | cut -c 8-)" "$(printf %016d 0 | tr 0 C)$(printf %048d 0 | tr 0 -)" "as a run does"
adm 0 map 1 --since 0 --svg "$SCRATCH/map.svg"
check "the picture is XML" xmllint --noout "$SCRATCH/map.svg"
like "$(cat "$SCRATCH/map.svg")" "changed since the base: 1M" "and says it in words"

# What is free, and what is written to an image.
adm 0 delete --all
mounted ext4 "$DISK_origin" mnt
adm 0 create "$SCRATCH/mnt" --writable --json
free=$(parse '.shadows[0].free')
devio /dev/shadow0 write:16m:64k
adm 0 map 0 --json
is "$(cells written)" 256 "what was written to the image"
check "what is free is as much as the table says, but for what was written" \
	[ "$(parse .total.free)" -le "$free" -a "$(parse .total.free)" -ge $((free - 65536)) ]
check "and most of a new filesystem" [ "$(parse .total.free)" -gt $((40 << 20)) ]
