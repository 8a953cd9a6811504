#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a file on the volume itself grows under load, while more shadows are made; all are right
# DISKS: origin=320M a=320M b=320M c=320M
# TIMEOUT: 500

. "$(dirname "$0")/store.sh"

# told IMAGE ORACLE: tell the module what was free
told() {
	free_places "$2" | xargs -n 120 tell_free "${1#/dev/shadow}" >/dev/null
}

mnt=$SCRATCH/mnt
mkfs_on ext4 "$DISK_origin" -b 4096
mount_at "$DISK_origin" "$mnt"
echo before >"$mnt/marker"
fill "$mnt/data" 1 40
# What is free is not zeros, and is not what the image is to show either.
fill "$mnt/gone" 2 150
sync -f "$mnt"
rm "$mnt/gone"
file=$mnt/store
store_file "$file" 64
sync -f "$mnt"
need_module
listen
writers_start "$DISK_origin" "$mnt" random-buffered
# The whole file in each epoch, but not so fast that what is free is told too late.
bg 200 bash -c 'while :; do
	for ((at = 0; at < 40; at += 2)); do
		dd if=/dev/urandom of="$1" bs=1M count=2 seek=$at oflag=direct conv=notrunc status=none
		sleep 0.2
	done
done' x "$mnt/data"
rewriter=$BG
images=()
oracles=("$DISK_a" "$DISK_b" "$DISK_c")
store=$file:$((220 << 20))
for oracle in "${oracles[@]}"; do
	own_shot "$DISK_origin" "$oracle" ${store:+"$store"}
	store=
	images+=("$IMAGE")
	told "$IMAGE" "$oracle" || fail "what was free was told: $(dmesg | tail -n 3)"
	diag "$(parts list)"
	sleep 8
done
check "the writers have not stopped" writers_write
check "data is rewritten still" kill -0 "$rewriter"
bg_stop "$rewriter"
writers_stop
diag "$(parts list)"
still_all "created created created"
is "$(volume "$DISK_origin" '| "\(.evicted) \(.lost)"')" "0 0" "none was evicted or lost"
check "the file has grown" [ "$(stat -c %s "$file")" -ge $((100 << 20)) ]
check "an event told so" event store-grown
# What it has now: it only ever got more.
places "$file" >"$SCRATCH/store"
for n in 0 1 2; do
	free_places "${oracles[n]}" | cat "$SCRATCH/store" - >"$SCRATCH/places"
	check "${images[n]} is its oracle" ora_compare "${images[n]}" "${oracles[n]}" "$SCRATCH/places"
	check_filesystem ext4 "${images[n]}" "${images[n]}"
done
settle
shadowadm delete -q "${images[1]}"
overwrite_file "$mnt/data" 20
for n in 0 2; do
	free_places "${oracles[n]}" | cat "$SCRATCH/store" - >"$SCRATCH/places"
	check "${images[n]} is its oracle" ora_compare "${images[n]}" "${oracles[n]}" "$SCRATCH/places"
done
settle
shadowadm delete -q --all
is_free "$file"
umount_at "$mnt"
check "the volume is sound" e2fsck -fn "$DISK_origin"
unload
