#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what cannot be reverted is refused, says why, and nothing is changed (B-31)
# DISKS: origin=64M store=96M other=32M small=8M a=64M
# TIMEOUT: 300

. "$(dirname "$0")/revert.sh"

need_module

# same_as_before: the volume has not been touched
same_as_before() {
	check "nothing was changed" cmp "$DISK_origin" "$SCRATCH/now"
}

expect_fail "no shadow and no set has this name" shadowadm revert --yes 77
expect_fail "name one shadow" shadowadm revert --yes
expect_fail "exclude each other" shadowadm revert --status --cancel "$DISK_origin"
refused no-device shadowadm revert --cancel "$DISK_origin"

# One that is not persistent: in a volatile store, and in a durable one.
take "$DISK_other"
refused not-persistent shadowadm revert --yes "$IMAGE"
refused not-persistent shadowadm revert --yes --at-boot "$IMAGE"
drop_all
shot "$DISK_a"
first=$IMAGE
take "$DISK_origin"
refused not-persistent shadowadm revert --yes "$IMAGE"
drop "$IMAGE"

change 0 8
cp "$DISK_origin" "$SCRATCH/now"
expect_fail "say --yes" shadowadm revert "$first" </dev/null
same_as_before
set=$(shadow "$first" set)
expect_fail "is a set" shadowadm revert --yes "$set"

# In use by another device.
dm_linear upper "$DISK_origin"
refused busy shadowadm revert --yes "$first"
check "it says by whom" grep -q "used by\|upper\|dm-" "$SCRATCH/refused"
dm_remove upper
blockdev --setro "$DISK_origin"
refused volume-readonly shadowadm revert --yes "$first"
blockdev --setrw "$DISK_origin"
same_as_before

# A set in the making would get a shadow of neither.
check "with a set in the making" bash -c "
	answer=\$(holder --timeout 20000 --persistent '$DISK_origin' -- add \
		'exec:shadowadm revert --yes --json $first; true')
	grep -q '\"busy\"' <<<\"\$answer\""
same_as_before

# No room for what a newer shadow needs.
drop_all
parts list
fill "$DISK_origin" 1 60
DISK_store=$DISK_other shot "$DISK_a"
first=$IMAGE
fill "$DISK_origin" 2 24
shadowadm create "$DISK_origin" --persistent --no-free-space -q
settle
cp "$DISK_origin" "$SCRATCH/now"
refused revert-room shadowadm revert --yes "$first"
check "it says how much is missing" grep -qE "need [0-9.]+ MiB of the store, and it has [0-9.]+ MiB" \
	"$SCRATCH/refused"
refused revert-room shadowadm revert --yes --at-boot "$first"
revert_is state ""
same_as_before
is "$(shadow_count)" 2 "both shadows are there"
drop "$(images | tail -n 1)"
reverted "$first" "$DISK_a"

# A lost one.
shadowadm store detach "$DISK_origin" -q
change 0 1
parts attach "$DISK_origin" "$DISK_other" lost
settle
refused shadow-lost shadowadm revert --yes "$(images)"
drop_all

# A volume that has become smaller: on device-mapper, where that can be.
raw=$DISK_origin
dm_linear origin "$raw"
DISK_origin=/dev/mapper/origin
shot "$DISK_a"
dm_reload origin "0 $(($(sectors "$raw") - 2048)) linear $raw 0"
refused volume-size shadowadm revert --yes "$IMAGE"
dm_reload origin "0 $(sectors "$raw") linear $raw 0"
drop_all
unload
