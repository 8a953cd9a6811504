#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a durable store that is full: the oldest shadows go, by each policy, and are gone after a loss of power, too (E-08)
# DISKS: origin=96M store=32M a=96M b=96M
# TIMEOUT: 300

. "$(dirname "$0")/durable.sh"

mnt=$SCRATCH/mnt
need_module

# write_random MIB: to the file
write_random() {
	fio --name=full --filename="$mnt/file" --rw=randwrite --bs=4k --size=60m --io_size="$1m" \
		--direct=1 --ioengine=libaio --iodepth=8 --randrepeat=0 --output=/dev/null
}

if [ "$STAGE" -eq 0 ]; then
	mkfs_on ext4 "$DISK_origin"
	mount_at "$DISK_origin" "$mnt"
	fill "$mnt/file" 1 60
	sync
	shot "$DISK_a"
	first=$(shadow "$IMAGE" uuid)
	# In the order in which it lies in no store, so with a long log.
	write_random 14
	shot "$DISK_b"
	shadowadm pin -q "$IMAGE"
	for ((n = 0; n < 6; n++)); do
		write_random 2
		diag "$(parts list | tr ' ' '\n' | grep used) $(shadowadm list --json | jq -r '[.shadows[] | .state] | join(" ")')"
	done
	diag "$(parts log "$DISK_origin")"
	diag "$(parts list)"
	settle
	is "$(shadowadm list --json | jq -r --arg u "$first" '.shadows[] | select(.uuid == $u) | .state')" "" \
		"the oldest has gone"
	equal "$DISK_b"
	shadowadm list --json | jq -r '[.shadows[] | "\(.uuid) \(.state)"] | join(" ")' >"$mnt/left"
	sync
	power_cut
fi

attach 1
equal "$DISK_b"
mount_at "$DISK_origin" "$mnt"
is "$(shadowadm list --json | jq -r '[.shadows[] | "\(.uuid) \(.state)"] | join(" ")')" "$(cat "$mnt/left")" \
	"those are there that were"
# There is room again when all are gone, and a new one can be made.
drop_all
shot "$DISK_a"
check "a new one is its oracle" cmp "$IMAGE" "$DISK_a"
check "the volume can be written" fill "$mnt/file" 9 8
check "and that is still so" cmp "$IMAGE" "$DISK_a"
drop_all
umount_at "$mnt"
unload
