#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: since=: what has changed is data, and the recipes of the manual page bring a copy up to date
# DISKS: origin=48M store=96M
# TIMEOUT: 300

. "$(dirname "$0")/nbd.sh"

# The program in the manual page.
sed -n '/^#!\/usr\/bin\/python3$/,/^\.Ed$/p' "$TREE/Documentation/man/nbdkit-shadow-plugin.1" |
	sed '$d; s/\\e/\\/g' >"$SCRATCH/update"
check "the manual page has a program" grep -q block_status "$SCRATCH/update"
chmod 755 "$SCRATCH/update"

# recipes BASE SHADOW: each makes the newer one of a copy of the older one
recipes() {
	local said

	nbdcopy "$(export_uri "${UUID_OF[$1]}")" "$SCRATCH/base"
	check "$1: a copy of the base" is_image "$SCRATCH/base" "${IMAGE_OF[$1]}"
	stop_serving
	serve shadow="${UUID_OF[$2]}" since="${UUID_OF[$1]}"

	extents >"$SCRATCH/extents"
	is "$(cat "$SCRATCH/extents")" "$(expected "${UUID_OF[$2]}" "${UUID_OF[$1]}")" \
		"$1 to $2: nbdinfo --map: what the module tells"
	check "$1 to $2: most of it is as it was" [ "$(bytes_of_type 1 <"$SCRATCH/extents")" -gt $((20 << 20)) ]
	check "$1 to $2: some of it is not" [ "$(bytes_of_type 0 <"$SCRATCH/extents")" -gt 0 ]

	cp "$SCRATCH/base" "$SCRATCH/copy"
	said=$("$SCRATCH/update" "$URI" "$SCRATCH/copy" 2>&1) || true
	check "$1 to $2: the manual page's program: $said" is_image "$SCRATCH/copy" "${IMAGE_OF[$2]}"
	check "$1 to $2: which writes only what has changed" [ "${said%% *}" = \
		"$(awk '$3 != 1 { n += $2 } END { print n + 0 }' "$SCRATCH/extents")" ]

	qemu-img convert -f raw -O qcow2 -B "$SCRATCH/base" -F raw "$URI" "$SCRATCH/increment"
	qemu-img convert -O raw "$SCRATCH/increment" "$SCRATCH/copy"
	check "$1 to $2: qemu-img, with the copy as backing file" is_image "$SCRATCH/copy" "${IMAGE_OF[$2]}"
	check "$1 to $2: which is small" [ "$(stat -c %s "$SCRATCH/increment")" -lt $((24 << 20)) ]
	qemu-img commit -q "$SCRATCH/increment"
	check "$1 to $2: committed into the copy" is_image "$SCRATCH/base" "${IMAGE_OF[$2]}"

	# These take no notice of holes that are no zeros.
	nbdcopy "$URI" "$SCRATCH/copy"
	check "$1 to $2: nbdcopy copies all" is_image "$SCRATCH/copy" "${IMAGE_OF[$2]}"
	qemu-img convert -f raw -O raw "$URI" "$SCRATCH/copy"
	check "$1 to $2: qemu-img without a backing file, too" is_image "$SCRATCH/copy" "${IMAGE_OF[$2]}"
	stop_serving
	serve
}

fill "$ORIGIN" 1
need_module
serve
instant --store "$DISK_store"
operate write:0:4k write:1m:12k write:-1s:1s write:7s:3s discard:4m:1m zeroout:6m:64k
for ((i = 0; i < 64; i++)); do
	operate "write:$((24 * 1024 + i * 8))k:4k"
done
instant
recipes 0 1

# With free space: what became free, and what was.
drop_all
IMAGE_OF=() UUID_OF=()
mkfs_on ext4 "$ORIGIN"
mount_at "$ORIGIN" "$SCRATCH/mnt"
fill "$SCRATCH/mnt/first" 1 4
fill "$SCRATCH/mnt/gone" 2 6
sync
take_used "$ORIGIN" --store "$DISK_store"
IMAGE_OF+=("$IMAGE") UUID_OF+=("$(shadow "$IMAGE" uuid)")
rm "$SCRATCH/mnt/gone"
fill "$SCRATCH/mnt/new" 3 3
fill "$SCRATCH/mnt/short-lived" 4 3
sync
rm "$SCRATCH/mnt/short-lived"
sync
take_used "$ORIGIN"
IMAGE_OF+=("$IMAGE") UUID_OF+=("$(shadow "$IMAGE" uuid)")
umount_at "$SCRATCH/mnt"
recipes 0 1
check "something became free" grep -q ' 3$' "$SCRATCH/extents"

# A base that has outlived its shadow.
stop_serving
serve shadow="${IMAGE_OF[1]}" since="${IMAGE_OF[0]}"
extents >"$SCRATCH/extents"
stop_serving
delta keep "${UUID_OF[0]}"
drop "${IMAGE_OF[0]}"
serve shadow="${IMAGE_OF[1]}" since="${UUID_OF[0]}"
is "$(extents)" "$(cat "$SCRATCH/extents")" "a base is as good as its shadow"
like "$(nbdinfo --json "$URI" | jq -r '.exports[0].description')" \
	"/dev/shadow[0-9]+, changes since ${UUID_OF[0]}\$" "the description names it"
delta drop "${UUID_OF[0]}"
expect_fail 'No such file or directory' nbdinfo --map "$URI"
check "when it is dropped clients are refused, and the log says why" grep -q \
	"cannot tell what has changed in .*there is no such shadow or base" "$SCRATCH/nbdkit"
expect_fail 'no shadow and no base has this name' \
	nbdkit -f -U "$SCRATCH/s" "$PLUGIN" "${IMAGE_OF[1]}" since="${UUID_OF[0]}"
take_used "$ORIGIN"
IMAGE_OF[0]=${IMAGE_OF[1]} IMAGE_OF[1]=$IMAGE

# What cannot be compared is refused when the server begins.
expect_fail 'cannot tell what has changed in .*the one to compare with is not older' \
	nbdkit -f -U "$SCRATCH/s" "$PLUGIN" "${IMAGE_OF[0]}" since="${IMAGE_OF[1]}"
expect_fail 'no shadow and no base has this name' \
	nbdkit -f -U "$SCRATCH/s" "$PLUGIN" "${IMAGE_OF[0]}" since=12345678-1234-1234-1234-123456789012
expect_fail 'no shadow and no set has this name' \
	nbdkit -f -U "$SCRATCH/s" "$PLUGIN" 99 since="${IMAGE_OF[1]}"
