#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a durable store that is a file on another filesystem: its shadows are there after a loss of power, too (H-20, J-23)
# DISKS: origin=40M fs=640M a=40M b=40M
# TIMEOUT: 500
# EXPECT_LOG: the store is damaged

. "$(dirname "$0")/durable.sh"

dir=$SCRATCH/dir
mnt=$SCRATCH/mnt
store=$dir/store
need_module

# one ORACLE [OPTION...]: a persistent shadow of the volume, which nobody writes to, and a copy
one() {
	local oracle=$1

	shift
	dd if="$DISK_origin" of="$oracle" bs=1M iflag=direct oflag=direct conv=fsync status=none
	WARNED=$(shadowadm create -q --persistent "$DISK_origin" --no-free-space "$@" 2>&1 >/dev/null) ||
		fail "create: $WARNED"
	settle
}

write_over() {
	fio --name=over --filename="$DISK_origin" --rw=randwrite --bsrange=4k-64k --size=40m \
		--io_size="$1m" --direct=1 --ioengine=libaio --iodepth=8 --randrepeat=0 --fsync=16 \
		--output=/dev/null
}

# says REGEX COMMAND...
says() {
	local answer

	answer=$("${@:2}" 2>&1) || fail "${*:2}: $answer"
	[[ $answer =~ $1 ]] || fail "${*:2}: said \"$answer\", wanted /$1/"
	ok "${*:2}: $1"
}

# on FILESYSTEM: all of it
on() {
	mkfs_on "$1" "$DISK_fs"
	mount_at "$DISK_fs" "$dir"
	dd if=/dev/urandom of="$DISK_origin" bs=1M count=40 oflag=direct status=none
	# Where the file comes to lie is what another durable store has left.
	dd if=/dev/zero of="$dir/before" bs=1M count=4 status=none
	one "$DISK_a" --store "$store" --max 48M
	like "$WARNED" "at boot $store is not attached by itself.*shadowadm store add $DISK_origin $store" \
		"$1: it is said that nobody will find the file"
	is "$(shadowadm store list --json | jq -r '.stores[] | select(.kind == "file") | .store')" "$store" \
		"$1: the store is the file"
	write_over 8
	one "$DISK_b"
	write_over 8
	equal "$DISK_a" "$DISK_b"
	sync
}

# again: after the store was let go, however that came about
again() {
	says "a durable store, sound" shadowadm store check "$store"
	says "it has persistent shadows" shadowadm store gc --dry-run "$dir"
	expect_fail 'it is a durable store, whose shadows would be lost' \
		shadowadm create "$DISK_origin" --store "$store"
	expect_fail 'it is a durable store, whose shadows would be lost' \
		shadowadm create --persistent "$DISK_origin" --store "$store" --max 48M
	run shadowadm store attach "$DISK_origin" --store "$store"
	settle
	equal "$DISK_a" "$DISK_b"
}

if [ "$STAGE" -eq 0 ]; then
	on ext4
	power_cut
fi

