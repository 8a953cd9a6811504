#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: fstrim of a mounted filesystem leaves the image alone
# DISKS: origin=48M

. "$(dirname "$0")/ops.sh"

mkfs_on ext4 "$ORIGIN"
mount_at "$ORIGIN" "$SCRATCH/mnt" -o discard
fill "$SCRATCH/mnt/a" 1 16
fill "$SCRATCH/mnt/b" 2 8
sync -f "$SCRATCH/mnt"
need_module
take "$SCRATCH/mnt"
before=$(checksum "$IMAGE")
rm "$SCRATCH/mnt/a"
sync -f "$SCRATCH/mnt"
fstrim "$SCRATCH/mnt"
preserved
is "$(checksum "$IMAGE")" "$before" "the image is as it was"
mount_at "$IMAGE" "$SCRATCH/image" -o ro,noload
check "the file is there" same seed:1 "$SCRATCH/image/a" $((16 << 20))
