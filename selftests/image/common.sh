# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of the image share: "the image equals an oracle that knows
# nothing of the module, while the origin is overwritten".
#
# A test sets up what it is about and calls image_test.  The oracle is a copy of
# the volume on $DISK_oracle, made with dd while the volume is held.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"

oracle_image=
oracle_writers=

# The fio jobs: KIND -> options.
declare -A oracle_jobs=(
	[random-buffered]="--rw=randwrite --bsrange=4k-64k --ioengine=psync --fsync=32"
	[sequential-buffered]="--rw=write --bs=256k --ioengine=psync --fsync=8"
	[random-direct]="--rw=randwrite --bsrange=4k-64k --ioengine=libaio --iodepth=8 --direct=1"
	[sector-direct]="--rw=randwrite --bsrange=512-16k --blockalign=512 --ioengine=libaio --iodepth=8 --direct=1"
	[random-uring]="--rw=randwrite --bs=4k --ioengine=io_uring --iodepth=16 --direct=1"
	[sequential-uring]="--rw=write --bs=256k --ioengine=io_uring --iodepth=4 --direct=1"
	[random-mmap]="--rw=randwrite --bs=4k --ioengine=mmap --fsync=32"
	[trim]="--rw=randtrim --bsrange=4k-256k --ioengine=libaio --iodepth=2 --direct=1"
)

# writes_done DEVICE: print how many writes it has completed
writes_done() {
	local stat

	read -ra stat <"/sys/class/block/$(basename "$(readlink -f "$1")")/stat"
	echo "${stat[4]}"
}

has_written() {
	[ "$(writes_done "$1")" -ge "$2" ]
}

# writers_start DEVICE TARGET KIND...: fio writes to a device, or to files below
# a directory, until writers_stop; returns when DEVICE is being written.  A
# limited rate: it is the mixture that matters, and somebody else has to read.
writers_start() {
	local device=$1 target=$2 before kind
	local -a args=(--runtime=100 --time_based --thread --randrepeat=0
		--norandommap --refill_buffers --invalidate=0 --thinktime=3ms
		--thinktime_blocks=2 --output="$RESULTS/fio")

	shift 2
	if [ -d "$target" ]; then
		args+=(--directory="$target" --size=10m --fallocate=native)
	else
		args+=(--filename="$target" --allow_mounted_write=1)
	fi
	for kind; do
		# shellcheck disable=SC2206 # a list of words
		args+=(--name="$kind" ${oracle_jobs[$kind]})
	done
	before=$(writes_done "$device")
	diag "fio writes to $target: $*"
	bg 110 fio "${args[@]}" >"$RESULTS/fio.messages" 2>&1
	oracle_writers=$BG
	wait_for 30 has_written "$device" $((before + 200))
}

writers_write() {
	kill -0 "$oracle_writers" 2>/dev/null
}

writers_stop() {
	bg_stop "$oracle_writers"
	check "no writer has failed" writers_well
}

writers_well() {
	! grep -E 'err= *[1-9]|error=' "$RESULTS/fio"
}

# shadow_with_oracle VOLUME STORE READ-FROM [FREEZE]: make a shadow, and copy
# READ-FROM, another way to the same data, while the volume is held.  What is on
# FREEZE is frozen too.  READ-FROM may be VOLUME unless it has dirty pages of its
# own, which a direct read would write out first: behind the gate.
shadow_with_oracle() {
	local volume=$1 store=$2 from=$3 freeze=${4:-}
	local -a devices=("$volume" --store "$store")
	local answer

	if [ "$freeze" = "$volume" ]; then
		devices+=(--freeze)
	elif [ -n "$freeze" ]; then
		devices=("$freeze" --no-shadow --freeze "${devices[@]}")
	fi
	answer=$(holder --timeout 60000 "${devices[@]}" -- add hold \
		"exec:dd if=$from of=$DISK_oracle bs=1M iflag=direct oflag=direct status=none" \
		take release keep print)
	diag "$answer"
	cleanup "shadowadm delete --all -q"
	oracle_image=$(sed -n 's/.* image[0-9]*=\([^ ]*\).*/\1/p' <<<"$answer")
	[ -b "$oracle_image" ] || fail "the set has an image"
}

# preserved VOLUME: print how many blocks were preserved
preserved() {
	shadowadm stats "$1" --json | jq '.volumes[0].blocks_preserved'
}

