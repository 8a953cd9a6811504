# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Records a machine that does not exist: /sys and /proc in a directory, as far
# as the library reads them.
#
#	machine_new DIR
#	disk NAME MAJ:MIN
#	partition DISK NAME MAJ:MIN
#	holder LOWER... NAME MAJ:MIN [DM-NAME]	a device stacked on others
#	loop NAME MAJ:MIN FILE
#	mounted SOURCE-NAME TARGET FSTYPE	in the order of mounting
#	swap NAME
#	btrfs UUID NAME...
#	space TARGET MIB FREE-MIB		of a mounted filesystem
#	tags NAME UUID PARTUUID TYPE		what is on a device, "-" for nothing
#	fstab TARGET [OPTIONS]			mounted at boot

machine_new() {
	machine=$1
	mkdir -p "$machine"/sys/{devices,block,dev/block,class/block} \
		"$machine"/proc/{self,sys/kernel} "$machine"/etc/shadowcopy \
		"$machine"/var/lib
	: >"$machine/proc/self/mountinfo"
	printf 'Filename\tType\tSize\tUsed\tPriority\n' >"$machine/proc/swaps"
	echo 6.1.0-test >"$machine/proc/sys/kernel/osrelease"
}

# device PATH-BELOW-DEVICES MAJ:MIN
device() {
	local dir=$machine/sys/devices/$1 name=${1##*/}

	mkdir -p "$dir/holders" "$dir/slaves"
	echo "$2" >"$dir/dev"
	echo 2097152 >"$dir/size"
	ln -s "../../devices/$1" "$machine/sys/dev/block/$2"
	ln -s "../../devices/$1" "$machine/sys/class/block/$name"
}

disk() {
	device "$1" "$2"
	ln -s "../devices/$1" "$machine/sys/block/$1"
}

partition() {
	device "$1/$2" "$3"
	echo 1 >"$machine/sys/devices/$1/$2/partition"
}

# The directory of a device in sysfs, whether disk or partition.
device_dir() {
	readlink -f "$machine/sys/class/block/$1"
}

holder() {
	local lowers=() dm=

	while [[ $2 != *:* ]]; do
		lowers+=("$1")
		shift
	done
	disk "$1" "$2"
	dm=${3:-}
	if [ -n "$dm" ]; then
		mkdir "$machine/sys/devices/$1/dm"
		echo "$dm" >"$machine/sys/devices/$1/dm/name"
	fi
	for lower in "${lowers[@]}"; do
		ln -s "$machine/sys/devices/$1" "$(device_dir "$lower")/holders/$1"
		ln -s "$(device_dir "$lower")" "$machine/sys/devices/$1/slaves/$lower"
	done
}

loop() {
	disk "$1" "$2"
	mkdir "$machine/sys/devices/$1/loop"
	echo "$3" >"$machine/sys/devices/$1/loop/backing_file"
}

mount_id=20

mounted() {
	local source=$1 dev=0:99

	mount_id=$((mount_id + 1))
	case $3 in
	btrfs)
		source=/dev/$1
		dev=0:$mount_id
		;;
	*)
		if [ -e "$machine/sys/class/block/$1/dev" ]; then
			source=/dev/$1
			dev=$(cat "$machine/sys/class/block/$1/dev")
		fi
		;;
	esac
	echo "$mount_id 1 $dev / $2 rw,relatime - $3 $source rw" \
		>>"$machine/proc/self/mountinfo"
}

swap() {
	printf '/dev/%s partition\t1048572\t0\t-2\n' "$1" >>"$machine/proc/swaps"
}

btrfs() {
	local uuid=$1

	shift
	mkdir -p "$machine/sys/fs/btrfs/$uuid/devices"
	for name; do
		ln -s "$(device_dir "$name")" "$machine/sys/fs/btrfs/$uuid/devices/$name"
	done
}

space() {
	echo "$*" >>"$machine/space"
}

tags() {
	echo "$(cat "$(device_dir "$1")/dev") $2 $3 $4" >>"$machine/tags"
}

fstab() {
	echo "/dev/x $1 auto ${2:-defaults} 0 0" >>"$machine/etc/fstab"
}
