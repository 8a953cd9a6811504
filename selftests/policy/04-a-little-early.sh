#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: room is made before it is needed, but not long before: with 4 MiB left, and a batch
# DISKS: origin=128M

. "$(dirname "$0")/policy.sh"

fill "$DISK_origin" 1
need_module
shot "$DISK_origin" $((64 << 20))
devio "$DISK_origin" write:0:32m
shot "$DISK_origin" $((64 << 20))
devio "$DISK_origin" write:32m:26m
sleep 1
is "$(images)" "${SHOTS[*]}" "with 6 MiB left both are there"
devio "$DISK_origin" write:58m:3m
wait_for 20 images_are "${SHOTS[1]}"
ok "with 3 MiB left the first has gone"
is "$(volume "$DISK_origin" blocks_preserved)" $((61 << 8)) "it was not full then"
devio "$DISK_origin" write:61m:3m
is "$(volume "$DISK_origin" blocks_preserved)" $((64 << 8)) "and writes go on"
is_right "${SHOTS[1]}"
