#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what cannot be sent or received is refused, and says why; a shadow that is lost on the way leaves no whole stream
# DISKS: origin=64M store=96M room=200M device=64M small=32M
# TIMEOUT: 300

. "$(dirname "$0")/send.sh"

need_module
room
an_ext4
take_used "$DISK_origin" --store "$DISK_store"
a=$IMAGE
live 3
take_used "$DISK_origin" --store "$DISK_store"
b=$IMAGE
live 4
take_used "$DISK_origin" --store "$DISK_store"
c=$IMAGE

# Wrong bases.
check "a file is the first" piped "$a" -- "$targets/raw"
cp "$targets/raw" "$targets/before"
expect_fail 'what has changed since .*send what has changed since that one' \
	piped "$c" --since "$b" -- "$targets/raw"
check "nothing was written" cmp "$targets/raw" "$targets/before"
expect_fail 'not older' send "$a" --since "$b" -o "$targets/none"
expect_fail 'since itself' send "$a" --since "$a" -o "$targets/none"
check "from the first to the third" piped "$c" --since "$a" -- --verify "$targets/raw"
is_image "$targets/raw" "$c"

# Devices that are not to be overwritten.
mkfs_on ext4 "$DISK_device"
expect_fail 'there is something on .*ext4.*--force' piped "$a" -- "$DISK_device"
check "but for --force" piped "$a" -- --force "$DISK_device"
mount_at "$DISK_device" "$SCRATCH/other"
expect_fail 'is in use' piped "$a" -- --force "$DISK_device"
umount_at "$SCRATCH/other"
expect_fail 'as if it had been mounted' piped "$b" --since "$a" -- "$DISK_device"
expect_fail 'is in use' piped "$a" -- --force "$DISK_store"
expect_fail 'is in use' piped "$a" -- --force "$DISK_origin"
expect_fail 'too small' piped "$a" -- "$DISK_small"
expect_fail 'cannot be' piped "$a" -- --force "$b"

# A terminal, a file that is there, a set.
expect_fail 'nothing for a terminal' script -qec "shadowadm send $a" /dev/null
expect_fail 'is there already' send "$a" -o "$targets/raw"
expect_fail 'is a set' send "$(shadow "$a" set)" -o "$targets/none"
expect_fail 'no shadow|no such|there is' send 12345678 -o "$targets/none"
check "no file was made" [ ! -e "$targets/none" ]

# Writable ones can change while they are read.
take_used "$DISK_origin" --writable
expect_fail 'seal' send "$IMAGE" -o "$targets/none"
shadowadm seal -q "$IMAGE"
check "sealed, it can be sent" piped "$IMAGE" -- "$targets/sealed"
is_image "$targets/sealed" "$IMAGE"

is_lost() {
	[ "$(shadow "$1" state)" = lost ]
}

# The store is too small: the shadow is lost while it is sent.
drop_all
take_used "$DISK_origin" --store memory:4M
mkfifo "$SCRATCH/fifo"
shadowadm send "$IMAGE" --compress none --chunk 4K >"$SCRATCH/fifo" 2>"$SCRATCH/said" &
sender=$!
exec {fifo}<"$SCRATCH/fifo"
head -c 200000 <&"$fifo" >"$targets/lost.stream"
dd if=/dev/urandom of="$mnt/kept" bs=1M count=6 conv=notrunc,fsync status=none
wait_for 20 is_lost "$IMAGE"
cat <&"$fifo" >>"$targets/lost.stream"
exec {fifo}<&-
status=0
wait $sender || status=$?
is $status 1 "the sender fails"
check "it says why" grep -q "was lost on the way" "$SCRATCH/said"
diag "$(cat "$SCRATCH/said")"
expect_fail 'ends too early' shadowadm receive -i "$targets/lost.stream" "$targets/lost"
