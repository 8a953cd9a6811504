# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of stores share: the oracle of the image tests, and looking at parts.

# shellcheck source=selftests/image/common.sh
. "${BASH_SOURCE[0]%/*}/../image/common.sh"
# shellcheck source=selftests/shadow.sh
. "${BASH_SOURCE[0]%/*}/../shadow.sh"

# store_file FILE MIB: make a file that can be a store
store_file() {
	rm -f "$1"
	fallocate -l "$2M" "$1"
	chmod 600 "$1"
}

# part VOLUME KEY [PART]: print what the list says of a part, by default the first
part() {
	parts list "$1" | grep -m 1 "part=${3:-}" | tr ' ' '\n' | sed -n "s/^$2=//p"
}

# overwrite DEVICE FIRST-MIB MIB: write something else, 1 MiB at a time
overwrite() {
	local at

	for ((at = $2; at < $2 + $3; at++)); do
		dd if=/dev/urandom of="$1" bs=1M count=1 seek="$at" oflag=direct conv=notrunc \
			status=none
	done
}

# places FILE: print the first byte and the length of each of its extents on its device
places() {
	filefrag -e -b512 -v "$1" | awk -F'[:.]+ *' '/^ *[0-9]+:/ { print $4 * 512, $6 * 512 }'
}

# free_places DEVICE: the same of what is free on the ext4 filesystem there
free_places() {
	dumpe2fs "$1" 2>/dev/null | awk '
		/^Block size:/ { size = $3 }
		/^  Free blocks: / {
			sub(/^  Free blocks: /, "")
			n = split($0, ranges, ", ")
			for (i = 1; i <= n; i++) {
				split(ranges[i] "-" ranges[i], ends, "-")
				print ends[1] * size, (ends[2] - ends[1] + 1) * size
			}
		}'
}

# own_shot VOLUME ORACLE [STORE [PART]]: a shadow of a mounted volume, $IMAGE, and a copy of
# the volume made while it is held; the first one's store is STORE, and PART is added to it
# when the set is in the making
own_shot() {
	local answer

	answer=$(holder --timeout 60000 "$1" ${3:+--store "$3"} --freeze -- add \
		${4:+"exec:parts add $1 $4"} hold \
		"exec:dd if=$1 of=$2 bs=1M iflag=direct oflag=direct status=none" take release keep print)
	[ -z "${3:-}" ] || cleanup drop_all
	IMAGE=$(sed -n 's/.* image[0-9]*=\([^ ]*\).*/\1/p' <<<"$answer")
	[ -b "$IMAGE" ] || fail "a shadow was made: $answer"
}

# still_all: no shadow was lost, and none has gone
still_all() {
	is "$(shadowadm list --json | jq -r '[.shadows[].state] | join(" ")')" "$1" "all shadows are there"
}

# swap_to FILE: what swapon does when the file looks like swap space
swap_to() {
	python3 -c '
import ctypes, os, sys
if ctypes.CDLL(None, use_errno=True).swapon(sys.argv[1].encode(), 0):
    sys.exit(os.strerror(ctypes.get_errno()))' "$1"
}

# left_alone FILE: the kernel lets nobody change a file that is a store
left_alone() {
	local file=$1

	expect_fail 'Text file busy' truncate -s 0 "$file"
	expect_fail 'Text file busy' dd if=/dev/zero of="$file" bs=4k count=1 conv=notrunc
	expect_fail 'Text file busy' dd if=/dev/zero of="$file" bs=4k count=1 conv=notrunc oflag=direct
	expect_fail 'Text file busy' fallocate --punch-hole -o 0 -l 1M "$file"
	expect_fail 'Text file busy' fallocate --zero-range -o 0 -l 1M "$file"
	expect_fail 'Text file busy' fallocate --collapse-range -o 0 -l 1M "$file"
	expect_fail 'Operation not permitted' rm -f "$file"
	touch "$file.other"
	expect_fail 'Operation not permitted' mv -f "$file.other" "$file"
	rm "$file.other"
	expect_fail 'Device or resource busy' swap_to "$file"
	expect_fail 'busy' umount "$(dirname "$file")"
}

