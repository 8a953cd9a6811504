#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: parts are added while a shadow exists and the volume is written; the next blocks go there
# DISKS: origin=64M oracle=64M store=24M file=96M
# TIMEOUT: 200

. "$(dirname "$0")/store.sh"

need_module
mkfs_on ext4 "$DISK_file"
mount_at "$DISK_file" "$SCRATCH/store"
file=$SCRATCH/store/file
store_file "$file" 48
mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"

expect_fail 'error=ENOENT .*reason=NO_DEVICE' parts add "$DISK_origin" memory:8388608
track "$DISK_origin"
expect_fail 'error=ENOENT .*reason=NO_DEVICE' parts add "$DISK_origin" memory:8388608

writers_start "$DISK_origin" "$SCRATCH/mnt" random-buffered random-direct
shadow_with_oracle "$DISK_origin" memory:$((16 << 20)) "$DISK_origin" "$DISK_origin"
is "$(parts add "$DISK_origin" "$DISK_store")" 1 "a device is added"
is "$(parts add "$DISK_origin" "$file")" 2 "a file is added"
expect_fail 'error=EEXIST .*reason=DUPLICATE' parts add "$DISK_origin" "$file"
expect_fail 'error=EEXIST .*reason=DUPLICATE' parts add "$DISK_origin" "$DISK_store"
expect_fail 'error=EEXIST .*reason=DUPLICATE' parts add "$DISK_origin" memory
is "$(parts list "$DISK_origin" | wc -l)" 3 "there are three parts"
left_alone "$file"
check "the image is the oracle meanwhile" ora_compare "$oracle_image" "$DISK_oracle"
writers_stop
# More than the first part has, and nothing that a filesystem still has to write.
umount_at "$SCRATCH/mnt"
overwrite "$DISK_origin" 4 50
check "the image is the oracle after all writes" ora_compare "$oracle_image" "$DISK_oracle"
diag "$(parts list)"
for n in 0 1 2; do
	check "part $n is in use" [ "$(part "$DISK_origin" used $n)" -gt 0 ]
done
is "$(volume "$DISK_origin" '| "\(.evicted) \(.lost)"')" "0 0" "no shadow was lost for it"
shadowadm delete --all -q
is "$(parts list)" "" "no part is left"
is_free "$file"
unload
