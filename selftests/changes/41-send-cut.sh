#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: sender, receiver or the stream between them end at any moment: it goes on, or is refused
# DISKS: origin=64M store=96M room=400M device=64M
# TIMEOUT: 400
# CORE

. "$(dirname "$0")/send.sh"

need_module
room
an_ext4
take_used "$DISK_origin" --store "$DISK_store"
a=$IMAGE
live 3
take_used "$DISK_origin" --store "$DISK_store"
b=$IMAGE

# to_file SHADOW OPTION...: all of it in a file
to_file() {
	send "$@" --compress none -o "$targets/whole.stream"
}

# size_over BYTES FILE: it is larger
size_over() {
	[ "$(stat -c %s "$2")" -gt "$1" ]
}

# The stream is cut, the token is printed, the rest is sent.
to_file "$a"
whole=$(stat -c %s "$targets/whole.stream")
for share in 1 40 99; do
	rm -f "$targets/raw"*
	expect_fail 'ends too early.*--resume-from' cut_at $((whole * share / 100)) \
		"$targets/whole.stream" "$targets/raw"
	said=$(cut_at $((whole * share / 100)) "$targets/whole.stream" --json "$targets/raw" || true)
	token=$(jq -r .error.resume <<<"$said")
	if [ "$share" -gt 1 ]; then
		expect_fail 'was not read back' piped "$a" --resume "$token" -- --verify \
			"$targets/raw"
	fi
	check "the rest, by the token" piped "$a" --resume "$token" -- "$targets/raw"
	is_image "$targets/raw" "$a"
done

# The receiver is killed; its file tells where it was.
for delay in 0.2 0.5 1; do
	rm -f "$targets/raw"*
	shadowadm receive -q "$targets/raw" < \
		<(head -c $((whole / 2)) "$targets/whole.stream"; sleep 5) &
	receiver=$!
	sleep "$delay"
	kill -9 $receiver
	wait $receiver || true
	[ -e "$targets/raw.shadowcopy" ] || continue
	is "$(jq .complete "$targets/raw.shadowcopy")" false "killed, it is not complete"
	expect_fail 'is on its way to' piped "$b" --since "$a" -- "$targets/raw"
	check "the rest, by the file" piped "$a" --resume-from "$targets/raw.shadowcopy" -- \
		"$targets/raw"
	is_image "$targets/raw" "$a"
done
rm "$targets/whole.stream"

# What has changed, in place, on a device: half of it is neither shadow.
check "a device" piped "$a" -- "$DISK_device"
to_file "$b" --since "$a"
whole=$(stat -c %s "$targets/whole.stream")
expect_fail 'ends too early' cut_at $((whole / 2)) "$targets/whole.stream" "$DISK_device"
expect_fail 'differ' cmp "$a" "$DISK_device"
check "received once more, from where it was" \
	shadowadm receive -q --resume --verify -i "$targets/whole.stream" "$DISK_device"
is_image "$DISK_device" "$b"

# The sender is killed: what it has written can be received, and gone on with.
rm -f "$targets"/raw* "$targets/whole.stream"
shadowadm send -q "$a" --compress none --chunk 16K -o "$targets/part.stream" &
sender=$!
wait_for 20 size_over 300000 "$targets/part.stream"
kill -9 $sender || true
wait $sender || true
if shadowadm receive -q -i "$targets/part.stream" "$targets/raw"; then
	diag "it was faster"
else
	check "the rest, by the stream" send "$a" --resume-from "$targets/part.stream" \
		-o "$targets/rest.stream"
	check "is received" shadowadm receive -q -i "$targets/rest.stream" "$targets/raw"
fi
is_image "$targets/raw" "$a"

# There is no room: for the stream, then for what is made of it.
mkfs.ext4 -q -F -O ^has_journal "$DISK_device" 3M
mount_at "$DISK_device" "$SCRATCH/small"
expect_fail 'could not be written: No space' \
	shadowadm send "$a" --compress none -o "$SCRATCH/small/stream"
expect_fail 'ends too early' shadowadm receive -i "$SCRATCH/small/stream" "$targets/raw2"
check "the rest is sent" piped "$a" --resume-from "$SCRATCH/small/stream" -- "$targets/raw2"
is_image "$targets/raw2" "$a"
rm "$SCRATCH/small/stream"
expect_fail 'No space' piped "$a" -- "$SCRATCH/small/raw"
is "$(jq .complete "$SCRATCH/small/raw.shadowcopy")" false "it is not complete"
