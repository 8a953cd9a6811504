#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: origin and store that fail and recover under load: an end, and no wrong data
# DISKS: origin=32M store=64M

. "$(dirname "$0")/fault.sh"

fill "$DISK_origin" 1
dm_create origin "$(linear "$DISK_origin")"
dm_create store "$(linear "$DISK_store")"
need_module
listen
for ((round = 0; round < 3; round++)); do
	sum=$(checksum /dev/mapper/origin)
	take /dev/mapper/origin --store /dev/mapper/store
	# A writer that errors do not stop
	bg 30 bash -c 'while :; do devio /dev/mapper/origin write:0:2m 2>/dev/null; done'
	writer=$BG
	sleep 0.3
	dm_reload store "0 $(sectors "$DISK_store") flakey $DISK_store 0 $((round == 1 ? 600 : 0)) 1"
	dm_reload origin "0 $(sectors "$DISK_origin") flakey $DISK_origin 0 $((round == 0 ? 600 : 0)) 1"
	sleep 1
	dm_reload store "$(linear "$DISK_store")"
	dm_reload origin "$(linear "$DISK_origin")"
	bg_stop "$writer"
	state=$(shadow "$IMAGE" '| "\(.state) \(.reason)"')
	case $state in
	created*) is "$(checksum "$IMAGE")" "$sum" "$round: the image is as it was" ;;
	*) like "$state" '^lost (store|origin)-error' "$round: lost, and why" ;;
	esac
	drop "$IMAGE"
done
unload
