#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: evictions under fio while shadows are made, opened, pinned, read and deleted: those held stay right
# ALONE
# DISKS: origin=24M
# TIMEOUT: 300

. "$(dirname "$0")/policy.sh"

fill "$DISK_origin" 1
need_module
track "$DISK_origin"
shot "$DISK_origin" $((40 << 20))
held=$IMAGE
shadowadm pin "$held"
fio_under "$DISK_origin" --size=24M
# Its 24 MiB are the held one's for good; the rest of the store is for all others.
bg 100 bash -c 'while :; do shadowadm create -q "$1" >/dev/null 2>&1; sleep 0.3; done' x "$DISK_origin"
maker=$BG
bg 100 bash -c 'while :; do
	for image in /dev/shadow[0-9]*; do
		[ "$image" = "$1" ] || shadowadm pin "$image" >/dev/null 2>&1
		dd if="$image" of=/dev/null bs=64k count=4 iflag=direct 2>/dev/null
		[ "$image" = "$1" ] || shadowadm unpin "$image" >/dev/null 2>&1
	done; done' x "$held"
bg 100 bash -c 'while :; do
	for image in /dev/shadow[0-9]*; do
		[ "$image" = "$1" ] || shadowadm delete -q "$image" >/dev/null 2>&1
		sleep 1.7
	done; done' x "$held"
for round in 1 2 3; do
	sleep 8
	check "the pinned one is right ($round)" ora_compare "$held" "${ORACLE[$held]}"
done
diag "evicted $(volume "$DISK_origin" evicted), lost $(volume "$DISK_origin" lost), $(shadow_count) there"
check "shadows were evicted" [ "$(volume "$DISK_origin" evicted)" -gt 0 ]
bg_stop "$maker"
fio_ends
