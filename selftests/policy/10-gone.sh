#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a disk that is pulled while its writes are throttled, or faulted, holds nobody up
# DISKS: a=24M b=24M
# TIMEOUT: 240

. "$(dirname "$0")/policy.sh"

need_module
for disk in "$DISK_a" "$DISK_b"; do
	take "$disk" --store memory:4M
	keep_open "$IMAGE"
	[ "$disk" = "$DISK_b" ] && kind=fail-io || kind=throttle=600
	policy "$disk" "$kind"
	bg 100 devio "$disk" write:0:8m
	writer=$BG
	[ "$disk" = "$DISK_b" ] && state=faulted || state=throttled
	wait_for 20 state_is "$disk" "$state"
	unplug_disk "$disk"
	wait_for 20 bash -c "! kill -0 $writer"
	ok "$state: its writer ends"
	wait_for 20 lost_for "$IMAGE" origin-gone
	let_go
	drop "$IMAGE"
done
is "$(volume_count)" 0 "nothing is tracked any more"
unload
