#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what is written to an image has changed, against every other instant, also when only its base is left
# DISKS: origin=16M store=64M
# TIMEOUT: 200

. "$(dirname "$0")/changes.sh"

# to_image INSTANT OPERATION...: as operate, on its image
to_image() {
	local n=$1 op kind at length

	shift
	devio "${IMAGE_OF[n]}" "$@"
	for op; do
		IFS=: read -r kind at length <<<"$op"
		[ "$kind" = fsync ] || echo "$(bytes_of "$at") $(bytes_of "$length")" >>"$SCRATCH/image.$n"
	done
}

fill "$ORIGIN" 1
need_module
instant --store "$DISK_store" --writable
operate write:1m:64k
instant
operate write:2m:64k write:6m:4k
instant --writable
operate write:3m:64k
instant
pairs exact 0 1 2 3

to_image 0 write:5m:8k write:11s:3s write:1m:4k fsync
pairs exact 0 1 2 3
to_image 2 write:7m:128k buffered:8m:12k write:2m:4k write:6m:1s fsync
pairs exact 0 1 2 3
is "$(delta runs I "${UUID_OF[2]}" | awk '{ n += $2 } END { print n }')" $((128 * 1024 + 12288 + 4096 + 4096)) \
	"what was written to the image is told as that, too"

# What was free, and is written in the image, is neither the one nor the other.
tell_free "${IMAGE_OF[2]#/dev/shadow}" $((7 << 20)) $((1 << 20)) $((12 << 20)) $((1 << 20)) >/dev/null
is "$(delta runs F "${UUID_OF[2]}" | xargs)" "$(((7 << 20) + 131072)) $(((1 << 20) - 131072)) F $((12 << 20)) $((1 << 20)) F" \
	"not free is what was written to the image"
to_image 2 write:12m:16k
differing 1 2
differing 2 3
differing 0 2
pairs known 0 1 2 3

settle
run shadowadm seal -q "${IMAGE_OF[2]}"
pairs known 0 1 2 3
keep 0 2
gone 0
pairs known 0 1 2 3
dd if="${IMAGE_OF[2]}" of="$SCRATCH/copy" bs=1M iflag=direct status=none
gone 2
pairs known 0 1 2 3
differing 2 3 "$SCRATCH/copy"
operate write:14m:4k
instant
pairs known 0 1 2 3 4
forgo 2
unknown 2 4
pairs known 0 1 3 4
forgo 0
pairs known 1 3 4
drop_all
shadowadm volume untrack "$ORIGIN"
