#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a disk, its partitions and what lies above one are tracked: each knows what was written to it, by whichever way
# DISKS: origin=32M store=64M
# TIMEOUT: 240

. "$(dirname "$0")/changes.sh"

disk=$DISK_origin
fill "$disk" 1
# The second one's blocks lie across those of the disk.
partition "$disk" 2048:16384 20481:20483
declare -A from=([disk]=0 [one]=2048 [two]=20481) size=([disk]=65536 [one]=16384 [two]=20483)
dm_linear above "${disk}1" 8 16000
from[above]=2056
size[above]=16000
declare -A node=([disk]=$disk [one]=${disk}1 [two]=${disk}2 [above]=/dev/mapper/above)

# write_by WHICH SECTOR SECTORS [KIND]: write, and note it for all below that
write_by() {
	local sector=$((from[$1] + $2)) which begin end

	devio "${node[$1]}" "${4:-write}:${2}s:${3}s"
	for which in disk one two above; do
		[ "$which" != above ] || [ "$1" = above ] || continue
		begin=$((sector - from[$which]))
		end=$((begin + $3))
		begin=$((begin > 0 ? begin : 0))
		end=$((end < size[$which] ? end : size[$which]))
		[ $begin -ge $end ] || echo "$((begin * 512)) $(((end - begin) * 512))" >>"$SCRATCH/to.$which"
	done
}

# set_of_all: one instant of all four
set_of_all() {
	local which

	for which in disk one two above; do
		instant "${node[$which]}" --store memory:32M
		eval "$1_$which=\$((\${#UUID_OF[@]} - 1))"
	done
}

# right WHICH
right() {
	local a=first_$1 b=second_$1 status=0 said

	a=${!a} b=${!b}
	said=$(delta check "${IMAGE_OF[a]}" "${IMAGE_OF[b]}" "${UUID_OF[a]}" "${UUID_OF[b]}" \
		"$SCRATCH/to.$1" 2>&1) || status=$?
	is "$status ${said##*; }" "0 missed 0, too much 0" "$1: $said"
	said=$(delta written "${UUID_OF[b]}" "${UUID_OF[a]}" "$SCRATCH/to.$1" "$SCRATCH/to.$1" 2>&1) || true
	is "${said##*; }" "missed 0, too much 0" "$1: what was written: $said"
}

need_module
set_of_all first
write_by disk 8 1
write_by disk 2040 24			# into the first one
write_by disk 18424 16			# out of it
write_by disk 30000 64
write_by disk 41000 8 discard
write_by one 100 3
write_by one 4000 300 buffered
write_by two 0 8
write_by two 20475 8
write_by two 8000 16 discard
write_by above 0 8
write_by above 9000 200
write_by above 15992 8
write_by above 12000 64 zeroout
set_of_all second
for which in disk one two above; do
	right $which
done
expect_fail 'reason 56' delta runs C "${UUID_OF[second_disk]}" "${UUID_OF[first_one]}"
expect_fail 'reason 56' delta runs C "${UUID_OF[second_one]}" "${UUID_OF[first_two]}"
drop_all
