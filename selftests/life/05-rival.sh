#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DESC: another module holds the function: refused, with the reason, and nothing is left
# CORE
# DISKS: a=16M

. "$(dirname "$0")/life.sh"

need_module
insmod "$BUILT/selftests/modules/rival.ko"
cleanup '[ ! -d /sys/module/rival ] || rmmod rival'
expect_fail 'step=add error=EBUSY phase=HOOK reason=HOOK_BUSY' holder "$DISK_a" -- add take
expect_fail 'another module' shadowadm create "$DISK_a"
expect_fail 'another module' shadowadm volume track "$DISK_a"
is "$(volume_count)" 0 "nothing is tracked"
like "$(shadowadm doctor || true)" 'failure +hook' "doctor tells of it"
rmmod rival
take "$DISK_a"
ok "without it it works"
