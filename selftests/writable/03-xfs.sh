#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: XFS is mounted from its image as it is, written to, sealed, and mounted again
# DISKS: origin=400M store=400M
# TIMEOUT: 240

. "$(dirname "$0")/writable.sh"

has mkfs.xfs xfs_repair
modprobe xfs
mkfs_on xfs "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"
mkdir "$SCRATCH/mnt/dir"
fill "$SCRATCH/mnt/dir/file" 3 20
echo before >"$SCRATCH/mnt/marker"
need_module
take_writable "$SCRATCH/mnt" --store "$DISK_store"
take "$SCRATCH/mnt"
other=$IMAGE
sum=$(checksum "$other")
IMAGE=/dev/shadow0
bg 100 bash -c 'while :; do fill "$1/file" 4 8; done' write "$SCRATCH/mnt"

mkdir "$SCRATCH/image"
cleanup 'umount_at "$SCRATCH/image"'
run shadowadm mount "$IMAGE" "$SCRATCH/image"
like "$(findmnt -n -o OPTIONS "$SCRATCH/image")" '^ro,.*nouuid' "mounted read-only, the log replayed"
unlike_recovery=$(findmnt -n -o OPTIONS "$SCRATCH/image")
check "not without recovery" [ "${unlike_recovery/norecovery/}" = "$unlike_recovery" ]
is "$(cat "$SCRATCH/image/marker")" before "the marker is there"
check "the file is as it was" same seed:3 "$SCRATCH/image/dir/file"
run shadowadm umount -q "$SCRATCH/image/"

run shadowadm mount "$IMAGE" "$SCRATCH/image" -o rw
rm "$SCRATCH/image/dir/file"
fill "$SCRATCH/image/new" 5 10
echo recovered >"$SCRATCH/image/marker"
expect_fail 'it is in use' shadowadm seal "$IMAGE"
run shadowadm umount -q "$SCRATCH/image/"
check "XFS finds nothing wrong" xfs_repair -n "$IMAGE"
sealed "$IMAGE"
expect_fail 'the shadow is read-only, because it was sealed' \
	shadowadm mount "$IMAGE" "$SCRATCH/image" -o rw
run shadowadm mount "$IMAGE" "$SCRATCH/image"
is "$(cat "$SCRATCH/image/marker")" recovered "what was written is there"
check "the new file, too" same seed:5 "$SCRATCH/image/new"
check "and the old one is not" [ ! -e "$SCRATCH/image/dir/file" ]
run shadowadm umount -q "$SCRATCH/image/"
check "sealed, XFS finds nothing wrong" xfs_repair -n "$IMAGE"

bg_stop "$BG"
is "$(cat "$SCRATCH/mnt/marker")" before "the volume knows nothing of it"
check "its file is as it was" same seed:3 "$SCRATCH/mnt/dir/file"
is "$(checksum "$other")" "$sum" "nor does its other shadow"
drop_all
umount_at "$SCRATCH/mnt"
check "XFS finds nothing wrong with the volume" xfs_repair -n "$DISK_origin"
unload
