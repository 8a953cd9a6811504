#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: what others may do while a volume is reverted, and what not (B-31)
# DISKS: origin=64M store=160M a=64M b=64M c=64M
# TIMEOUT: 400

. "$(dirname "$0")/revert.sh"

need_module

shot "$DISK_a"
change 0 20
shot "$DISK_b"
first=$IMAGE
change 10 40
shot "$DISK_c"
change 0 60

mapfile -t found < <(images)
disk_limit origin iops=25
check "it begins" shadowadm revert --yes --no-wait "$first"
revert_is state running
is "$(volume "$DISK_origin" state)" reverting "the list of volumes shows it"
refused reverting shadowadm revert --yes "${found[0]}"
refused reverting shadowadm revert --yes "$first"
refused reverting shadowadm revert --cancel "$DISK_origin"
refused reverting shadowadm revert --cancel --force "$DISK_origin"
refused reverting shadowadm create "$DISK_origin" --persistent
expect_fail "is being reverted, or is to be" shadowadm delete -q "$first"
expect_fail "mounted, or in use" shadowadm store detach "$DISK_origin"
expect_fail "in use" rmmod shadow
expect_fail "busy" dmsetup create upper --table "0 $(sectors "$DISK_origin") linear $DISK_origin 0"
check "an older one can be deleted" shadowadm delete -q "${found[0]}"
check "the volume can be held" timeout 60 shadowadm hold "$DISK_origin" -- sleep 1
check "a shadow can be read" cmp -n 1048576 "$first" "$DISK_b"
check "one that is newer, too" cmp -n 1048576 "${found[2]}" "$DISK_c"
revert_is state running
check "and deleted" timeout 100 shadowadm delete -q "${found[2]}"
diag "$(revert_of percent) per cent"
disk_limit origin
wait_for 60 revert_is_over
revert_is state "done"
check "the volume is the oracle" ora_compare "$DISK_origin" "$DISK_b"
equal "$DISK_b"
check "a new one can be made" shadowadm create "$DISK_origin" --persistent --no-free-space -q
equal "$DISK_b" "$DISK_b"
drop_all
unload