if [ "$STAGE" -eq 1 ]; then
	mount_at "$DISK_fs" "$dir"
	again
	expect_fail 'busy|in use' umount "$dir"
	write_over 4
	run shadowadm store detach "$DISK_origin"
	again
	# As at a shutdown, and at boot: the association says whose it is.
	says 'stay in the store' shadowadm store detach --all
	run shadowadm store add "$DISK_origin" "$store"
	says "^$store: 2 shadows of $DISK_origin are there again" shadowadm store attach --all
	says "^$store: 2 shadows of $DISK_origin, attached already" shadowadm store attach --all
	is "$(shadowadm store attach --all --json | jq -r '.stores[] | "\(.store) \(.state) \(.shadows)"')" \
		"$store there 2" "as JSON, too"
	check "once only" [ "$(shadowadm store attach --all | wc -l)" -eq 1 ]
	settle
	equal "$DISK_a" "$DISK_b"
	# Gone for good: the file is an ordinary one again.
	drop_all
	expect_fail 'no durable store' shadowadm store check "$store"
	expect_fail 'EMEDIUMTYPE|no durable store' \
		shadowadm store attach "$DISK_origin" --store "$store"
	run shadowadm create -q "$DISK_origin" --store "$store"
	drop_all
	one "$DISK_a" --store "$store" --max 48M
	is "$WARNED" "" "an associated file is found"
	drop_all
	run shadowadm store remove "$DISK_origin" "$store"
	check "and is deleted when nobody needs it" test ! -e "$store"

	# What it cannot be.
	mkfs_on ext4 "$DISK_origin"
	mount_at "$DISK_origin" "$mnt"
	expect_fail 'lies on the volume itself' \
		shadowadm create --persistent "$mnt" --store "$mnt/store" --max 16M
	check "no file is left" test ! -e "$mnt/store"
	fallocate -l 17M "$mnt/store"
	expect_fail 'EOPNOTSUPP .*reason=STORE_ON_VOLUME' \
		holder --persistent "$DISK_origin" --store "$mnt/store" -- add
	rm "$mnt/store"
	expect_fail 'does not' shadowadm create --persistent "$mnt" --store "$dir/"
	expect_fail 'does not' shadowadm create --persistent "$mnt" --store memory
	expect_fail 'does not grow' \
		shadowadm create --persistent "$mnt" --store "$store" --max 32M --initial 16M
	check "no file is left" test ! -e "$store"
	umount_at "$mnt"

	# It has no other size than it was made with, nor another part.
	one "$DISK_a" --store "$store" --max 16M
	expect_fail 'cannot do that' shadowadm store resize "$DISK_origin" "$store" 32M
	expect_fail 'cannot do that' shadowadm store add "$DISK_origin" "$dir/more" --max 16M
	drop_all
	umount_at "$dir"
	on xfs
	power_cut
fi

if [ "$STAGE" -eq 2 ]; then
	mount_at "$DISK_fs" "$dir"
	again
	drop_all
	umount_at "$dir"
	on btrfs
	power_cut
fi

mount_at "$DISK_fs" "$dir"
again
# It is moved, and nobody knows its name any more, but how to find it.
run shadowadm store detach "$DISK_origin"
mv "$store" "$dir/moved"
run shadowadm store attach "$DISK_origin" --store "$dir/moved"
says "^file [0-9]* in $dir: 2 shadows of $DISK_origin, attached already" shadowadm store attach --all
said=$(shadowadm store detach "$DISK_origin")
like "$said" "unknown name.*\"find $dir -xdev -inum [0-9]+\".*store attach $DISK_origin --store FILE" "it is said how to find it"
finds=${said#*\"}
is "$(bash -c "${finds%%\"*}")" "$dir/moved" "and that finds it"
run shadowadm store attach "$DISK_origin" --store "$dir/moved"
is "$(shadowadm store detach --all --json | jq -r '.stores[] | "\(.volume) \(.store) \(.filesystem) \(.shadows)"')" \
	"$DISK_origin null $dir 2" "as JSON, too, of all"
is "$(stat -c %i "$dir/moved")" "$(grep -o 'inum [0-9]*' <<<"$said" | cut -d' ' -f2)" "its number"
is "$(shadowadm store detach --all --json | jq -c .)" '{"stores":[]}' "there is none any more"
mv "$dir/moved" "$store"

# One that is damaged: the file is named, not the device that it lies on.
dd if="$store" of="$SCRATCH/head" bs=4k skip=32 count=17 status=none
for at in 131072 196608; do	# both copies of its header
	printf '\xff' | dd of="$store" bs=1 seek=$((at + 100)) conv=notrunc,fsync status=none
done
expect_fail "cannot attach $store, the store of $DISK_origin: .*store check $store" \
	shadowadm store attach "$DISK_origin" --store "$store"
check "also in the kernel's log" grep -q "shadow: .*store on .*: the store is damaged" <(kernel_log)
dd if="$SCRATCH/head" of="$store" bs=4k seek=32 conv=notrunc,fsync status=none

# A copy of the file is the store, too: all of it was written once.
is "$(filefrag -v "$store" | grep -c unwritten)" 0 "no block of it is only allocated"
cp "$store" "$dir/copy"
says "a durable store, sound" shadowadm store check "$dir/copy"
run shadowadm store attach "$DISK_origin" --store "$store"
settle
equal "$DISK_a" "$DISK_b"
drop_all
umount_at "$dir"
unload
