#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: shadows that are pinned, open or mounted are never evicted (J-15)
# DISKS: origin=24M
# TIMEOUT: 240

. "$(dirname "$0")/policy.sh"

evicted() {
	[ "$(volume "$DISK_origin" evicted)" -ge "$1" ]
}

mkfs_on ext4 "$DISK_origin"
need_module
# What each has, the one before has as well, so that any one that goes makes room.
for _ in 1 2 3 4 5 6; do
	shot "$DISK_origin" $((8 << 20))
	devio "$DISK_origin" write:8m:1m
done
shadowadm pin "${SHOTS[0]}"
is "$(shadow "${SHOTS[0]}" pinned) $(shadow "${SHOTS[1]}" pinned)" "true false" "one is pinned"
exec {open}<"${SHOTS[1]}"
mount_at "${SHOTS[3]}" "$SCRATCH/image" -o ro,noload
is "$(images)" "${SHOTS[*]}" "six shadows"

devio "$DISK_origin" write:14m:2m
wait_for 20 evicted 1
is "$(images)" "${SHOTS[0]} ${SHOTS[1]} ${SHOTS[3]} ${SHOTS[4]} ${SHOTS[5]}" \
	"the third went, the oldest that nobody needs"
is_right "${SHOTS[0]}" "${SHOTS[1]}" "${SHOTS[3]}" "${SHOTS[4]}" "${SHOTS[5]}"

# When it is closed and unpinned, it is like any other.
exec {open}<&-
shadowadm unpin "${SHOTS[0]}"
settle
before=$(volume "$DISK_origin" evicted)
devio "$DISK_origin" write:16m:3m
wait_for 20 evicted $((before + 1))
check "then the first goes" [ ! -e "${SHOTS[0]}" ]
is_right "${SHOTS[3]}"
is "$(volume "$DISK_origin" lost)" 0 "none was lost"
umount_at "$SCRATCH/image"
