#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store on the volume that gets blocks with a file of an older shadow in them preserves it first
# CORE
# DISKS: origin=192M oracle=192M
# TIMEOUT: 300

. "$(dirname "$0")/store.sh"

# blocks_of FILE: print each block of a list of places
blocks_of() {
	awk '{ for (at = $1; at < $1 + $2; at += 4096) print at }' "$1" | sort
}

mnt=$SCRATCH/mnt
mkfs_on ext4 "$DISK_origin" -b 4096 -m 0
mount_at "$DISK_origin" "$mnt"
echo before >"$mnt/marker"
fill "$mnt/store" 7 32
fill "$mnt/victim" 8 5
fill "$mnt/data" 9 55
# Little is free, so the file that is to come gets blocks of the one that goes.
fallocate -l $(($(stat -f -c '%f * %S' "$mnt") - (27 << 20))) "$mnt/filler"
chmod 600 "$mnt/store"
sync -f "$mnt"
need_module
own_shot "$DISK_origin" "$DISK_oracle" "$mnt/store"
shadowadm pin "$IMAGE" >/dev/null
free_places "$DISK_oracle" | xargs -n 120 tell_free "${IMAGE#/dev/shadow}" >/dev/null
places "$mnt/victim" >"$SCRATCH/victim"
places "$mnt/store" >"$SCRATCH/zeros"
free_places "$DISK_oracle" >>"$SCRATCH/zeros"
rm "$mnt/victim"
sync -f "$mnt"
settle

store_file "$mnt/more" 28
places "$mnt/more" >"$SCRATCH/more"
shared=$(comm -12 <(blocks_of "$SCRATCH/victim") <(blocks_of "$SCRATCH/more") | wc -l)
check "it has $shared blocks of the file that is gone" [ "$shared" -ge 256 ]
parts add "$DISK_origin" "$mnt/more" >/dev/null
wait_for 30 eval '[ "$(part "$DISK_origin" allocated 1)" -eq $((27 << 20)) ]'
check "the image is its oracle when they are the store's" \
	ora_compare "$IMAGE" "$DISK_oracle" "$SCRATCH/zeros"
# As much as fills both parts but for two MiB; what was preserved of the other file is in them.
dd if=/dev/urandom of="$mnt/data" bs=1M count=$((56 - (shared + 255) / 256)) conv=notrunc,fsync status=none
settle
sleep 2
check "they are nearly full" [ "$(part "$DISK_origin" used 1)" -gt $((22 << 20)) ]
check "the image is its oracle still" ora_compare "$IMAGE" "$DISK_oracle" "$SCRATCH/zeros"
check_filesystem ext4 "$IMAGE" "$IMAGE"
still_all created
drop_all
unload
umount_at "$mnt"
check "the volume is sound" e2fsck -fn "$DISK_origin"
