#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store moves from memory to a device, to a file and back, under writes and reads
# DISKS: origin=32M oracle=32M device=80M files=96M
# TIMEOUT: 400

. "$(dirname "$0")/change.sh"

fill "$DISK_origin" 1
mkfs_on ext4 "$DISK_files"
mount_at "$DISK_files" "$SCRATCH/files"
file=$SCRATCH/files/store
store_file "$file" 72
need_module
shadow_with_oracle "$DISK_origin" memory:$((64 << 20)) "$DISK_origin"
first=$oracle_image
writers_start "$DISK_origin" "$DISK_origin" random-direct random-uring
readers_start "$first" "$DISK_oracle" 3
readers_see 2

# moves_to STORE: there is one part more, then one less
moves_to() {
	local old

	old=$(numbers)
	add_part "$1"
	resize "$old" 0
	is "$(numbers)" "$PART" "part $old is gone"
	check "something was moved" [ "$MOVED" -gt 0 ]
	check "writers write still" writers_write
	readers_see 2
}

moves_to "$DISK_device"
is "$(part "$DISK_origin" type)" device "it is the device"
# An older shadow hands its records over while they are moved.
take "$DISK_origin"
moves_to "$file"
is "$(part "$DISK_origin" type)" file "it is the file"
check "the device is free for others" mkfs_on ext4 "$DISK_device"
drop "$IMAGE" &
moves_to memory:80
wait $!
is "$(part "$DISK_origin" type)" memory "it is memory"
is_free "$file"
readers_stop 2
writers_stop
is "$(volume "$DISK_origin" lost) $(volume "$DISK_origin" evicted)" "0 0" "no shadow was lost"
check "the image is the oracle" ora_compare "$first" "$DISK_oracle"
drop_all
is "$(parts list)" "" "no part is left"
umount_at "$SCRATCH/files"
unload
