# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of sending share.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../shadow.sh"

mnt=$SCRATCH/mnt
# Images and their states stay on a disk of their own: the guest has little memory.
targets=$SCRATCH/targets

# an_ext4: a filesystem on $DISK_origin with something in it, mounted
an_ext4() {
	mkfs_on ext4 "$DISK_origin"
	mount_at "$DISK_origin" "$mnt"
	fill "$mnt/kept" 1 6
	fill "$mnt/gone" 2 8
	sync
}

# live: what happens to it from one shadow to the next
live() {
	rm -f "$mnt/gone"
	fill "$mnt/new$1" "$1" 5
	fallocate -l 2M "$mnt/promised$1"
	dd if=/dev/urandom of="$mnt/kept" bs=4k seek="$((RANDOM % 1000))" count=3 conv=notrunc \
		status=none
	sync
}

# room: where targets are
room() {
	mkfs_on ext4 "$DISK_room"
	mount_at "$DISK_room" "$targets"
}

# send SHADOW [OPTION...]: to standard output, quietly
send() {
	shadowadm send -q "$@"
}

# piped SHADOW [OPTION...] -- [OPTION...] TARGET: sent, and received
piped() {
	local -a sending=()

	while [ "$1" != -- ]; do
		sending+=("$1")
		shift
	done
	shift
	send "${sending[@]}" | shadowadm receive -q "$@"
}

# cut_at BYTES FILE [OPTION...] TARGET: so much of a stream is received
cut_at() {
	head -c "$1" "$2" | shadowadm receive -q "${@:3}"
}

# is_image FILE IMAGE: bit for bit, and as long
is_image() {
	check "$1 is $2" cmp "$1" "$2"
}
