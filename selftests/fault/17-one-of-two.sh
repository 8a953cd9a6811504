#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: when one volume of a set loses its shadow, the other keeps it
# DISKS: a=16M b=16M

. "$(dirname "$0")/fault.sh"

fill "$DISK_a" 1
fill "$DISK_b" 2
need_module
listen
take "$DISK_a" "$DISK_b" --store "$DISK_a=memory:4M"
keep_open "${IMAGES[0]}"
fill "$DISK_a" 3
fill "$DISK_b" 3
is_lost "${IMAGES[0]}" store-full
is "$(shadow "${IMAGES[1]}" state)" created "the other is not"
check "its image is as it was" same seed:2 "${IMAGES[1]}"
let_go
drop "${IMAGES[@]}"
unload
