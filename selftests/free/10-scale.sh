#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a sparse volume of 64 TiB: what is free costs megabytes, what is written is what counts
# TIMEOUT: 400

. "$(dirname "$0")/free.sh"

has mkfs.xfs
[ -d /sys/module/loop ] || modprobe loop
truncate -s 64T "$SCRATCH/sparse"
ORIGIN=$(losetup --find --show "$SCRATCH/sparse")
cleanup "losetup -d $ORIGIN"
mkfs.xfs -q -K -l size=64m "$ORIGIN"
mount_at "$ORIGIN" "$MNT"
populate "$MNT"
before=$(digests "$MNT")
need_module
start=$SECONDS
take_used "$MNT"
diag "made, and told what is free, in $((SECONDS - start)) s"
check "$(($(known "$IMAGE") >> 30)) GiB are known to be free" \
	[ "$(known "$IMAGE")" -gt $((63 << 40)) ]
index=$(volume "$ORIGIN" index_bytes)
check "that takes $((index >> 10)) KiB of memory" [ "$index" -lt $((12 << 20)) ]
new_files 40
now=$(volume "$ORIGIN" index_bytes)
check "40 MiB of new files take $(((now - index) >> 10)) KiB more" \
	[ $((now - index)) -lt $((1 << 20)) ]
blocks=$(volume "$ORIGIN" blocks_preserved)
check "$blocks blocks were preserved" [ "$blocks" -lt 1500 ]
run shadowadm mount "$IMAGE" "$SCRATCH/image"
is "$(digests "$SCRATCH/image")" "$before" "all files are as they were"
shadowadm umount "$IMAGE"
