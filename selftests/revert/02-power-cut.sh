#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: power is lost in the middle of a revert, and again: attaching goes on, before anybody can mount it (B-31)
# DISKS: origin=64M,iops=1000 store=160M a=64M b=64M
# TIMEOUT: 400

. "$(dirname "$0")/revert.sh"

mnt=$SCRATCH/mnt
need_module
mkdir -p "$mnt"

# has_begun: some of it is done, and not all
has_begun() {
	local percent

	percent=$(revert_of percent)
	[ "${percent:-0}" -ge 10 ]
}

# cut_within: end the machine in the middle of it
cut_within() {
	wait_for 60 has_begun
	revert_is state running
	diag "$(revert_of percent) per cent"
	power_cut
}

case $STAGE in
0)
	disk_limit origin
	mkfs_on ext4 "$DISK_origin"
	mount_at "$DISK_origin" "$mnt"
	fill "$mnt/one" 1 8
	umount_at "$mnt"
	shot "$DISK_a"
	change 0 40
	shot "$DISK_b"
	change 30 24
	disk_limit origin iops=20
	check "it begins" shadowadm revert --yes --no-wait "$(images | head -n 1)"
	expect_fail "busy" mount "$DISK_origin" "$mnt"
	cut_within
	;;
1)
	disk_limit origin iops=20
	check "the store is attached" shadowadm store attach "$DISK_origin" --store "$DISK_store" --no-wait
	expect_fail "busy" mount "$DISK_origin" "$mnt"
	cut_within
	;;
esac

# check says the same
is "$(shadowadm store check "$DISK_store" --json | jq -r .revert)" begun "the log says that it has begun"
answer=$(shadowadm store attach "$DISK_origin" --store "$DISK_store")
like "$answer" "was reverted" "attaching waits until it is done"
revert_is state "done"
mount_at "$DISK_origin" "$mnt" -o ro
check "the file is there" same "seed:1" "$mnt/one"
umount_at "$mnt"
check "the volume is the oracle" ora_compare "$DISK_origin" "$DISK_a"
equal "$DISK_a" "$DISK_b"
is "$(shadowadm store check "$DISK_store" --json | jq -r .revert)" null "the log says that it is over"

# And it is not done once more.
change 0 2
cp "$DISK_origin" "$SCRATCH/now"
parts detach "$DISK_origin"
attach 2
revert_is state ""
check "what was written since stays" cmp "$DISK_origin" "$SCRATCH/now"
equal "$DISK_a" "$DISK_b"
drop_all
unload
