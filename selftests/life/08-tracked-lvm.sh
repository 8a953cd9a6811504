#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: logical volumes that are only tracked can be deactivated and removed
# DISKS: a=64M

. "$(dirname "$0")/life.sh"

only_one() {
	[ "$(volume_count)" = 1 ]
}

has lvm
need_module
cleanup "vgchange -qq -an shadowtest >/dev/null 2>&1; vgremove -qq -f shadowtest >/dev/null 2>&1 || true"
vgcreate -qq shadowtest "$DISK_a" >/dev/null
lvcreate -qq -y -L 16M -n one shadowtest >/dev/null
lvcreate -qq -y -L 16M -n two shadowtest >/dev/null
shadowadm volume track /dev/shadowtest/one /dev/shadowtest/two
fill /dev/shadowtest/one 1
check "lvchange -an" lvchange -an shadowtest/one
wait_for 10 only_one
ok "it is no longer tracked"
check "lvremove" lvremove -qq -f shadowtest/two
wait_for 10 untracked
ok "nor is the other"
check "lvchange -ay" lvchange -ay shadowtest/one
take /dev/shadowtest/one
devio /dev/shadowtest/one write:0:1m
check "its image is as it was" same seed:1 "$IMAGE"
expect_fail 'in use|open' lvchange -an shadowtest/one
drop "$IMAGE"
check "vgchange -an" vgchange -an shadowtest
unload
