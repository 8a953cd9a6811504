#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: partclone, e2image and dd copy the image of a busy ext4; each copy is the volume of the instant
# DISKS: origin=96M copy=96M room=256M
# TIMEOUT: 300

. "$(dirname "$0")/send.sh"

# good_copy WITH: the filesystem on the second disk is sound, and has what the image has
good_copy() {
	check "$1: the copy is sound" e2fsck -fn "$DISK_copy"
	mkdir -p "$SCRATCH/there"
	mount -o ro "$DISK_copy" "$SCRATCH/there"
	check "$1: it has the same files" diff -r "$SCRATCH/there" "$SCRATCH/image"
	umount "$SCRATCH/there"
	blkdiscard -f "$DISK_copy"
}

an_ext4
room
need_module
bg 200 bash -c "while :; do dd if=/dev/urandom of='$mnt/busy' bs=64k count=64 conv=fsync 2>/dev/null; done"
writer=$BG
take_used "$DISK_origin"
mount_at "$IMAGE" "$SCRATCH/image" -o ro,noload
live 7

run dd if="$IMAGE" of="$DISK_copy" bs=1M iflag=direct oflag=direct status=none
check "dd: each byte" cmp "$IMAGE" "$DISK_copy"
good_copy dd

run e2image -ra "$IMAGE" "$DISK_copy" >/dev/null
good_copy e2image

if [ -n "$(type -P partclone.ext4)" ]; then
	export TERM=dumb
	check "partclone reads it" quietly partclone.ext4 -c -F -L "$SCRATCH/log" -s "$IMAGE" \
		-o "$targets/part.clone"
	check "... only what is used" test "$(stat -c %s "$targets/part.clone")" -lt $((64 << 20))
	check "... and restores it" quietly partclone.restore -L "$SCRATCH/log" \
		-s "$targets/part.clone" -o "$DISK_copy"
	good_copy partclone
else
	diag "no partclone"
fi
bg_stop "$writer"
