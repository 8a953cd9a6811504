#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: events at 70, 85 and 95 per cent say when the store will be full, and so does the list
# DISKS: origin=48M
# TIMEOUT: 240

. "$(dirname "$0")/policy.sh"

between() {
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ]
}

fill "$DISK_origin" 1
need_module
listen
track "$DISK_origin"
policy "$DISK_origin" throttle=1
take "$DISK_origin" --store memory:32M
for ((at = 0; at < 31; at++)); do
	devio "$DISK_origin" "write:${at}m:1m"
	sleep 0.5
	[ $at -ne 16 ] || halfway=$(volume "$DISK_origin" full_seconds)
done
is "$(of store-fill .percent | wc -l)" 3 "three marks were passed"
mapfile -t forecast < <(of store-fill .full_seconds)
diag "seconds to go at half of it: $halfway; at the marks: ${forecast[*]}"
check "the list has a forecast" between 4 "$halfway" 60
check "the first mark has one" between 2 "${forecast[0]}" 40
check "it comes nearer" [ "${forecast[2]}" -lt "${forecast[0]}" ]
