#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a shadow is sent, then what has changed, twice; file, device and qcow2 image are each shadow to the last bit
# DISKS: origin=64M store=96M room=400M device=64M
# TIMEOUT: 400
# CORE

. "$(dirname "$0")/send.sh"

need_module
room
an_ext4
take_used "$DISK_origin" --store "$DISK_store"
a=$IMAGE

# All of it.  What is free is neither read nor sent.
sent=$(shadowadm send "$a" -o "$targets/a.stream" --json --no-progress)
free=$(shadow "$a" free)
size=$(shadow "$a" size)
is "$(jq .sent.bytes_read <<<"$sent")" $((size - free)) "read is what was not free"
check "what was free are holes" [ "$(jq .sent.hole_bytes <<<"$sent")" -ge "$free" ]
is "$(jq '.sent.data_bytes + .sent.hole_bytes' <<<"$sent")" "$size" "both are all"
check "received in a file, and read back" \
	shadowadm receive -i "$targets/a.stream" --verify "$targets/raw"
is_image "$targets/raw" "$a"
check "the file is sparse" [ "$(du -B1 "$targets/raw" | cut -f1)" -le $((size - free + 65536)) ]
fill "$DISK_device" 9
check "on a device, by a pipe" piped "$a" -- --verify "$DISK_device"
is_image "$DISK_device" "$a"
if type -P qemu-img qemu-nbd >/dev/null; then
	images=1
	check "in an image" shadowadm receive -i "$targets/a.stream" --verify "$targets/a.qcow2"
	check "which is good" qemu-img check -q "$targets/a.qcow2"
	check "and is the same" qemu-img compare -q -f raw -F qcow2 "$a" "$targets/a.qcow2"
fi

# What has changed.  Space was freed, given out again, and given out without being written.
before=$a
for step in 3 4; do
	live "$step"
	take_used "$DISK_origin" --store "$DISK_store"
	now=$IMAGE
	sent=$(shadowadm send "$now" --since "$before" -o "$targets/$step.stream" --json \
		--no-progress --compress none --chunk 64K)
	diag "$sent"
	check "less than half is sent" \
		[ "$(jq .sent.data_bytes <<<"$sent")" -lt $((size / 2)) ]
	check "the file is received" \
		shadowadm receive -i "$targets/$step.stream" --verify "$targets/raw"
	is_image "$targets/raw" "$now"
	check "so is the device" piped "$now" --since "$before" -- --verify "$DISK_device"
	is_image "$DISK_device" "$now"
	if [ -n "${images:-}" ]; then
		check "so is the image" \
			shadowadm receive -i "$targets/$step.stream" "$targets/$step.qcow2"
		check "it is good" qemu-img check -q "$targets/$step.qcow2"
		check "it is the same" \
			qemu-img compare -q -f raw -F qcow2 "$now" "$targets/$step.qcow2"
	fi
	before=$now
done
if [ -n "${images:-}" ]; then
	check "the first image is still the first shadow" \
		qemu-img compare -q -f raw -F qcow2 "$a" "$targets/a.qcow2"
	is "$(qemu-img info --backing-chain --output=json "$targets/4.qcow2" | jq length)" 3 \
		"images are a chain"
fi

# The whole shadow proves what became of the parts, and that it can fail is proved, too.
check "proved" piped "$now" -- --verify-only "$targets/raw"
dd if=/dev/urandom of="$targets/raw" bs=4k seek=1000 count=1 conv=notrunc status=none
expect_fail 'is not what it should be' piped "$now" -- --verify-only "$targets/raw"
check "what was received is a filesystem" e2fsck -fn "$DISK_device"
