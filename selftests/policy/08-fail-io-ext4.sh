#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: fail-io under a mounted ext4: it is sound when the fault was cleared and it is mounted anew (E-11)
# DISKS: origin=48M
# TIMEOUT: 240
# EXPECT_LOG: EXT4-fs (error|warning)|EXT4-fs .*Remounting|JBD2: |Aborting journal|Buffer I/O error|lost async|lost sync

. "$(dirname "$0")/policy.sh"

mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"
fill "$SCRATCH/mnt/file" 1 16
sync -f "$SCRATCH/mnt"
need_module
track "$DISK_origin"
policy "$DISK_origin" fail-io
take "$SCRATCH/mnt" --store memory:6M
check "a file of the shadow's time cannot be overwritten" \
	bash -c "! dd if=/dev/zero of='$SCRATCH/mnt/file' bs=1M count=16 conv=notrunc,fsync 2>/dev/null"
is "$(volume "$DISK_origin" '| "\(.state) \(.fault)"')" "faulted store-full" "the volume is faulted"
check "nor anything be written" \
	bash -c "! dd if=/dev/zero of='$SCRATCH/mnt/new' bs=4k count=1 conv=fsync 2>/dev/null"
mount_at "$IMAGE" "$SCRATCH/image" -o ro,noload
check "the shadow has the file as it was" same seed:1 "$SCRATCH/image/file" $((16 << 20))
umount_at "$SCRATCH/image"
expect_fail "has seen failed writes: unmount it" shadowadm volume clear-fault "$SCRATCH/mnt"
umount_at "$SCRATCH/mnt"
drop "$IMAGE"
shadowadm volume clear-fault "$DISK_origin"
is "$(volume "$DISK_origin" fault)" null "the fault is cleared"
mount_at "$DISK_origin" "$SCRATCH/mnt"
check "the file can be overwritten now" fill "$SCRATCH/mnt/file" 2 16
umount_at "$SCRATCH/mnt"
e2fsck -fp "$DISK_origin" >"$SCRATCH/fsck" || [ $? -eq 1 ] || fail "e2fsck: $(cat "$SCRATCH/fsck")"
check "the filesystem is sound" e2fsck -fn "$DISK_origin"
