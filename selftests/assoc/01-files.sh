#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store's file is made on ext4, XFS and btrfs, and refused on what cannot have one (J-11)
# TIMEOUT: 400
# DISKS: ext4=128M xfs=128M btrfs=256M ext2=32M vfat=32M vol=64M

. "$(dirname "$0")/assoc.sh"

on ext4 ext4
on xfs xfs
on btrfs btrfs
on ext2 ext2 -O ^extents
on vfat vfat
mkdir -m 755 "$SCRATCH/lower" "$SCRATCH/layer" "$SCRATCH/over"
mount -t tmpfs -o mode=755 tmpfs "$SCRATCH/layer"
cleanup "umount '$SCRATCH/layer'"
mkdir "$SCRATCH/layer/up" "$SCRATCH/layer/work"
mount -t overlay -o "lowerdir=$SCRATCH/lower,upperdir=$SCRATCH/layer/up,workdir=$SCRATCH/layer/work" \
	over "$SCRATCH/over"
cleanup "umount '$SCRATCH/over'"

# room DIRECTORY: what is free on its filesystem
room() {
	sync -f "$1"
	echo $(($(stat -f -c '%a * %S' "$1")))
}

# content DIRECTORY: print what is in it
content() {
	find "$1" -mindepth 1 -not -name lost+found
}

# The root of a filesystem that is a service's: who owns it cannot exchange that.
need_module
chown 12345 "$SCRATCH/ext4"
adm 1 store add "$DISK_vol" "$SCRATCH/ext4/store"
adm 0 create "$DISK_vol" --store "$SCRATCH/ext4/" --initial 8M
adm 0 delete --all
mkdir "$SCRATCH/ext4/theirs"
chown 12345 "$SCRATCH/ext4/theirs"
adm 1 create "$DISK_vol" --store "$SCRATCH/ext4/theirs/" --initial 8M
chown 0 "$SCRATCH/ext4"
rmdir "$SCRATCH/ext4/theirs"

for fs in ext4 xfs btrfs; do
	file=$SCRATCH/$fs/store
	free=$(room "$SCRATCH/$fs")
	adm 0 store add "$DISK_vol" "$file" --initial 16M
	is "$(stat -c '%a %u %s' "$file")" "600 0 $((17 << 20))" "$fs: root's, of its initial size"
	is "$(stat -c '%b' "$file")" "$((17 << 11))" "$fs: all of it is allocated"
	check "$fs: in the filesystem's own count, too" \
		[ $((free - $(room "$SCRATCH/$fs"))) -ge $((16 << 20)) ]
	is "$(tail -c +4097 "$file" | tr -d '\0' | wc -c)" 0 "$fs: nothing but a header is in it"
	forget
	is "$(content "$SCRATCH/$fs")" "" "$fs: gc deletes it"
done

adm 0 store add "$DISK_vol" "$SCRATCH/btrfs/store" --initial 8M
like "$(lsattr "$SCRATCH/btrfs/store")" '^-*C-* ' "btrfs: it has no copy-on-write"
forget
: >"$SCRATCH/btrfs/store"
chmod 600 "$SCRATCH/btrfs/store"
adm 0 store add "$DISK_vol" "$SCRATCH/btrfs/store" --initial 8M
like "$(lsattr "$SCRATCH/btrfs/store")" '^-*C-* ' "nor has one that was there, empty"
forget
adm 0 store add "$DISK_vol" "$SCRATCH/btrfs/store" --max 32M
is "$(stat -c %s "$SCRATCH/btrfs/store")" $((33 << 20)) \
	"it cannot grow, so it has its maximum from the beginning"
forget

# The default sizes: 64 MiB, at most half of what is free
adm 0 store add "$DISK_vol" "$SCRATCH/xfs/store"
size=$(stat -c %s "$SCRATCH/xfs/store")
check "without sizes it takes no more than half of what is free" \
	[ "$size" -gt $((20 << 20)) -a "$size" -le $((65 << 20)) ]
forget

mistake 1 "$SCRATCH/ext2/store: its filesystem cannot allocate a file in advance.*tune2fs -O extents" \
	store add "$DISK_vol" "$SCRATCH/ext2/store" --initial 8M
mistake 1 "filesystem mounted on $SCRATCH/vfat \\(vfat\\) is of a kind whose files the kernel cannot map\\. Name a directory of an ext4" \
	store add "$DISK_vol" "$SCRATCH/vfat/store"
mistake 1 'filesystem mounted on /tmp \(tmpfs\) is in memory\. Use --store memory' \
	store add "$DISK_vol" "$SCRATCH/store"
mistake 1 "filesystem mounted on $SCRATCH/over \\(overlay\\) is a layer above other filesystems" \
	store add "$DISK_vol" "$SCRATCH/over/store"
mistake 1 "it begins with 501M, and the filesystem has [0-9]+M free\\. Make room, begin with less \\(--initial\\), or use another" \
	store add "$DISK_vol" "$SCRATCH/ext4/store" --initial 500M --max 500M
mount -o remount,ro "$SCRATCH/xfs"
mistake 1 "cannot make the store $SCRATCH/xfs/store: Read-only file system" \
	store add "$DISK_vol" "$SCRATCH/xfs/store"
mount -o remount,rw "$SCRATCH/xfs"
for fs in ext4 xfs btrfs ext2 vfat; do
	is "$(content "$SCRATCH/$fs")" "" "$fs: nothing is left of what was refused"
done
check "nor a line" [ ! -e "$CONF" ]

# A swap file is in use, whatever it looks like
adm 0 store add "$DISK_vol" "$SCRATCH/ext4/swap" --initial 8M
rm "$CONF"
dd if="$SCRATCH/ext4/swap" of="$SCRATCH/header" bs=4k count=1 status=none
mkswap -q -f "$SCRATCH/ext4/swap" 2>/dev/null
swapon "$SCRATCH/ext4/swap"
cleanup "swapoff '$SCRATCH/ext4/swap'"
mistake 1 'the file has other contents' store add "$DISK_vol" "$SCRATCH/ext4/swap"
mistake 1 'somebody else has the file open: a program, a machine, a loop device, for swapping' store add "$DISK_vol" "$SCRATCH/ext4/swap" --force
