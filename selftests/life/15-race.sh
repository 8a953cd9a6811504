#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: several make and delete shadows of one volume at the same time, under load
# ALONE
# DISKS: a=32M,iops=400 b=32M

. "$(dirname "$0")/life.sh"

need_module
write_under "$DISK_a"
makers=()
for ((maker = 0; maker < 3; maker++)); do
	bg 60 bash -e -c 'for i in {1..12}; do
		holder --auto-release "$@" -- add take
	done' maker "$DISK_a" "$DISK_b"
	makers+=("$BG")
done
for pid in "${makers[@]}"; do
	check "it made all its sets" bg_wait "$pid"
done
settle
wait_for 10 untracked
none_lost "$DISK_a"
unload