# check_filesystem TYPE DEVICE WHAT: as it is, its checker accepts it, and what
# is in it can be read
check_filesystem() {
	local type=$1 device=$2 what=$3 options=ro

	case $type in
	ext4)
		# No journal to be replayed: it was frozen.
		check "$what passes e2fsck" e2fsck -fn "$device"
		;;
	xfs)
		# Freezing leaves the log for recovery: see recovers_xfs.
		options=ro,norecovery,nouuid
		;;
	esac
	mount_at "$device" "$SCRATCH/image" -o "$options"
	is "$(cat "$SCRATCH/image/marker")" "before" "$what has the file from before"
	umount_at "$SCRATCH/image"
}

# recovers_xfs: a copy of the image is mounted, which recovers its log, and is
# sound then.  Takes the oracle's place.
recovers_xfs() {
	dd if="$oracle_image" of="$DISK_oracle" bs=1M iflag=direct oflag=direct status=none
	mount_at "$DISK_oracle" "$SCRATCH/copy" -o nouuid
	umount_at "$SCRATCH/copy"
	xfs_repair -n "$DISK_oracle" >"$RESULTS/repair" 2>&1
}

# little_endian NUMBER: print its 32 bits as hexadecimal digits
little_endian() {
	printf '%08x' "$1" | sed -E 's/(..)(..)(..)(..)/\4\3\2\1/'
}

# partition DISK START SECTORS: give a disk one partition, ${DISK}1
partition() {
	local disk=$1 entry

	entry=0000000083000000$(little_endian "$2")$(little_endian "$3")
	{
		head -c 446 /dev/zero
		# shellcheck disable=SC2001 # every two digits
		printf '%b' "$(sed 's/../\\x&/g' <<<"$entry")"
		head -c 48 /dev/zero
		printf '\x55\xaa'
	} | dd of="$disk" bs=512 iflag=fullblock conv=fsync status=none
	udevadm settle --timeout=10
	blockdev --rereadpt "$disk"
	udevadm settle --timeout=10
	[ -b "${disk}1" ]
}

# lvm_volume DISK MIB: make /dev/mapper/bench-lv
lvm_volume() {
	pvcreate -q -ff -y "$1" >/dev/null
	vgcreate -q bench "$1" >/dev/null
	cleanup 'dm_remove bench-lv; udevadm settle --timeout=10'
	lvcreate -q -y -Wn -n lv -L "$2"m bench >/dev/null
	udevadm settle --timeout=10
}

# image_test VOLUME STORE READ-FROM WHERE FREEZE TYPE KIND...
#
# VOLUME is shadowed into STORE while fio writes to WHERE (a device, or the
# directory on which FREEZE, with a filesystem of TYPE, is mounted; "" and raw
# where there is none).
image_test() {
	local volume=$1 store=$2 from=$3 where=$4 freeze=$5 type=$6 round

	shift 6
	[ "$type" = raw ] || echo before >"$where/marker"
	writers_start "${freeze:-$where}" "$where" "$@"
	shadow_with_oracle "$volume" "$store" "$from" "$freeze"
	is "$(sectors "$oracle_image")" "$(sectors "$volume")" "the image has the volume's size"
	diag "shadow and oracle after $SECONDS s"
	for round in 1 2; do
		check "the image is the oracle while the origin is written ($round)" \
			ora_compare "$oracle_image" "$DISK_oracle"
	done
	check "the writers have not stopped" writers_write
	diag "compared after $SECONDS s"
	if [ "$type" != raw ] && [ "$freeze" = "$volume" ]; then
		check_filesystem "$type" "$DISK_oracle" "the oracle"
		check_filesystem "$type" "$oracle_image" "the image"
	fi
	writers_stop
	sync
	check "the image is the oracle after all writes" \
		ora_compare "$oracle_image" "$DISK_oracle"
	check "the origin is no longer the oracle" differ "$from" "$DISK_oracle"
	diag "$(preserved "$volume") blocks preserved, $SECONDS s"
	check "blocks were preserved" [ "$(preserved "$volume")" -gt 0 ]
	check "nothing was lost" [ "$(shadowadm list --json | jq '[.. | .state? // empty] | unique | .[]' -r)" = created ]
	[ "$type" != xfs ] || check "a copy of the image passes xfs_repair" recovers_xfs
}

# differ A B: the two are readable, and not equal
differ() {
	local status=0

	ora_compare "$@" >/dev/null || status=$?
	[ $status -eq 1 ]
}
