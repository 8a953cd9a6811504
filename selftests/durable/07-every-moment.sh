#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: power is lost at each of many moments, with any part of what was not flushed: no shadow is wrong (H-20, J-23)
# DISKS: big=104M log=900M replay=104M cow=64M a=40M b=40M
# TIMEOUT: 900

. "${BASH_SOURCE[0]%/*}/durable.sh"

mnt=$SCRATCH/mnt
origin_size=$((40 * 2048))
store_size=$((64 * 2048))
need_module
modprobe -a dm-log-writes dm-snapshot

# halves DEVICE PREFIX: a volume and a store on one device, so that one log has both in order
halves() {
	dm_create "$2origin" "0 $origin_size linear $1 0"
	dm_create "$2store" "0 $store_size linear $1 $origin_size"
	DISK_origin=/dev/mapper/$2origin
	DISK_store=/dev/mapper/$2store
}

mark() {
	dmsetup message all 0 mark "$1"
}

# -- what happens, once

dm_create all "0 $(sectors "$DISK_big") log-writes $DISK_big $DISK_log"
halves /dev/mapper/all ""
mkfs_on ext4 "$DISK_origin"
mount_at "$DISK_origin" "$mnt"
fill "$mnt/file" 1 8
sync
mark begin
shot "$DISK_a"
mark a
for n in 1 2 3 4 5 6; do
	fio --name=w --filename="$mnt/file" --rw=randwrite --bsrange=4k-32k --size=8m --io_size=1m \
		--randrepeat=0 --fsync=8 --output=/dev/null
	cp "$mnt/file" "$mnt/copy$n" && rm -f "$mnt/copy$((n - 1))"
	if [ "$n" -eq 2 ]; then
		shot "$DISK_b"
		mark b
	fi
	if [ "$n" -eq 4 ]; then
		mark deleting
		drop "$(images | head -n 1)"
		mark deleted
	fi
done
sync
diag "$(parts log "$DISK_origin")"
umount_at "$mnt"
parts detach "$DISK_origin"
settle
dm_remove origin
dm_remove store
dm_remove all
logwrites "$DISK_log" >"$SCRATCH/entries"

# at MARK: the number of its entry
at() {
	awk -v mark="$1" '/ mark / && $NF == mark { print NR - 1; exit }' "$SCRATCH/entries"
}
a=$(at a) b=$(at b) deleting=$(at deleting) deleted=$(at deleted)
diag "$(wc -l <"$SCRATCH/entries") entries, $(grep -cE 'flush|fua' "$SCRATCH/entries") of them flushes: begin $(at begin) a $a b $b deleting $deleting deleted $deleted"

# -- and then at any moment the power fails: after a flush

# is_right IMAGE: it is one of the two
is_right() {
	cmp -s "$1" "$DISK_a" || cmp -s "$1" "$DISK_b"
}

# moment NUMBER NEXT SEED: what is there when all before that entry has reached the disk, and some of
# what is between it and the next flush
moment() {
	local answer least=0 image

	dd if=/dev/zero of="$DISK_cow" bs=4k count=1 oflag=direct status=none
	dm_create snap "0 $(sectors "$DISK_replay") snapshot $DISK_replay $DISK_cow N 8"
	logwrites "$DISK_log" replay /dev/mapper/snap "$1" "$2" "$3"
	halves /dev/mapper/snap s
	[ "$1" -le "$a" ] || least=1
	[ "$1" -le "$b" ] || [ "$1" -ge "$deleting" ] || least=2
	if answer=$(parts attach "$DISK_origin" "$DISK_store" 2>&1); then
		settle
		[[ $answer =~ ^shadows=([0-2])\ lost=0\ dropped=[01]$ ]] ||
			fail "at $1: $answer"
		[ "${BASH_REMATCH[1]}" -ge "$least" ] || fail "at $1: $least shadows at least: $answer"
		for image in $(images); do
			is_right "$image" || fail "at $1, seed $3: $image is wrong"
		done
		[ "${BASH_REMATCH[1]}" -eq 0 ] || parts detach "$DISK_origin" >/dev/null
		settle
	elif [ "$1" -gt "$a" ]; then
		fail "at $1, seed $3: $answer"
	fi
	e2fsck -fp "$DISK_origin" >"$SCRATCH/fsck" 2>&1 || [ $? -le 1 ] || fail "at $1: $(cat "$SCRATCH/fsck")"
	dm_remove sorigin
	dm_remove sstore
	dm_remove snap
}

mapfile -t flushes < <(awk -v from="$(at begin)" '/flush|fua/ && NR > from { print NR }' "$SCRATCH/entries")
moments=${MOMENTS:-10}
[ "$moments" -le "${#flushes[@]}" ] || moments=${#flushes[@]}
done_upto=0
for ((n = 0; n < moments; n++)); do
	i=$n
	if [ "$moments" -lt "${#flushes[@]}" ]; then
		step=$((${#flushes[@]} / moments))
		i=$((n * step + RANDOM % step))
	fi
	point=${flushes[i]}
	[ "$point" -ge "$done_upto" ] || continue
	logwrites "$DISK_log" replay "$DISK_replay" "$done_upto" "$point"
	done_upto=$point
	next=${flushes[i + 1]:-$((point + 1))}
	moment "$point" "$((next - 1))" "$RANDOM"
done
ok "no shadow is wrong at $moments moments"
unload
