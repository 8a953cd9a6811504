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
fill "$mnt/file" 1 16
sync
declare -A oracle=()
mark begin
shot "$DISK_a"
mark a
oracle[$(shadow "$IMAGE" uuid)]=$DISK_a
for n in 1 2 3 4 5 6; do
	fio --name=w --filename="$mnt/file" --rw=randwrite --bsrange=4k-32k --size=16m --io_size=1m \
		--randrepeat=0 --fsync=8 --output=/dev/null
	head -c 4M "$mnt/file" >"$mnt/copy$n" && rm -f "$mnt/copy$((n - 1))"
	# A log that is long enough to be put together anew.
	fio --name=s --filename="$mnt/file" --rw=randwrite --bs=4k --size=16m --io_size=400k \
		--randrepeat=0 --direct=1 --sync=1 --output=/dev/null
	if [ "$n" -eq 2 ]; then
		shot "$DISK_b"
		mark b
		oracle[$(shadow "$IMAGE" uuid)]=$DISK_b
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

# -- and then at any moment the power fails

# is_right UUID IMAGE
is_right() {
	[ -n "${oracle[$1]:-}" ] && ora_compare "$2" "${oracle[$1]}" >"$SCRATCH/differs"
}

# wrong TEXT: that is the end; nothing is left that keeps the devices
wrong() {
	not_ok "$1"
	drop_all
	exit 1
}

# moment NUMBER NEXT [SOME]: what is there when all before that entry has reached the disk, and
# some of what is between it and the next flush
moment() {
	local answer least=0 uuid image what="at $1 ${3:-and all up to $2}"

	dd if=/dev/zero of="$DISK_cow" bs=4k count=1 oflag=direct status=none
	dm_create snap "0 $(sectors "$DISK_replay") snapshot $DISK_replay $DISK_cow N 8"
	[ "$1" -ge "$2" ] || logwrites "$DISK_log" replay /dev/mapper/snap "$@"
	halves /dev/mapper/snap s
	[ "$1" -le "$a" ] || least=1
	[ "$1" -le "$b" ] || [ "$1" -ge "$deleting" ] || least=2
	if answer=$(parts attach "$DISK_origin" "$DISK_store" 2>&1); then
		settle
		[[ $answer =~ ^shadows=([0-2])\ lost=0\ dropped=[01]$ ]] || wrong "$what: $answer"
		[ "${BASH_REMATCH[1]}" -ge "$least" ] || wrong "$what: $least shadows at least: $answer"
		while read -r uuid image; do
			is_right "$uuid" "$image" || wrong "$what: $image is wrong"
		done < <(shadowadm list --json | jq -r '.shadows[] | "\(.uuid) \(.device)"')
		[ "${answer%% *}" = shadows=0 ] || parts detach "$DISK_origin" >/dev/null
		settle
	elif [ "$1" -gt "$a" ]; then
		wrong "$what: $answer"
	fi
	e2fsck -fp "$DISK_origin" >"$SCRATCH/fsck" 2>&1 || [ $? -le 1 ] || wrong "$what: $(cat "$SCRATCH/fsck")"
	dm_remove sorigin
	dm_remove sstore
	dm_remove snap
	done_moments=$((done_moments + 1))
}

# What may be lost at a flush is what is between it and the next one.  Where there is nothing there is
# no choice, but after a header: all that it names has to be there.  A line for each: the
# entry after the flush, the next flush, and what it is.
awk -v from="$(at begin)" -v header="$origin_size" '
	function tell() {
		if (point && (writes || head))
			print point, NR - 1, head ? "header" : "writes"
	}
	/flush|fua/ && NR > from {
		tell()
		point = NR
		writes = 0
		head = $2 == 8 && ($1 == header || $1 == header + 128)
		next
	}
	$2 && !/mark/ { writes++ }
	END { NR++; tell() }' "$SCRATCH/entries" >"$SCRATCH/moments"
mapfile -t headers < <(grep header "$SCRATCH/moments")
mapfile -t windows < <(grep writes "$SCRATCH/moments")
diag "${#windows[@]} moments with something not flushed, ${#headers[@]} headers"
check "there is a dump, besides a store that is made and detached" [ "${#headers[@]}" -ge 6 ]

# The volume without the store is the worst that can be; of the others one after the other,
# or all of them.
others=("from:$origin_size" half but none all)

# moments_of FILE: go through the moments in it, which are in their order
moments_of() {
	local point next kind one done_upto=0
	local -a some

	dd if=/dev/zero of="$DISK_replay" bs=1M count=$(($(sectors "$DISK_replay") / 2048)) \
		oflag=direct status=none
	while read -r point next kind; do
		[ "$SECONDS" -lt "$end" ] || return 0
		logwrites "$DISK_log" replay "$DISK_replay" "$done_upto" "$point"
		done_upto=$point
		some=("below:$origin_size" "${others[done_moments / 2 % ${#others[@]}]}")
		[ "$kind" = writes ] || some=(none)
		[ -z "${PASSES:-}" ] || some=("below:$origin_size" "${others[@]}")
		for one in "${some[@]}"; do
			case $one in
			none) moment "$point" "$point" ;;
			all) moment "$point" "$next" ;;
			half | but) moment "$point" "$next" "$one:$RANDOM" ;;
			*) moment "$point" "$next" "$one" ;;
			esac
		done
	done <"$1"
}

# Some of them; or all, but where the time is up those that were done lie everywhere.
done_moments=0 end=$((SECONDS + ${LIMIT:-160} * ${SLOW:-1}))
for ((pass = 0; pass < ${PASSES:-1}; pass++)); do
	if [ -n "${PASSES:-}" ]; then
		awk -v pass="$pass" -v passes="$PASSES" 'NR % passes == pass' "$SCRATCH/moments"
	else
		for ((n = 0; n < 16; n++)); do
			low=$((n * ${#windows[@]} / 16)) high=$(((n + 1) * ${#windows[@]} / 16))
			echo "${windows[low + RANDOM % (high - low)]}"
		done
		printf '%s\n' "${headers[@]:2:6}"	# those before name no dump
	fi | sort -n >"$SCRATCH/chosen"
	moments_of "$SCRATCH/chosen"
	diag "$done_moments cases, $SECONDS s"
	[ "$SECONDS" -lt "$end" ] || break
done
ok "no shadow is wrong in $done_moments cases"
check "those were not few" [ "$done_moments" -ge 12 ]
unload
