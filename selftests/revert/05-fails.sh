#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: a revert that fails half-way says so, costs no shadow, and goes on when it can (B-31, B-32)
# DISKS: disk=64M store=160M a=64M b=64M
# TIMEOUT: 400
# EXPECT_LOG: I/O error
# EXPECT_LOG: reverted half-way

. "$(dirname "$0")/revert.sh"

DISK_origin=/dev/mapper/origin
all=$(sectors "$DISK_disk")

# break_at FIRST: a MiB of the volume cannot be read or written from there on, in MiB
break_at() {
	local at=$(($1 * 2048))

	dm_reload origin "0 $at linear $DISK_disk 0
$at 2048 error
$((at + 2048)) $((all - at - 2048)) linear $DISK_disk $((at + 2048))"
}

mend() {
	dm_reload origin "0 $all linear $DISK_disk 0"
}

dm_linear origin "$DISK_disk"
need_module

if [ "$STAGE" -eq 1 ]; then
	# It goes on, and fails again; then it does not.
	break_at 20
	expect_fail "reverted half-way" shadowadm store attach "$DISK_origin" --store "$DISK_store"
	revert_is state half-done
	mend
	reverted "$(images | head -n 1)" "$DISK_a"
	equal "$DISK_a" "$DISK_b"
	check "the filesystem is sound" e2fsck -fn "$DISK_origin"
	drop_all
	unload
	exit 0
fi

listen
mkfs_on ext4 "$DISK_origin"
shot "$DISK_a"
first=$IMAGE
change 4 40
shot "$DISK_b"
second=$IMAGE

# What is to be overwritten cannot be read, so not be preserved.
break_at 20
expect_fail "reverted half-way" shadowadm revert --yes "$first"
revert_is state half-done
revert_is reason origin-error
check "an event told it" event revert-failed
is "$(volume "$DISK_origin" state)" reverting "the list of volumes shows it"
refused half-reverted shadowadm create "$DISK_origin" --persistent
refused half-reverted shadowadm revert --cancel "$DISK_origin"
refused half-reverted shadowadm revert --yes --at-boot "$second"
expect_fail "is being reverted, or is to be" shadowadm delete -q "$first"
is "$(shadowadm list --json | jq -r '[.shadows[].state] | unique | .[]')" created "no shadow is lost"
expect_fail "reverted half-way" shadowadm revert --yes "$first"
mend
equal "$DISK_a" "$DISK_b"
check "the volume can be had by others" dm_linear upper "$DISK_origin"
dm_remove upper

# To another one, or the same.
reverted "$second" "$DISK_b"
revert_is state "done"
is "$(shadow "$first" revert)" false "the first one is like others again"
reverted "$first" "$DISK_a"
reverted "$second" "$DISK_b"

# All that it overwrites is preserved already; it cannot be written.
change 4 2
break_at 4
expect_fail "reverted half-way" shadowadm revert --yes "$second"
like "$(revert_of reason)" "^(revert-write|origin-error)$" "the volume has failed"
check "it is left as it is, if that is wanted" shadowadm revert --cancel --force "$DISK_origin"
revert_is state ""
mend
equal "$DISK_a" "$DISK_b"

# And then the machine stops.
break_at 20
expect_fail "reverted half-way" shadowadm revert --yes "$first"
power_cut