# is_free FILE: it can be changed and deleted again
is_free() {
	check "the file can be written" dd if=/dev/urandom of="$1" bs=1M count=2 conv=notrunc,fsync \
		status=none
	check "and read back" cmp -n 2097152 "$1" "$1"
	check "and truncated" truncate -s 1M "$1"
	check "and deleted" rm "$1"
}

# own_test TYPE DEVICE [MKFS-OPTION...]: shadows of a volume that has their store on it, while it is written
own_test() {
	local mnt=$SCRATCH/mnt file oracle image n
	local -a images=()
	local -A oracle_of

	file=$mnt/store
	mkfs_on "$@"
	mount_at "$DISK_origin" "$mnt"
	echo before >"$mnt/marker"
	# What is in its blocks is not what the image is to show.
	fill "$file" 7 64
	fill "$mnt/more" 8 16
	chmod 600 "$file" "$mnt/more"
	sync -f "$mnt"
	need_module
	writers_start "$DISK_origin" "$mnt" random-buffered random-direct
	for oracle in "$DISK_a" "$DISK_b" "$DISK_c"; do
		n=${#images[@]}
		if [ "$n" -eq 0 ]; then
			own_shot "$DISK_origin" "$oracle" "$file" "$mnt/more"
			places "$file" >"$SCRATCH/places"
			places "$mnt/more" >"$SCRATCH/more"
			left_alone "$file"
			cat "$SCRATCH/more" >>"$SCRATCH/places"
			is "$(part "$DISK_origin" allocated 1)" $((15 << 20)) "the second part is ready"
		else
			own_shot "$DISK_origin" "$oracle"
		fi
		images+=("$IMAGE")
		oracle_of[$IMAGE]=$oracle
		check "image $n is its oracle while the volume is written" \
			ora_compare "$IMAGE" "$oracle" "$SCRATCH/places"
	done
	is "$(part "$DISK_origin" flags)" 0x1 "the part lies on the volume"
	check "the writers have not stopped" writers_write
	for image in "${images[@]}"; do
		check "$image is its oracle" ora_compare "$image" "${oracle_of[$image]}" "$SCRATCH/places"
		head -n "$(places "$file" | wc -l)" "$SCRATCH/places" >"$SCRATCH/store"
		check "the store's blocks are zeros in $image" reads_as_zeros "$image" "$SCRATCH/store"
		check "those of the second part, too" reads_as_zeros "$image" "$SCRATCH/more"
		check_filesystem "$1" "$image" "$image"
	done
	writers_stop
	still_all "created created created"
	check "blocks were preserved" [ "$(part "$DISK_origin" used)" -gt $((4 << 20)) ]
	diag "$(parts list)"
	# The one in the middle, the oldest, the newest.
	settle
	shadowadm delete -q "${images[1]}"
	overwrite_file "$mnt/other" 6
	for n in 0 2; do
		check "${images[n]} is its oracle" \
			ora_compare "${images[n]}" "${oracle_of[${images[n]}]}" "$SCRATCH/places"
	done
	shadowadm delete -q "${images[0]}"
	check "${images[2]} is its oracle" \
		ora_compare "${images[2]}" "${oracle_of[${images[2]}]}" "$SCRATCH/places"
	shadowadm delete -q "${images[2]}"
	is "$(parts list)" "" "no part is left"
	is_free "$file"
	umount_at "$mnt"
	case $1 in
	ext4) check "the volume is sound" e2fsck -fn "$DISK_origin" ;;
	xfs) check "the volume is sound" xfs_repair -n "$DISK_origin" ;;
	esac
	unload
}

# reads_as_zeros IMAGE PLACES: all but the first MiB of a store, where its header is
reads_as_zeros() {
	local first bytes skip=$((1 << 20)) some

	while read -r first bytes; do
		if [ "$skip" -ge "$bytes" ]; then
			skip=$((skip - bytes))
			continue
		fi
		some=$(dd if="$1" bs=4k iflag=skip_bytes,count_bytes,direct skip=$((first + skip)) \
			count=$((bytes - skip)) status=none | tr -d '\0' | wc -c) || return 1
		[ "$some" -eq 0 ] || return 1
		skip=0
	done <"$2"
}

# overwrite_file FILE MIB: new data in a file
overwrite_file() {
	dd if=/dev/urandom of="$1" bs=1M count="$2" conv=fsync status=none
}
