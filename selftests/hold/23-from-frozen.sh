#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: an owner whose program lies on the frozen volume, as root's does
# DISKS: a=48M

. "$(dirname "$0")/hold.sh"

mkfs_on ext4 "$DISK_a"
mount_at "$DISK_a" "$SCRATCH/mnt"
cp "$TREE/selftests/tools/holder" "$TREE/userspace/build/shadowadm" \
	"$TREE"/userspace/build/libshadowcopy.so* "$SCRATCH/mnt"
sync -f "$SCRATCH/mnt"
need_module
echo 3 >/proc/sys/vm/drop_caches
cd "$SCRATCH/mnt"
check "step by step" timeout 30 ./holder --auto-release "$DISK_a" --freeze -- add hold take release
cp holder again
echo 3 >/proc/sys/vm/drop_caches
check "in one" timeout 30 ./again --auto-release "$DISK_a" --freeze -- add take
echo 3 >/proc/sys/vm/drop_caches
check "shadowadm" env LD_LIBRARY_PATH="$SCRATCH/mnt" timeout 30 ./shadowadm create "$SCRATCH/mnt" -q
cd /
check "no hold ran into its end" [ -z "$(kernel_log | grep 'was held for')" ]
drop_all
