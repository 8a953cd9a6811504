#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a file on another filesystem grows from small to its limit under load; no shadow goes for it
# CORE
# DISKS: origin=96M oracle=96M ext4=192M xfs=192M
# TIMEOUT: 400

. "$(dirname "$0")/store.sh"

need_module
listen
# As fast as it can: each write has old data to preserve.
for type in ext4 xfs; do
	disk=DISK_$type
	if [ $type = ext4 ]; then
		mkfs_on ext4 "${!disk}" -b 4096
	else
		mkfs_on xfs "${!disk}"
	fi
	mount_at "${!disk}" "$SCRATCH/$type"
	file=$SCRATCH/$type/file
	store_file "$file" 8
	shadow_with_oracle "$DISK_origin" "$file:$((112 << 20))" "$DISK_origin"
	is "$(part "$DISK_origin" max)" $((112 << 20)) "$type: the file may become larger"
	overwrite "$DISK_origin" 0 96
	check "$type: the image is the oracle" ora_compare "$oracle_image" "$DISK_oracle"
	still_all created
	diag "$(parts list)"
	check "$type: the file has grown" [ "$(stat -c %s "$file")" -ge $((97 << 20)) ]
	check "$type: to its limit and no further" [ "$(stat -c %s "$file")" -le $((113 << 20)) ]
	check "$type: an event told so" event store-grown
	left_alone "$file"
	settle
	shadowadm delete --all -q
	is_free "$file"
	umount_at "$SCRATCH/$type"
done
check "the filesystem of the file is sound" e2fsck -fn "$DISK_ext4"
check "the filesystem of the file is sound" xfs_repair -n "$DISK_xfs"
check "growth never failed" no_event grow-failed
unload
