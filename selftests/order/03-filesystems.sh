#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: no set of two filesystems shows a later file without an earlier one
# DISKS: a=32M b=32M
# TIMEOUT: 240

. "$(dirname "$0")/../lib.sh"

need_module
for name in a b; do
	disk=DISK_$name
	mkfs_on ext4 "${!disk}"
	mount_at "${!disk}" "$SCRATCH/$name"
done
shadowadm volume track "$SCRATCH/a" "$SCRATCH/b"
bg 230 ora_order write "$SCRATCH/a" "$SCRATCH/b"
writer=$BG
cleanup 'shadowadm delete --all -q'
wait_for 20 test -s "$SCRATCH/b/chain3"
for round in 1 2 3 4 5 6 7 8 9 10; do
	mapfile -t image < <(shadowadm create -q "$SCRATCH/a" "$SCRATCH/b")
	mount_at "${image[0]}" "$SCRATCH/image-a" -o ro
	mount_at "${image[1]}" "$SCRATCH/image-b" -o ro
	check "set $round is in order" ora_order check "$SCRATCH/image-a" "$SCRATCH/image-b"
	umount_at "$SCRATCH/image-a"
	umount_at "$SCRATCH/image-b"
	shadowadm delete -q "${image[@]}"
done
check "the writer has not stopped" kill -0 "$writer"
bg_stop "$writer"
