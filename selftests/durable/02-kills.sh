#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: the machine is ended at any moment, under load, while shadows come and go
# DISKS: origin=48M store=96M a=48M b=48M c=48M d=48M
# TIMEOUT: 200

. "${BASH_SOURCE[0]%/*}/durable.sh"

mnt=$SCRATCH/mnt
oracles=("$DISK_a" "$DISK_b" "$DISK_c" "$DISK_d")
need_module

# oracle_of IMAGE: the oracle that it equals
oracle_of() {
	local oracle

	for oracle in "${oracles[@]}"; do
		! cmp -s "$1" "$oracle" || echo "$oracle"
	done
}

if [ "$STAGE" -eq 0 ]; then
	mkfs_on ext4 "$DISK_origin"
	for oracle in "${oracles[@]}"; do	# nothing is like any of them
		dd if=/dev/urandom of="$oracle" bs=1M count=1 oflag=direct conv=notrunc status=none
	done
else
	# Between the deletion of the only shadow and the next one there is no store.
	if ! answer=$(parts attach "$DISK_origin" "$DISK_store" 2>&1); then
		like "$answer" "reason=STORE_FORMAT" "there is no store, or it can be attached"
		answer="shadows=0 lost=0 dropped=0"
	fi
	settle
	diag "$answer"
	like "$answer" "^shadows=[0-4] lost=0 dropped=[01]$" "no shadow is lost"
	declare -A used=()
	mapfile -t found < <(images)
	is "shadows=${#found[@]}" "${answer%% *}" "those are there that were said to be"
	for image in "${found[@]}"; do
		oracle=$(oracle_of "$image")
		check "$image is an oracle, and none is it twice" \
			[ -n "$oracle" -a -z "${used[${oracle:-none}]:-}" ]
		used[$oracle]=$image
	done
fi
# Enough of them, or of the time.
begun=$(cat "$RESULTS/begun" 2>/dev/null) || begun=$(date +%s | tee "$RESULTS/begun")
if [ "$STAGE" -ge "${KILLS:-3}" ] || [ $(($(date +%s) - begun)) -gt "${LIMIT:-3600}" ]; then
	ok "the machine was ended $STAGE times"
	diag "$(parts log "$DISK_origin")"
	drop_all
	check "the volume is sound" e2fsck -fp "$DISK_origin"
	unload
	exit 0
fi

mount_at "$DISK_origin" "$mnt"
writers_start "$DISK_origin" "$mnt" random-buffered random-direct sector-direct
[ "$STAGE" -ne 0 ] || shot "$DISK_a"

# From here on at any moment:
delay=$((RANDOM % 15 + 1)).$((RANDOM % 10))
diag "the end comes in $delay s"
{ sleep "$delay"; power_cut; } &
while :; do
	for oracle in "${oracles[@]}"; do
		mapfile -t found < <(images)
		for image in "${found[@]}"; do
			[ "$(oracle_of "$image")" != "$oracle" ] || drop "$image"
		done
		shot "$oracle"
		is "$(oracle_of "$IMAGE")" "$oracle" "$IMAGE is its oracle"
		diag "$(parts log "$DISK_origin")"
	done
done
