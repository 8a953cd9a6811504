# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of free space share: a filesystem with files in pieces, and the proof that
# new files cost nothing and old ones are as they were.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

ORIGIN=${DISK_origin:-}
MNT=$SCRATCH/mnt
mkdir "$SCRATCH/image"

# populate DIRECTORY: files of many sizes, and holes between them where others were
populate() {
	local i

	mkdir -p "$1/sub"
	for ((i = 0; i < 60; i++)); do
		head -c $((i * 3001 + 1)) /dev/urandom >"$1/sub/$i"
	done
	fill "$1/large" 1 6
	fill "$1/gone" 2 4
	sync -f "$1"
	rm "$1/gone" "$1"/sub/*[37]
	ln "$1/sub/1" "$1/link"
	sync -f "$1"
}

# new_files MIB: fill free space with so much, in files of a MiB
new_files() {
	local i

	mkdir -p "$MNT/new"
	for ((i = 0; i < $1; i++)); do
		fill "$MNT/new/$i" "$((100 + i))" 1
	done
	sync -f "$MNT"
}

# known IMAGE: print how many bytes are known to be free
known() {
	shadow "$1" free
}

# where FILE: print "OFFSET BYTES" of the whole 4 KiB blocks of a file's first extent on
# its device: those that it shares with others may not have been free
where() {
	filefrag -b1 -v "$1" | awk -F'[:.]+ *' '/^ +0:/ {
		first = int(($4 + 4095) / 4096) * 4096
		print first, int(($4 + $6) / 4096) * 4096 - first
		exit
	}'
}

# zeros IMAGE OFFSET BYTES: is that all zeros?
zeros() {
	local n

	n=$(dd if="$1" bs=4k iflag=skip_bytes,count_bytes,direct skip="$2" count="$3" status=none |
		tr -d '\0' | wc -c)
	[ "$n" -eq 0 ]
}

# fsck_xfs IMAGE: a freeze leaves the counters of the superblock in the log, so of a copy
# of the image the log is replayed first
fsck_xfs() {
	[ -d /sys/module/loop ] || modprobe loop
	mkdir -p "$SCRATCH/replay"
	dd if="$1" of="$SCRATCH/copy" bs=1M iflag=direct conv=sparse status=none &&
		mount -o loop,nouuid "$SCRATCH/copy" "$SCRATCH/replay" &&
		umount "$SCRATCH/replay" && xfs_repair -n -f "$SCRATCH/copy"
}

# fsck_image TYPE IMAGE
fsck_image() {
	case $1 in
	ext[234]) e2fsck -fn "$2" ;;
	xfs) fsck_xfs "$2" ;;
	btrfs) btrfs check --readonly "$2" ;;
	esac >"$SCRATCH/fsck" 2>&1 || {
		diag "$(tail -n 30 "$SCRATCH/fsck")"
		return 1
	}
}

# costs MIB PERMILLE: new files of so much cost no more than that share of it
costs() {
	local before after

	before=$(volume "$ORIGIN" blocks_preserved)
	new_files "$1"
	after=$(volume "$ORIGIN" blocks_preserved)
	check "$1 MiB of new files: $((after - before)) blocks were preserved" \
		[ $((after - before)) -le $(($1 * 256 * $2 / 1000)) ]
}

# prove TYPE MIB PERMILLE [MKFS-OPTION...]: a shadow of a filesystem of this kind: MIB of new
# files cost at most that share of copies; fstrim none; files are as they were; what new
# files lie on is zeros in the image
prove() {
	local type=$1 mib=$2 permille=$3 before blocks place

	shift 3
	mkfs_on "$type" "$ORIGIN" "$@"
	mount_at "$ORIGIN" "$MNT"
	populate "$MNT"
	before=$(digests "$MNT")
	need_module
	take_used "$MNT"
	check "$(($(known "$IMAGE") >> 20)) MiB are known to be free" \
		[ "$(known "$IMAGE")" -ge $((mib << 20)) ]
	is "$(known "$IMAGE")" "$(shadowadm show "$IMAGE" --json | jq '.shadows[0].free')" \
		"show says the same"
	costs "$mib" "$permille"

	read -r place blocks < <(where "$MNT/new/1")
	diag "a new file lies at $place, $blocks bytes"
	check "the image has zeros there" zeros "$IMAGE" "$place" "$blocks"

	rm -r "$MNT/new"
	sync -f "$MNT"
	before_trim=$(volume "$ORIGIN" blocks_preserved)
	fstrim "$MNT"
	blocks=$(($(volume "$ORIGIN" blocks_preserved) - before_trim))
	check "fstrim: $blocks blocks were preserved" [ "$blocks" -le $((mib * 256 * permille / 1000)) ]

	# what was there is preserved as ever
	rm -r "$MNT/sub" "$MNT/large"
	sync -f "$MNT"
	fstrim "$MNT"
	new_files "$mib"
	check "the image passes fsck" fsck_image "$type" "$IMAGE"
	run shadowadm mount "$IMAGE" "$SCRATCH/image"
	is "$(digests "$SCRATCH/image")" "$before" "all files are as they were"
	shadowadm umount "$IMAGE"
	is "$(shadow "$IMAGE" state)" created "the shadow lives"
	drop_all
	umount_at "$MNT"
}
