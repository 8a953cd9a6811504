#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadowadm run: XFS, btrfs with subvolumes, a partition of a disk, directories and files of them
# DISKS: a=64M b=320M c=160M
# TIMEOUT: 300

. "$(dirname "$0")/runs.sh"

modprobe -q xfs || skip "no XFS"

# Partitions of a disk that is the volume, one of them XFS.
partition "$DISK_a" 2048:60000 65536:60000
mkfs_on ext4 "${DISK_a}1"
mkfs_on xfs "$DISK_b"
mount_at "${DISK_a}1" "$SCRATCH/one" -o nosuid
mount_at "$DISK_b" "$SCRATCH/xfs" -o noexec
echo "one before" >"$SCRATCH/one/file"
mkdir "$SCRATCH/xfs/in" "$SCRATCH/part"
echo "xfs before" >"$SCRATCH/xfs/in/file"
: >"$SCRATCH/place"
mount --bind "$SCRATCH/xfs/in" "$SCRATCH/part"
cleanup "umount_at '$SCRATCH/part'"
mount --bind "$SCRATCH/xfs/in/file" "$SCRATCH/place"
cleanup "umount '$SCRATCH/place'"
need_module
cleanup drop_all

cat >"$SCRATCH/look" <<-EOF2
	#!/bin/sh
	echo go >"$SCRATCH/ask" && read -r answer <"$SCRATCH/answer"
	cat "$SCRATCH/one/file" "$SCRATCH/xfs/in/file" "$SCRATCH/part/file" "$SCRATCH/place"
	findmnt -nro OPTIONS "$SCRATCH/one" | tail -n 1
	findmnt -nro OPTIONS "$SCRATCH/xfs" | tail -n 1
EOF2
chmod +x "$SCRATCH/look"
mkfifo "$SCRATCH/ask" "$SCRATCH/answer"
timeout 100 shadowadm run "$DISK_a" "$DISK_b" -- "$SCRATCH/look" >"$SCRATCH/said" &
job=$!
read -t 60 -r _ <>"$SCRATCH/ask"
echo "after" | tee "$SCRATCH/one/file" "$SCRATCH/xfs/in/file" >"$SCRATCH/answer"
check "the command runs" wait $job
is "$(head -n 4 "$SCRATCH/said")" "one before
xfs before
xfs before
xfs before" "a partition, XFS, a directory of it, a file of it"
like "$(tail -n 2 "$SCRATCH/said")" '^ro,nosuid,[^n]*
ro,noexec,' "each is mounted as the original is, but read-only" || diag "$(tail -n 2 "$SCRATCH/said")"
nothing_left

# A btrfs: mounted subvolumes are shown, where the kernel can have both at a time.
if modprobe -q btrfs && [ -n "$(type -P mkfs.btrfs)" ]; then
	mkfs_on btrfs "$DISK_c"
	mount_at "$DISK_c" "$SCRATCH/top"
	btrfs -q subvolume create "$SCRATCH/top/@home" 2>/dev/null || btrfs subvolume create "$SCRATCH/top/@home" >/dev/null
	mount_at "$DISK_c" "$SCRATCH/home" -o subvol=@home
	echo "home before" >"$SCRATCH/home/file"
	sync
	if [ "$(printf '%s\n' 6.7 "$(uname -r)" | sort -V | head -n 1)" = 6.7 ]; then
		is "$(timeout 100 shadowadm run "$SCRATCH/home" -- sh -c "cat '$SCRATCH/home/file' '$SCRATCH/top/@home/file'; touch '$SCRATCH/home/new'" 2>&1 | grep -v warning)" \
			"home before
home before
touch: cannot touch '$SCRATCH/home/new': Read-only file system" "a subvolume of btrfs, and the whole"
	else
		expect_fail 'a btrfs of the same UUID is mounted' timeout 100 shadowadm run "$SCRATCH/home" -- true
	fi
	nothing_left
fi
