#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: fail-io: a refused write ends after the reads of old data that were begun for it
# DISKS: origin=24M

. "$(dirname "$0")/policy.sh"

# Block 0 is read slowly, block 2 cannot be read.
slow_and_bad() {
	local rest=$(($(sectors "$DISK_origin") - 24))

	dm_reload origin "0 8 delay $DISK_origin 0 4000 $DISK_origin 0 0
8 8 linear $DISK_origin 8
16 8 error
24 $rest linear $DISK_origin 24"
}

has_ended() {
	! waits "$writer"
}

fill "$DISK_origin" 1
dm_linear origin "$DISK_origin"
need_module
track /dev/mapper/origin
policy /dev/mapper/origin fail-io
take /dev/mapper/origin
devio /dev/mapper/origin write:4k:4k
slow_and_bad
bg 60 devio /dev/mapper/origin write:0:12k
writer=$BG
wait_for 3 state_is /dev/mapper/origin faulted
is "$(volume /dev/mapper/origin fault)" cow-read "block 2 cannot be read"
check "the write has not ended while block 0 is being read" waits "$writer"
expect_fail "Input/output error" devio /dev/mapper/origin write:8m:4k
check "others end at once" waits "$writer"
wait_for 10 has_ended
if bg_wait "$writer"; then
	not_ok "it ends with an error"
else
	ok "it ends with an error"
fi
dm_reload origin "0 $(sectors "$DISK_origin") linear $DISK_origin 0"
shadowadm volume clear-fault /dev/mapper/origin
check "writes pass" devio /dev/mapper/origin write:0:12k
check "the image is as it was" same seed:1 "$IMAGE"
