#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store that is full of what was written to an image fails such writes, and nothing else
# DISKS: origin=32M twin=32M

. "$(dirname "$0")/writable.sh"

fill "$DISK_origin" 1
fill "$DISK_twin" 1
need_module
listen
take "$DISK_origin" --store memory:8M
plain=$IMAGE
take_writable "$DISK_origin"
expect_fail 'No space left on device' dd if=/dev/urandom of="$IMAGE" bs=64k seek=16 oflag=direct
overlay=$(shadow "$IMAGE" overlay)
check "$overlay bytes were stored" [ "$overlay" -gt $((6 << 20)) ]
check "some were left" [ "$(store_used "$DISK_origin")" -lt $((8 << 20)) ]
is "$(shadow "$plain" state) $(shadow "$IMAGE" state)" "created created" "nothing was lost"
check "the image can be read" dd if="$IMAGE" of=/dev/null bs=1M status=none

# What is there already can be written again, as often as you like.
dd if="$IMAGE" of="$DISK_twin" bs=1M oflag=direct status=none
for ((i = 0; i < 40; i++)); do
	devio "$IMAGE" write:1m:256k
done
for ((i = 0; i < 1; i++)); do
	devio "$DISK_twin" write:1m:256k
done
check "and written where it was" same "$IMAGE" "$DISK_twin"
expect_fail 'No space left on device' devio "$IMAGE" write:20m:4m
# A part of that may have been stored.
# What was left is the origin's.
devio "$DISK_origin" write:24m:128k
is "$(shadow "$plain" state) $(shadow "$IMAGE" state)" "created created" "the origin has room"
check "the other shadow is as it was" same seed:1 "$plain"

# The image makes room when it goes.
drop "$IMAGE"
check "its blocks are free again" [ "$(store_used "$DISK_origin")" -lt $((2 << 20)) ]
devio "$DISK_origin" write:0:4m
check "and used for preserving" same seed:1 "$plain"

# When the origin needs more than there is, all are lost, and say so.
take_writable "$DISK_origin"
shadowadm pin "$plain" "$IMAGE" >/dev/null	# they would be evicted, and nothing be lost
bg 60 bash -c 'while dd if=/dev/urandom of="$1" bs=64k count=16 oflag=direct status=none; do :; done' \
	write "$IMAGE"
check "the origin's writer sees no error" fill "$DISK_origin" 3
is_lost "$IMAGE" store-full
expect_fail 'Input/output error' devio "$IMAGE" write:0:4k
wait_for 20 bash -c '! kill -0 "$1" 2>/dev/null' ended "$BG"
ok "its writer has ended"
check "all was written" same seed:3 "$DISK_origin"
drop_all
unload
