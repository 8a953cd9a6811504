#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is on a device stays until it is a store, and nothing destroys the volume itself (E-01)
# TIMEOUT: 600
# DISKS: vol=96M dev=128M small=4M ro=64M raw=16M

. "$(dirname "$0")/assoc.sh"

# remember DEVICE, whole DEVICE NAME: check that nothing has changed on it since
remember() {
	dd if="$1" of="$SCRATCH/${1##*/}" bs=1M iflag=direct conv=sparse status=none
	truncate -s "$(blockdev --getsize64 "$1")" "$SCRATCH/${1##*/}"
}

whole() {
	check "$2: it is what it was" cmp "$SCRATCH/${1##*/}" \
		<(dd if="$1" bs=1M iflag=direct status=none)
}

need_module
mkfs.ext4 -q "$DISK_vol"
fill "$DISK_raw" 5 16		# nothing that is recognised
mkfs.btrfs -q "$DISK_dev"	# with a second superblock, beyond the head
for disk in "$DISK_vol" "$DISK_dev" "$DISK_small" "$DISK_ro" "$DISK_raw"; do
	remember "$disk"
done

for force in "" --force; do
	mistake 1 'the store lies on the volume that it is to serve' \
		create "$DISK_vol" --store "$DISK_vol" $force
	mistake 1 'the store lies on the volume that it is to serve' \
		store add "$DISK_vol" "$DISK_vol" $force
	whole "$DISK_vol" "the volume as its own store${force:+, by force}"
done
is "$(grep -v '^#' "$CONF" 2>/dev/null)" "" "there is no line"
blockdev --setro "$DISK_dev"
mistake 1 'the store device is read-only' create "$DISK_vol" --store "$DISK_dev" --force
blockdev --setrw "$DISK_dev"
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

# A disk and its own partition would each put back what the other has overwritten.
partition "$DISK_dev" 64:131072
part=${DISK_dev}1
mkfs.ext4 -q "$part"
remember "$DISK_dev"
for stores in "--store $part --store $DISK_dev" "--store $DISK_dev --store $part" \
	"--store $DISK_vol=$part --store $DISK_small=$DISK_dev"; do
	small=
	[ "${stores/$DISK_small=/}" = "$stores" ] || small=$DISK_small
	# shellcheck disable=SC2086 # words
	mistake 1 'have blocks in common' \
		create "$DISK_vol" $small $stores --force
	whole "$DISK_dev" "a disk and its partition (${stores//--store /})"
done
check "the partition is there" [ -b "$part" ]
is "$(blkid -p -o value -s TYPE "$part")" ext4 "with its filesystem"

# As many signatures as a ZFS pool has
signatures() {
	python3 -c '
import struct, sys
with open(sys.argv[1], "r+b") as disk:
    disk.seek(0, 2)
    size = disk.tell() & ~0x3ffff
    for label in 0, 1 << 18, size - (2 << 18), size - (1 << 18):
        for i in range(128):
            disk.seek(label + (128 << 10) + (i << 10))
            disk.write(struct.pack("<5Q", 0xbab10c, 5000, i + 1, 1, 1))' "$1"
}
zeroed_table "$DISK_dev"
reread_table "$DISK_dev"
signatures "$DISK_dev"
is "$(blkid -p -o value -s TYPE "$DISK_dev")" zfs_member "there is something on it"
remember "$DISK_dev"
mistake 1 'read-only' create "$DISK_vol" "$DISK_small" --no-free-space --force \
	--store "$DISK_vol=$DISK_dev" --store "$DISK_small=$DISK_ro"
whole "$DISK_dev" "hundreds of signatures"
take "$DISK_vol" --store "$DISK_dev" --force
adm 0 delete --all --quiet
is "$(blkid -p -o value -s TYPE "$DISK_dev")" "" "it is forgotten as a whole"

# A device that was a part for a moment does not look as if it were what it was.
mkfs.btrfs -qf "$DISK_dev"
take "$DISK_vol" --store memory:8M
mount -t tmpfs -o size=4k,mode=755 none "${CONF%/*}"
cleanup 'umount "${CONF%/*}" 2>/dev/null'
head -c 4096 /dev/zero | tr '\0' '#' >"$CONF"
mistake 1 'No space left on device|there is no room' store add "$DISK_vol" "$DISK_dev" --force
umount "${CONF%/*}"
is "$(shadowadm store list --json | jq -r '[.stores[].kind] | join(" ")')" memory "it is no part"
is "$(blkid -p -o value -s TYPE "$DISK_dev")" "" "it is no filesystem either"
adm 0 delete --all --quiet

# A file keeps its contents where it cannot be a store anyway.
mkdir "$SCRATCH/dir"
chmod 755 "$SCRATCH/dir"
mkfs.ext4 -qF "$DISK_dev"
mount_at "$DISK_dev" "$SCRATCH/dir"
file=$SCRATCH/dir/file
echo contents >"$file"
mistake 1 'a store has 4 MiB at least' create "$DISK_vol" --store "$file" --force --max 1M
mistake 1 'it begins with 1025M, and the filesystem has' \
	create "$DISK_vol" --store "$file" --force --initial 1G
take "$DISK_vol" --store memory:8M
mistake 1 'has shadows and with them a store already' create "$DISK_vol" --store "$file" --force
adm 0 delete --all --quiet
is "$(cat "$file")" contents "the file is what it was"
umount_at "$SCRATCH/dir"

# What is never held has never been preserved.
if ! freezing_nests; then
	remember "$DISK_dev"
	mount_at "$DISK_vol" "$SCRATCH/dir"
	fsfreeze -f "$SCRATCH/dir"
	cleanup 'fsfreeze -u "$SCRATCH/dir" 2>/dev/null || true'
	mistake 1 'frozen already' create "$DISK_vol" --store "$DISK_dev" --force
	fsfreeze -u "$SCRATCH/dir"
	umount_at "$SCRATCH/dir"
	whole "$DISK_dev" "the volume is frozen by somebody else"
fi
