#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: with all that is called free overwritten, filesystems pass fsck and have all their files
# NATIVE

. "$(dirname "$0")/../lib.sh"

has gcc mke2fs mkfs.btrfs mkswap debugfs
src=$TREE/userspace/shadowadm
gcc -g -fsanitize=address,undefined -fno-sanitize-recover=all -D_GNU_SOURCE -Wall -Wextra \
	-I"$src" -I"$TREE/userspace/include" -I"$TREE/uapi" -o "$SCRATCH/poison" \
	"$(dirname "$0")/poison.c" "$src"/free_{ext,btrfs,swap}.c -lext2fs -lcom_err
mkdir "$SCRATCH/root"
for i in {1..50}; do
	head -c $((i * 5000)) /dev/urandom >"$SCRATCH/root/$i"
done
image=$SCRATCH/image

# poisoned KIND MIB: at least so much was free
poisoned() {
	local bytes

	bytes=$("$SCRATCH/poison" "$1" "$image") || fail "$1: $bytes"
	check "$((bytes >> 20)) MiB of $1 were free" [ "$bytes" -ge $(($2 << 20)) ]
}

# make_ext OPTION...
make_ext() {
	rm -f "$image"
	truncate -s 200M "$image"
	mke2fs -q -F "$@" -d "$SCRATCH/root" "$image" 2>/dev/null
	# It forgets to count the files that it copies where there are quotas.
	quietly e2fsck -fy "$image" || [ $? -eq 1 ]
}

# has_all WHAT
has_all() {
	rm -rf "$SCRATCH/out"
	mkdir "$SCRATCH/out"
	debugfs -R "rdump / $SCRATCH/out" "$image" >/dev/null 2>&1
	rmdir "$SCRATCH/out/lost+found"
	check "$1: has all files" diff -r "$SCRATCH/root" "$SCRATCH/out"
}

for options in "-t ext4" "-t ext2 -b 1024" "-t ext3 -b 2048" "-t ext4 -b 4096 -O bigalloc" \
	"-t ext4 -b 1024 -O bigalloc -C 16384" "-t ext4 -b 1024 -O meta_bg,^resize_inode" \
	"-t ext4 -O ^flex_bg,^metadata_csum,uninit_bg" "-t ext4 -O quota,mmp,sparse_super2" \
	"-t ext4 -b 65536" "-t ext4 -J size=8"; do
	read -ra words <<<"$options"
	make_ext "${words[@]}"
	poisoned ext 150
	check "$options: passes fsck" quietly e2fsck -fn "$image"
	has_all "$options"
done

# Mounted after a crash without having been checked: blocks of files are called free.
for options in "-t ext2" "-t ext4 -O ^has_journal" "-t ext4 -O bigalloc,^has_journal"; do
	read -ra words <<<"$options"
	make_ext "${words[@]}"
	debugfs -R "blocks /50" "$image" 2>/dev/null | tr -s ' ' '\n' | sed 's/^/freeb /' \
		>"$SCRATCH/commands"
	echo "set_super_value state 0" >>"$SCRATCH/commands"
	debugfs -w -f "$SCRATCH/commands" "$image" >/dev/null 2>&1
	check "$options: calls free what is in use" quietly sh -c "! e2fsck -fn '$image'"
	poisoned frozen-ext 150
	has_all "$options, not checked"
done

for options in "" "-m single" "--mixed" "-n 4096"; do
	rm -f "$image"
	truncate -s 300M "$image"
	read -ra words <<<"$options"
	mkfs.btrfs -q -f "${words[@]}" --rootdir "$SCRATCH/root" "$image" >/dev/null 2>&1
	poisoned btrfs 285
	check "btrfs $options: passes check, of data too" \
		quietly btrfs check --readonly --check-data-csum "$image"
done
printf 'x' | dd of="$image" bs=1 seek=$((65536 + 100)) conv=notrunc status=none
like "$("$SCRATCH/poison" btrfs "$image" || true)" "superblock is not as it should be" \
	"a superblock that is damaged is not believed"

truncate -s 0 "$image"
truncate -s 20M "$image"
mkswap "$image" >/dev/null 2>&1
poisoned swap 19
is "$(blkid -o value -s TYPE "$image")" swap "it is swap still"
