#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a store that gets full in the middle ends the revert, and costs no shadow, whatever the policy (B-31)
# DISKS: origin=96M store=64M a=96M b=96M
# TIMEOUT: 400
# EXPECT_LOG: reverted half-way
# EXPECT_LOG: its shadows are protected

. "$(dirname "$0")/revert.sh"

need_module
listen
shot "$DISK_a"
first=$IMAGE
change 0 24
shot "$DISK_b"
dd if=/dev/urandom of="$DISK_origin" bs=1M seek=30 count=28 oflag=direct status=none
settle
disk_limit origin iops=20
check "it begins" shadowadm revert --yes --no-wait "$first"

# Nobody has the volume for himself, but who has it open can write to it all the same.
dd if=/dev/urandom of="$DISK_origin" bs=1M seek=58 count=38 oflag=direct status=none || true
revert_is_over || diag "$(revert_of percent) per cent when it was full"
disk_limit origin
wait_for 100 revert_is_over
revert_is state half-done
revert_is reason store-full
check "an event told it" event revert-failed store-full
is "$(shadowadm list --json | jq -r '[.shadows[].state] | join(" ")')" "created created" \
	"no shadow is lost, and none has gone"
equal "$DISK_a" "$DISK_b"
is "$(volume "$DISK_origin" fault)" null "writes pass again"
refused revert-room shadowadm revert --yes "$first"
revert_is state half-done
drop "$(images | tail -n 1)"
reverted "$first" "$DISK_a"
drop_all
unload
