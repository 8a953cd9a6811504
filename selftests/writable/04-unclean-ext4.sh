#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: an ext4 that was not frozen is recovered in its image, and e2fsck finds it sound
# CORE
# DISKS: origin=128M oracle=128M
# TIMEOUT: 240

. "$(dirname "$0")/writable.sh"

mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$SCRATCH/mnt"
need_module
bg 100 bash -c 'for ((i = 0; ; i++)); do
	mkdir "$1/$((i % 50))" 2>/dev/null || rm -rf "$1/$((i % 50))"
	dd if=/dev/urandom of="$1/file$((i % 7))" bs=64k count=4 conv=fsync status=none
done' work "$SCRATCH/mnt"
echo before >"$SCRATCH/mnt/marker"
sync
sleep 5
# Without a freeze, in the middle of it; the oracle is copied at the same instant.
answer=$(holder --timeout 60000 "$DISK_origin" --store memory -- add hold \
	"exec:dd if=$DISK_origin of=$DISK_oracle bs=1M iflag=direct oflag=direct status=none" \
	take release keep print)
cleanup drop_all
plain=$(sed -n 's/.* image[0-9]*=\([^ ]*\).*/\1/p' <<<"$answer")
settle
check "the image is the oracle" ora_compare "$plain" "$DISK_oracle"
check "its journal is not empty" grep -q needs_recovery <(dumpe2fs -h "$plain" 2>/dev/null)

answer=$(holder --writable --timeout 60000 "$DISK_origin" --store memory -- add hold take \
	release keep print)
IMAGE=$(sed -n 's/.* image[0-9]*=\([^ ]*\).*/\1/p' <<<"$answer")
settle
check "nor is that of the writable one" grep -q needs_recovery <(dumpe2fs -h "$IMAGE" 2>/dev/null)
mkdir "$SCRATCH/image"
cleanup 'umount_at "$SCRATCH/image"'
run shadowadm mount "$IMAGE" "$SCRATCH/image"
like "$(findmnt -n -o OPTIONS "$SCRATCH/image")" '^ro' "mounted read-only"
is "$(cat "$SCRATCH/image/marker")" before "the marker is there"
check "all of it can be read" tar -C "$SCRATCH/image" -cf /dev/null .
# The device was opened for reading, and is not opened again.
run mount -o remount,rw "$SCRATCH/image"
expect_fail 'it is in use' shadowadm seal "$IMAGE"
touch "$SCRATCH/image/marker"
sync -f "$SCRATCH/image"
run shadowadm umount -q "$SCRATCH/image/"
check "the journal was replayed" grep -qv needs_recovery <(dumpe2fs -h "$IMAGE" 2>/dev/null | grep features)
check "e2fsck finds nothing wrong" e2fsck -fn "$IMAGE"
check "something was written for that" [ "$(shadow "$IMAGE" overlay)" -gt 0 ]
run shadowadm mount "$IMAGE" "$SCRATCH/image" -o rw
rm -rf "$SCRATCH"/image/file*
fill "$SCRATCH/image/new" 9 5
run shadowadm umount -q "$SCRATCH/image/"
check "written to, too" e2fsck -fn "$IMAGE"
sealed "$IMAGE"
run shadowadm mount "$IMAGE" "$SCRATCH/image"
check "what was written is there" same seed:9 "$SCRATCH/image/new"
run shadowadm umount -q "$SCRATCH/image/"

check "the other shadow is the oracle still" ora_compare "$plain" "$DISK_oracle"
bg_stop "$BG"
drop_all
umount_at "$SCRATCH/mnt"
check "e2fsck finds nothing wrong with the volume" e2fsck -fn "$DISK_origin"
unload
