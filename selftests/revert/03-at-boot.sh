#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a volume in use is reverted when its store is attached the next time, unless that is taken back (B-31)
# DISKS: origin=64M store=160M a=64M b=64M
# TIMEOUT: 400

. "$(dirname "$0")/revert.sh"

mnt=$SCRATCH/mnt
need_module

if [ "$STAGE" -eq 0 ]; then
	mkfs_on ext4 "$DISK_origin"
	mount_at "$DISK_origin" "$mnt"
	fill "$mnt/one" 1 8
	sync
	shot "$DISK_a"
	first=$IMAGE
	fill "$mnt/one" 2 8
	shot "$DISK_b"
	second=$IMAGE

	refused busy shadowadm revert --yes "$first"
	check "it says who has it" grep -q "mounted on $mnt" "$SCRATCH/refused"
	check "it says what to do" grep -q -- --at-boot "$SCRATCH/refused"
	check "it is noted" shadowadm revert --yes --at-boot "$first"
	revert_is state noted
	check "once more, too" shadowadm revert --yes --at-boot "$first"
	refused reverting shadowadm revert --yes --at-boot "$second"
	refused reverting shadowadm revert --yes "$second"
	expect_fail "is being reverted, or is to be" shadowadm delete -q "$first"
	check "list tells which one" [ "$(shadow "$first" revert)" = true ]
	check "it is taken back" shadowadm revert --cancel "$DISK_origin"
	revert_is state ""
	refused state shadowadm revert --cancel "$DISK_origin"
	is "$(shadow "$first" revert)" false "so it can go again"

	# With a log that is put together anew in between.
	check "it is noted" shadowadm revert --yes --at-boot "$first"
	before=$(parts log "$DISK_origin")
	fio --name=log --filename="$mnt/log" --rw=randwrite --bs=4k --size=24m --direct=1 \
		--ioengine=libaio --iodepth=1 --randrepeat=0 --runtime=60 --time_based \
		--output=/dev/null &
	fio=$!
	anew() { [ "$(parts log "$DISK_origin" | sed 's/.*checkpoints=//')" -gt "${before##*=}" ]; }
	wait_for 60 anew
	kill "$fio"
	wait "$fio" || true
	shadowadm create "$mnt" --persistent -q
	settle
	is "$(shadow_count)" 3 "shadows can be made all the same"
	sync
	power_cut
fi

answer=$(shadowadm store attach "$DISK_origin" --store "$DISK_store")
like "$answer" "3 shadows .* there again" "the store is attached"
like "$answer" "was reverted" "and the volume reverted"
check "the volume is the oracle" ora_compare "$DISK_origin" "$DISK_a"
mapfile -t found < <(images)
check "shadow 0 is its oracle" ora_compare "${found[0]}" "$DISK_a"
check "shadow 1 is its oracle" ora_compare "${found[1]}" "$DISK_b"
mkdir -p "$mnt"
shadowadm mount -q "${found[2]}" "$mnt"
check "the third one has what was written before" same "seed:2" "$mnt/one"
shadowadm umount -q "${found[2]}"
mount_at "$DISK_origin" "$mnt"
check "and the volume what was there first" same "seed:1" "$mnt/one"
umount_at "$mnt"

# Detaching is as good as a reboot.
check "it is noted" shadowadm revert --yes --at-boot "${found[1]}"
settle
parts detach "$DISK_origin"
shadowadm store attach "$DISK_origin" --store "$DISK_store" -q
check "the volume is the other oracle" ora_compare "$DISK_origin" "$DISK_b"

# A revert to it now is the one that was noted.
mapfile -t found < <(images)
check "it is noted" shadowadm revert --yes --at-boot "${found[0]}"
reverted "${found[0]}" "$DISK_a"
settle
parts detach "$DISK_origin"
attach 3
revert_is state ""
drop_all
unload
