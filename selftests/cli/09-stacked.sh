#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a set of stacked volumes: --dry-run shows the order of freezing, and all are of one instant
# DISKS: disk=64M host=64M plain=16M

. "$(dirname "$0")/cli.sh"

# position DEVICE: print its place in the plan
position() {
	parse "[.plan[].dev] | index(\"$(device_number "$1")\")"
}

has lvm
partition "$DISK_disk" 2048:122880
pvcreate -q "${DISK_disk}1" >/dev/null
vgcreate -q cli "${DISK_disk}1" >/dev/null
cleanup 'vgremove -q -y cli >/dev/null'
lvcreate -q -y -n home -L 32m cli >/dev/null
settle
lv=/dev/mapper/cli-home
mounted ext4 "$lv" home
mounted ext4 "$DISK_host" host
modprobe loop
truncate -s 24M "$SCRATCH/host/disk.img"
loop=$(losetup --find --show "$SCRATCH/host/disk.img")
cleanup "losetup -d $loop"
mounted ext4 "$loop" guest
need_module
cleanup drop_all

adm 0 create --dry-run "${DISK_disk}1" "$SCRATCH/host" "$SCRATCH/guest" --json
is "$(parse '[.plan[] | select(.shadow)] | length')" 3 "three get a shadow"
check "the file on ext4 before the ext4" [ "$(position "$loop")" -lt "$(position "$DISK_host")" ]
check "the logical volume before its partition" \
	[ "$(position "$lv")" -lt "$(position "${DISK_disk}1")" ]
is "$(parse ".plan[$(position "$lv")] | [.shadow, .freeze, .fstype] | map(tostring) | join(\" \")")" \
	"false true ext4" "the logical volume is only frozen"
is "$(parse '[.plan[] | select(.shadow) | .consistency] | unique | join(" ")')" filesystem \
	"all will be consistent"
adm 0 create --dry-run "${DISK_disk}1" "$SCRATCH/host" "$SCRATCH/guest"
like "$OUT" "DEVICE .*FREEZE.*$SCRATCH/home" "the table shows it to people"
is "$(shadow_count) $(volume_count)" "0 0" "nothing was made"

# One counter in all three; each step is on disk before the next begins.
count() {
	local n

	for ((n = 1; ; n++)); do
		for where in home host guest; do
			echo $n >"$SCRATCH/$where/count"
			sync "$SCRATCH/$where/count"
		done
	done
}
count &
counting=$!
cleanup "kill $counting 2>/dev/null || true"
wait_for 10 [ -s "$SCRATCH/guest/count" ]
adm 0 create "$lv" "$SCRATCH/host" "$SCRATCH/guest" --json
set=$(parse .set)
kill $counting
is "$(parse '[.shadows[].consistency] | unique | join(" ")')" filesystem "all are consistent"
mkdir "$SCRATCH/to"
adm 0 mount "$set" "$SCRATCH/to"
cleanup "umount -q $SCRATCH/to/* || true"
mapfile -t counts < <(cat "$SCRATCH"/to/*/count)
is ${#counts[@]} 3 "the counter is in all three"
least=$(printf '%s\n' "${counts[@]}" | sort -n | head -1)
most=$(printf '%s\n' "${counts[@]}" | sort -n | tail -1)
check "they are of one instant: ${counts[*]}" [ $((most - least)) -le 1 ]
adm 0 umount "$set"
adm 0 delete "$set"
