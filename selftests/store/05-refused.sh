#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: files that cannot be stores are refused, and say why
# DISKS: origin=16M store=32M

. "$(dirname "$0")/store.sh"

need_module
mkfs_on ext4 "$DISK_store"
mount_at "$DISK_store" "$SCRATCH/store"

# refused ERRNO REASON FILE
refused() {
	expect_fail "error=$1 .*reason=$2" holder "$DISK_origin" --store "$3" -- add
}

fill "$SCRATCH/on-tmpfs" 1 8
refused EOPNOTSUPP STORE_FS "$SCRATCH/on-tmpfs"

mkdir "$SCRATCH"/{lower,upper,work,overlay}
mount -t tmpfs none "$SCRATCH/upper"
cleanup "umount_at '$SCRATCH/upper'"
mkdir "$SCRATCH"/upper/{data,work}
mount -t overlay none "$SCRATCH/overlay" \
	-o lowerdir="$SCRATCH/store,upperdir=$SCRATCH/upper/data,workdir=$SCRATCH/upper/work"
cleanup "umount_at '$SCRATCH/overlay'"
store_file "$SCRATCH/store/file" 8
refused EOPNOTSUPP STORE_FS "$SCRATCH/overlay/file"

truncate -s 8M "$SCRATCH/store/sparse"
refused EINVAL STORE_HOLES "$SCRATCH/store/sparse"
fallocate --punch-hole -o 4M -l 1M "$SCRATCH/store/file"
refused EINVAL STORE_HOLES "$SCRATCH/store/file"
store_file "$SCRATCH/store/file" 2
refused EINVAL STORE_SIZE "$SCRATCH/store/file"
refused EINVAL STORE_FILE "$SCRATCH/store"

store_file "$SCRATCH/store/swap" 8
mkswap "$SCRATCH/store/swap" >/dev/null
swapon "$SCRATCH/store/swap"
refused EBUSY STORE_IN_USE "$SCRATCH/store/swap"
swapoff "$SCRATCH/store/swap"

# What was refused is as it was.
for name in sparse file swap; do
	check "$name can be written" dd if=/dev/zero of="$SCRATCH/store/$name" bs=4k count=1 \
		conv=notrunc status=none
	check "$name can be deleted" rm "$SCRATCH/store/$name"
done
is "$(parts list)" "" "no part is left"
unload
