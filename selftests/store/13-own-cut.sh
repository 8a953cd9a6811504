#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is cut off of a store on the volume is zeros in later images, too, and can be used again
# DISKS: origin=128M oracle=128M
# TIMEOUT: 300

. "$(dirname "$0")/store.sh"

mnt=$SCRATCH/mnt
file=$mnt/store
mkfs_on ext4 "$DISK_origin" -b 4096
mount_at "$DISK_origin" "$mnt"
fill "$file" 7 48
fill "$mnt/data" 8 16
chmod 600 "$file"
sync -f "$mnt"
places "$file" >"$SCRATCH/places"
need_module
own_shot "$DISK_origin" "$DISK_oracle" "$file"
dd if=/dev/urandom of="$mnt/data" bs=1M count=16 conv=notrunc,fsync status=none
settle
check "there is something to be moved" [ "$(part "$DISK_origin" used)" -gt $((14 << 20)) ]
parts add "$DISK_origin" memory:$((32 << 20)) >/dev/null
run parts resize "$DISK_origin" 0 8
is "$(part "$DISK_origin" allocated 0)" $((8 << 20)) "the part is cut"
first=$IMAGE
check "the image is its oracle" ora_compare "$first" "$DISK_oracle" "$SCRATCH/places"

own_shot "$DISK_origin" "$DISK_oracle"
check "all of the file is zeros in an image after that" reads_as_zeros "$IMAGE" "$SCRATCH/places"
check "which is its oracle" ora_compare "$IMAGE" "$DISK_oracle" "$SCRATCH/places"
run parts resize "$DISK_origin" 0 47
wait_for 20 eval '[ "$(part "$DISK_origin" allocated 0)" -eq $((47 << 20)) ]'
run parts resize "$DISK_origin" 1 0
dd if=/dev/urandom of="$mnt/data" bs=1M count=16 conv=notrunc,fsync status=none
check "all of the file is zeros still" reads_as_zeros "$IMAGE" "$SCRATCH/places"
check "and the rest its oracle" ora_compare "$IMAGE" "$DISK_oracle" "$SCRATCH/places"
still_all "created created"
drop_all
unload
is_free "$file"
umount_at "$mnt"
check "the volume is sound" e2fsck -fn "$DISK_origin"
