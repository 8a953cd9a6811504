# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of the ioctl interface share.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

# arguments GROUP: ctl_args with all that it needs; DISKS: a b c d store durable detached
arguments() {
	need_module
	cases ctl_args "$1" a="$DISK_a" b="$DISK_b" c="$DISK_c" d="$DISK_d" store="$DISK_store" \
		durable="$DISK_durable" detached="$DISK_detached"
	is "$(shadow_count) $(volume "$DISK_c" tracked)" "0 true" "only what was tracked is"
	unload
}

# loop SIZE [OPTION...]: a loop device of a sparse file of that size, as $LOOP
loop() {
	local file

	[ -d /sys/module/loop ] || modprobe loop
	file=$(mktemp "$SCRATCH/loop.XXXXXX")
	truncate -s "$1" "$file"
	LOOP=$(losetup --find --show "${@:2}" "$file")
	cleanup "losetup -d $LOOP"
}

# null_blk NAME [ATTRIBUTE=VALUE...]: a null block device, as $NULL_BLK
null_blk() {
	local name=$1 dir=/sys/kernel/config/nullb/$1 pair

	[ -d /sys/module/null_blk ] || modprobe null_blk nr_devices=0
	cleanup 'rmmod null_blk 2>/dev/null || true'
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	mkdir "$dir"
	cleanup "echo 0 >$dir/power; rmdir $dir"
	for pair in size=64 blocksize=512 "${@:2}"; do
		echo "${pair#*=}" >"$dir/${pair%%=*}"
	done
	echo 1 >"$dir/power"
	settle
	NULL_BLK=/dev/$name	# later kernels name it as the directory
	[ -b "$NULL_BLK" ] || NULL_BLK=/dev/nullb$(cat "$dir/index")
}
