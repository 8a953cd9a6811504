#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a loss takes all shadows of the volume that need the store, the next one stands
# DISKS: origin=16M

. "$(dirname "$0")/fault.sh"

fill "$DISK_origin" 1
need_module
listen
take "$DISK_origin" --store memory:4M
first=$IMAGE
devio "$DISK_origin" write:0:1m
take "$DISK_origin"
second=$IMAGE
shadowadm pin "$first" "$second"
fill "$DISK_origin" 2
is_lost "$first" store-full
is_lost "$second" store-full
take "$DISK_origin"
third=$IMAGE
devio "$DISK_origin" write:0:1m
check "one taken with the lost ones there is as it should be" same seed:2 "$third"
drop "$first"
check "also without the first" same seed:2 "$third"
drop "$second"
check "also without the second" same seed:2 "$third"
drop "$third"
unload
