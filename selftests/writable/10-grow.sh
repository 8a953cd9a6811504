#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store grows for what is written to an image, however slowly that comes
# DISKS: origin=400M store=420M
# TIMEOUT: 400

. "$(dirname "$0")/writable.sh"

mkfs_on ext4 "$DISK_store" -b 4096
mount_at "$DISK_store" "$SCRATCH/store"
file=$SCRATCH/store/file
need_module
take_writable "$DISK_origin" --store "$file" --initial 272M --max 272M
# What is not to be exceeded leaves an eighth to what is preserved.
expect_fail 'No space left on device' dd if=/dev/zero of="$IMAGE" bs=1M count=300 oflag=direct
left=$((272 * 7 / 8))
stored=$(($(shadow "$IMAGE" overlay) >> 20))
check "no more than $left MiB were stored" [ $stored -le $left ]
check "and not much less: $stored" [ $stored -ge $((left - 8)) ]
expect_fail 'No space left on device' devio "$IMAGE" write:300m:1m
# The rate at which it fills is forgotten; then it may grow, and an eighth is enough for that.
sleep 35
volume "$DISK_origin" rate >/dev/null
run parts resize "$DISK_origin" 0 380
sleep 2
is "$(stat -c %s "$file")" $((273 << 20)) "growth is not due"
for ((i = 0; i < 8; i++)); do
	check "4 MiB more are stored" devio "$IMAGE" write:$((300 + 4 * i))m:4m
	sleep 2
done
check "the store has grown" [ "$(stat -c %s "$file")" -gt $((273 << 20)) ]
is "$(shadow "$IMAGE" state)" created "the shadow is there"
drop_all
umount_at "$SCRATCH/store"
unload
