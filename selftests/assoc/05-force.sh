#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is on a device stays until it is a store, and nothing destroys the volume itself (E-01)
# TIMEOUT: 180
# DISKS: vol=96M dev=128M small=4M ro=64M raw=16M

. "$(dirname "$0")/assoc.sh"

# whole DEVICE NAME: check that nothing has changed on it
whole() {
	is "$(checksum "$1")" "${sums[$1]}" "$2: it is what it was"
}

need_module
declare -A sums
mkfs.ext4 -q "$DISK_vol"
fill "$DISK_raw" 5 16		# nothing that is recognised
mkfs.btrfs -q "$DISK_dev"	# with a second superblock, beyond the head
for disk in "$DISK_vol" "$DISK_dev" "$DISK_small" "$DISK_ro" "$DISK_raw"; do
	sums[$disk]=$(checksum "$disk")
done

for force in "" --force; do
	mistake 1 'the store lies on the volume that it is to serve' \
		create "$DISK_vol" --store "$DISK_vol" $force
	mistake 1 'the store lies on the volume that it is to serve' \
		store add "$DISK_vol" "$DISK_vol" $force
	whole "$DISK_vol" "the volume as its own store${force:+, by force}"
done
is "$(grep -v '^#' "$CONF" 2>/dev/null)" "" "there is no line"
mistake 1 'there is something on it \(btrfs\).*say --force' create "$DISK_vol" --store "$DISK_dev"
mistake 1 '1G was said, and it has 127M besides the first MiB' \
	create "$DISK_vol" --store "$DISK_dev" --force --max 1G
mistake 1 '1M was said, and a store has 4M at least' \
	create "$DISK_vol" --store "$DISK_dev" --force --max 1M
mistake 1 '4M is all that it has, and a store has 4M at least' create "$DISK_vol" --store "$DISK_small"
mistake 1 '1M was said, and a store has 4M at least' create "$DISK_vol" --store memory:1M
mistake 1 '1T was said, and the machine has [0-9]+[KM] of memory' create "$DISK_vol" --store memory:1T
whole "$DISK_dev" "wrong sizes"

# What only the module sees, after the signatures are gone
take "$DISK_vol" --store memory:8M
mistake 1 'has another store already' create "$DISK_vol" --store "$DISK_dev" --force
whole "$DISK_dev" "another store than the one there is"
adm 0 delete --all --quiet
blockdev --setro "$DISK_ro"
mistake 1 'read-only' create "$DISK_vol" "$DISK_small" --no-free-space --force \
	--store "$DISK_vol=$DISK_dev" --store "$DISK_small=$DISK_ro"
whole "$DISK_dev" "the store of another volume of the set cannot be used"
whole "$DISK_vol" "the volume"
mistake 1 'read-only' create "$DISK_vol" "$DISK_small" --no-free-space \
	--store "$DISK_vol=$DISK_raw" --store "$DISK_small=$DISK_ro"
whole "$DISK_raw" "the same, with what is not recognised"

take "$DISK_vol" --store "$DISK_dev" --force
adm 0 delete --all --quiet
is "$(blkid -p -o value -s TYPE "$DISK_dev")" "" "a store it is, and no filesystem"
